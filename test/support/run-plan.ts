import type { RunPlan } from '../../schemas/generated/types.ts'
import { SUBJECT } from './stage-record.ts'

/** A plan in which everything runs; override what the test is about. */
export function makeRunPlan(overrides: Partial<RunPlan> = {}): RunPlan {
  return {
    schema: 'ctss.run-plan/v1',
    subject: SUBJECT,
    name: 'zelda/cloud-counter',
    trust: 'trusted',
    staging: 'registry',
    release: false,
    keepGoing: false,
    stages: [
      { stage: 'validate', kind: 'run', reason: 'no record of these inputs' },
      { stage: 'train', kind: 'run', reason: 'no record of these inputs', runner: ['ubuntu-24.04'] },
      { stage: 'build', kind: 'run', reason: 'its inputs are not known yet' },
      { stage: 'virtual', kind: 'run', reason: 'its inputs are not known yet', runner: ['ubuntu-24.04'] },
      { stage: 'node', kind: 'skip', reason: 'no Waggle node is attached', runner: ['ubuntu-24.04'] },
      { stage: 'publish', kind: 'run', reason: 'its inputs are not known yet' },
    ],
    platforms: [
      { platform: 'linux/amd64', runner: ['ubuntu-24.04'], emulated: false, build: true },
      { platform: 'linux/arm64', runner: ['ubuntu-24.04-arm'], emulated: false, build: true },
    ],
    parts: [],
    tool: { name: 'ctss', version: '0.1.0' },
    ...overrides,
  }
}
