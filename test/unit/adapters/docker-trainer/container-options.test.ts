import { expect, it } from 'vitest'
import { containerOptions } from '../../../../adapters/docker-trainer/docker-trainer.ts'
import type { TrainingRequest } from '../../../../pipeline/ports/trainer.ts'

const REQUEST: TrainingRequest = {
  image: 'image@sha256:1',
  platform: 'linux/amd64',
  command: ['python3', 'train.py', '--x; rm -rf /'],
  env: { A: '1', CTSS_SEED: 'theirs' },
  hyperparameters: {},
  datasets: [],
  checkpoints: '/c',
  results: '/r',
  gpu: false,
  network: 'none',
  timeoutMs: 1,
  limits: { memoryBytes: 1000, diskBytes: 1, pids: 5 },
  attempt: 1,
  runId: 'run',
  seed: 1,
}
const LAYOUT = { mounts: [{ source: '/a:b', target: '/opt/ml/model', readOnly: false }], env: { CTSS_SEED: '1' }, writable: [], metricsFile: '/m' }
const options = (changes: Partial<TrainingRequest> = {}) => containerOptions({ ...REQUEST, ...changes }, LAYOUT, 'label')

it('closes the container off', () => {
  expect(options()).toMatchObject({
    Image: 'image@sha256:1',
    Entrypoint: ['python3'],
    Cmd: ['train.py', '--x; rm -rf /'],
    Env: ['A=1', 'CTSS_SEED=1'],
    Labels: { 'org.sagecontinuum.ctss': 'label' },
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 1000,
      MemorySwap: 1000,
      ShmSize: 500,
      PidsLimit: 5,
      LogConfig: { Type: 'none' },
      Mounts: [{ Type: 'bind', Source: '/a:b', Target: '/opt/ml/model', ReadOnly: false }],
    },
  })
  expect(options().HostConfig?.DeviceRequests).toEqual([])
  expect(options().HostConfig).not.toHaveProperty('NanoCpus')
})

it.each<[Partial<TrainingRequest>, object]>([
  [{ network: 'open' }, { NetworkMode: 'bridge' }],
  [{ limits: { ...REQUEST.limits, cpus: 1.5 } }, { NanoCpus: 1_500_000_000 }],
  [{ gpu: true }, { DeviceRequests: [{ Driver: 'nvidia', Count: -1, Capabilities: [['gpu']] }] }],
  [{ gpu: { type: 'gpu_a100', count: 2 } }, { DeviceRequests: [{ Count: 2 }] }],
])('%j is asked of the engine', (changes, hostConfig) => {
  expect(options(changes).HostConfig).toMatchObject(hostConfig)
})
