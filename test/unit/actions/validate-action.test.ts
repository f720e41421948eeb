import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { VALIDATE } from '../../../actions/definitions.ts'
import { runValidateAction } from '../../../actions/validate-action.ts'
import { parseRecord } from '../../../adapters/records/parse-record.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { HEALTHY_PLUGIN } from '../../support/healthy-plugin.ts'
import type { MemoryFile } from '../../support/memory-tree.ts'

const FILES = { ...HEALTHY_PLUGIN, 'sage.yaml': `namespace: zelda\n${HEALTHY_PLUGIN['sage.yaml']}` }
const BROKEN = { ...FILES, 'sage.yaml': FILES['sage.yaml'].replace(/^description.*\n/m, '') }

let worlds: JobWorld[] = []
afterEach(async () => {
  await Promise.all(worlds.map(async (world) => world[Symbol.asyncDispose]()))
  worlds = []
})

async function validate(files: Readonly<Record<string, MemoryFile>>, texts: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
  const world = await makeJobWorld(files)
  worlds.push(world)
  const { outputs, exitCode } = await runValidateAction(world.call(VALIDATE, texts, env))
  return { outputs, exitCode, log: world.log(), summary: await world.summary(), world }
}

describe('the action validate', () => {
  it('passes a good plugin, and leaves its record', async () => {
    const { outputs, exitCode, summary, world, log } = await validate(FILES)
    const record = parseRecord(await readFile(outputs['record-file'] ?? '', 'utf8'))

    expect(log).not.toContain('::error')
    expect(exitCode).toBe(0)
    expect(outputs).toMatchObject({ outcome: 'passed', errors: '0', warnings: '0', folder: join(world.temporary, 'ctss/out/validate') })
    expect(record).toMatchObject({ stage: 'validate', outcome: 'passed', key: outputs.key, environment: { kind: 'github' } })
    expect(JSON.parse(outputs.record ?? '')).toEqual(record)
    expect(summary).toContain('validate')
  })

  it('fails a plugin with errors, each at its line', async () => {
    const { outputs, exitCode, log } = await validate(BROKEN)

    expect(exitCode).toBe(1)
    expect(outputs).toMatchObject({ outcome: 'failed' })
    expect(Number(outputs.errors)).toBeGreaterThan(0)
    expect(log).toMatch(/^::error file=sage\.yaml,line=\d+,/m)
  })

  it('names files as GitHub does, where the plugin lies in a folder of the repository', async () => {
    const { log } = await validate(Object.fromEntries(Object.entries(BROKEN).map(([path, text]) => [`apps/counter/${path}`, text])), { path: 'apps/counter' })

    expect(log).toMatch(/^::error file=apps\/counter\/sage\.yaml,line=\d+,/m)
  })

  it('lets warnings pass, but not strictly', async () => {
    const files = { ...FILES, 'main.py': 'import waggle.plugin\nwaggle.plugin.Plugin().publish("Cloud Count", 1)\n' }
    const lenient = await validate(files)
    expect([lenient.exitCode, Number(lenient.outputs.warnings) > 0, lenient.outputs.errors]).toEqual([0, true, '0'])

    const strict = await validate(files, { strict: 'true' })
    expect(strict.exitCode).toBe(1)
    expect(strict.outputs.outcome).toBe('passed')
    expect(strict.log).toContain('::error::warnings fail too, since the input `strict` is true')
  })

  it('goes on without a summary', async () => {
    expect((await validate(FILES, {}, { GITHUB_STEP_SUMMARY: '' })).exitCode).toBe(0)
    expect((await validate(FILES, {}, { GITHUB_STEP_SUMMARY: '/nonexistent/summary' })).log).toContain('::warning::the job summary could not be written')
  })
})
