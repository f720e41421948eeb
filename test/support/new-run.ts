import type { NewRun } from '../../pipeline/ports/service-state.ts'
import { makeRunPlan } from './run-plan.ts'

/** A run of the default branch that is asked for; override what the test is about. */
export function makeNewRun(id: string, overrides: Partial<NewRun> = {}): NewRun {
  return {
    id,
    repository: 7_000_000_001,
    ref: 'refs/heads/main',
    commit: 'a'.repeat(40),
    path: '',
    trust: 'trusted',
    release: false,
    plan: makeRunPlan(),
    cause: 'push',
    now: '2026-11-21T12:00:00.000Z',
    ...overrides,
  }
}
