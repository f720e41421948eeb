import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { interactiveOutput } from '../../../cli/output/interactive.ts'
import { openOutput } from '../../../cli/output/open.ts'
import { digestOf } from '../../../pipeline/digest.ts'
import type { StageSummary } from '../../../pipeline/run.ts'

const summary = (overrides: Partial<StageSummary>): StageSummary => ({
  stage: 'validate',
  outcome: 'passed',
  ran: true,
  seconds: 1,
  key: digestOf('key'),
  problems: [],
  ...overrides,
})

function terminal(): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = new PassThrough()
  let text = ''
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return {
    stream: Object.assign(stream, {
      isTTY: true,
      columns: 120,
      rows: 40,
      cursorTo: () => true,
      moveCursor: () => true,
      clearLine: () => true,
    }) as unknown as NodeJS.WriteStream,
    text: () => text,
  }
}

describe('the interactive output', () => {
  it('draws the stages with their newest line, and what became of each', async () => {
    const { stream, text } = terminal()
    const output = interactiveOutput(stream)
    output.general.step('Starting the registry')
    output.general.output('not shown')
    const progress = output.stageStarted('build', 'no record of these inputs')
    await new Promise((resolve) => setTimeout(resolve, 50))
    progress.step('writing the build context')
    progress.output('first\nsecond')
    output.stageEnded(summary({ stage: 'validate' }))
    output.stageEnded(summary({ stage: 'train', outcome: 'skipped', ran: false, reason: 'no training section' }))
    output.stageEnded(summary({ stage: 'build', outcome: 'failed' }))
    await output.close()

    expect(text()).toContain('Starting the registry')
    expect(text()).toContain('validate: passed in 1.0 s')
    expect(text()).toContain('train: skipped: no training section')
    expect(text()).toContain('build: failed')
  })

  it('shows what the set-up does while stages wait for it', async () => {
    const { stream, text } = terminal()
    const output = interactiveOutput(stream)
    output.stageStarted('train', 'no record of these inputs')
    await new Promise((resolve) => setTimeout(resolve, 50))
    output.general.step('Starting BuildKit')
    await expect.poll(text).toContain('Starting BuildKit')
    await output.close()
  })
})

describe('the output that fits', () => {
  it.each([
    [{ quiet: true }, true],
    [{ quiet: false }, false],
  ])('%j', async (options) => {
    const output = await openOutput(options, { stateFolder: '/s', cacheFolder: '/c', dockerConfigFolder: '/d', ci: true, color: 'never', sageUsers: new Map() })

    await expect(output.close()).resolves.toBeUndefined()
  })
})
