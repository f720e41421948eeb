import { describe, expect, it } from 'vitest'
import { renderRunningTable } from '../../../../app/github/running-table.ts'
import type { PluginFacts, RunFacts, StageFacts } from '../../../../pipeline/service/world.ts'
import { makeRun, makeWorkflow } from '../../../support/ref-world.ts'

const STAGE: StageFacts = { stage: 'build', state: 'planned', reason: 'no record', problems: [] }

function render(stages: readonly StageFacts[], run?: RunFacts): readonly string[] {
  const plugin: PluginFacts = { path: '', name: 'sage/x', version: '1.0.0', stages, plan: undefined, fixes: [] }
  return renderRunningTable(plugin, run).split('\n').slice(2)
}

describe('the table of stages that run', () => {
  it.each([
    [{ ...STAGE, state: 'ran', outcome: 'passed' }, '| build | ✅ passed |'],
    [{ ...STAGE, state: 'reused', outcome: 'passed', from: { commit: 'abcdef0123', ended: '' } }, '| build | ✅ passed, from `abcdef0` |'],
    [{ ...STAGE, state: 'reused', outcome: 'passed', from: { commit: null, ended: '' } }, '| build | ✅ passed, from an earlier run |'],
    [{ ...STAGE, state: 'skipped', outcome: 'skipped', reason: 'nothing | to [build](x)' }, String.raw`| build | ➖ nothing &#124; to \[build\]\(x\) |`],
    [{ ...STAGE, state: 'missing', reason: 'lost' }, '| build | ➖ lost |'],
  ] as const)('says how a stage stands: %o', (facts, row) => {
    expect(render([facts])).toEqual([row])
  })

  it('names the machine, its step, and when it will be done; what a plugin wrote stays text', () => {
    const job = {
      id: 1,
      name: 'pipeline / build / linux/arm64',
      status: 'in_progress',
      conclusion: null,
      runner: 'node-1',
      started: '2026-11-21T12:00:00Z',
      ended: null,
      step: 'Build <img>',
    } as const
    const run = makeRun({ state: 'running', isClaimed: true, workflow: makeWorkflow({ jobs: [job] }) })
    const [row] = render([{ ...STAGE, usualSeconds: 600 }], run)
    expect(row).toContain('node-1')
    expect(row).toContain('12:10 UTC')
    expect(row).not.toContain('<img>')
    expect(render([STAGE])[0]).toContain('⏳')
  })
})
