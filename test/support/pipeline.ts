import { DEFAULT_LIMITS, type Pipeline, type Training, type TrialPlan } from '../../pipeline/pipeline.ts'

/** A complete training section; override what the test is about. */
export function makeTraining(overrides: Partial<Training> = {}): Training {
  return {
    source: { kind: 'dockerfile', path: 'train/Dockerfile' },
    command: ['python3', 'train.py'],
    gpu: false,
    engine: 'docker',
    network: 'none',
    timeoutMs: 3_600_000,
    seed: 1,
    limits: DEFAULT_LIMITS,
    hyperparameters: {},
    datasets: [],
    gates: [],
    ...overrides,
  }
}

/** A complete trial; override what the test is about. */
export function makeTrialPlan(overrides: Partial<TrialPlan> = {}): TrialPlan {
  return {
    name: 'default',
    inputs: undefined,
    cameras: {},
    args: [],
    env: {},
    timeoutMs: 60_000,
    mayRunOn: false,
    exitCode: 0,
    limits: DEFAULT_LIMITS,
    network: 'none',
    platforms: undefined,
    expect: [],
    golden: undefined,
    ...overrides,
  }
}

/** A complete pipeline of a plugin with training, a model and one trial; override what the test is about. */
export function makePipeline(overrides: Partial<Pipeline> = {}): Pipeline {
  return {
    manifest: {
      namespace: 'zelda',
      name: 'cloud-counter',
      version: '0.1.0',
      description: 'Counts clouds',
      license: 'Apache-2.0',
      authors: '',
      keywords: '',
      homepage: '',
      path: 'sage.yaml',
      platforms: ['linux/amd64', 'linux/arm64'],
      directory: '.',
      dockerfile: 'Dockerfile',
      buildArgs: {},
      document: { name: 'cloud-counter', description: 'Counts clouds', source: { architectures: ['linux/amd64', 'linux/arm64'] } },
    },
    training: makeTraining(),
    model: { path: 'app/model', source: { kind: 'train' } },
    trials: [makeTrialPlan()],
    budgets: {},
    repetitions: 12,
    nodes: [],
    access: 'public',
    ...overrides,
  }
}
