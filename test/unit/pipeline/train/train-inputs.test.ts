import { describe, expect, it } from 'vitest'
import type { Training } from '../../../../pipeline/pipeline.ts'
import { keyOf } from '../../../../pipeline/key.ts'
import type { TreeEntry } from '../../../../pipeline/ports/repository-tree.ts'
import { entriesBelow, evaluationDigest, repositoryPath, trainInputs } from '../../../../pipeline/train/train-inputs.ts'
import { makeTraining } from '../../../support/pipeline.ts'

const ENTRIES: TreeEntry[] = [
  { path: 'README.md', mode: '100644', blob: '1'.repeat(40), bytes: 1 },
  { path: 'data/smoke/a.png', mode: '100644', blob: '2'.repeat(40), bytes: 1 },
  { path: 'data/smoke2', mode: '100644', blob: '3'.repeat(40), bytes: 1 },
]
const DATASET = { name: 'smoke', uri: './data/smoke/', sha256: 'a'.repeat(64) }
const TRAINING = makeTraining({ datasets: [DATASET] })

function key({
  image = 'image',
  platform = 'linux/amd64',
  entries = ENTRIES,
  training = {},
}: { image?: string; platform?: string; entries?: TreeEntry[]; training?: Partial<Training> } = {}) {
  return keyOf('train', trainInputs({ image, platform, entries, training: { ...TRAINING, ...training } }))
}

describe('the key of train', () => {
  it.each<[string, Parameters<typeof key>[0]]>([
    ['the image', { image: 'other' }],
    ['the platform', { platform: 'linux/arm64' }],
    ['the command', { training: { command: ['python3', 'other.py'] } }],
    ['the seed', { training: { seed: 2 } }],
    ['hyperparameters', { training: { hyperparameters: { lr: 0.1 } } }],
    ['the GPU', { training: { gpu: true } }],
    ['the kind of GPU', { training: { gpu: { type: 'gpu_a100', count: 1 } } }],
    ['the network', { training: { network: 'open' } }],
    ['limits', { training: { limits: { ...TRAINING.limits, memoryBytes: 1 } } }],
    ['the time limit', { training: { timeoutMs: 1 } }],
    ['the engine', { training: { engine: 'ray' } }],
    ['a declared digest', { training: { datasets: [{ ...DATASET, sha256: 'b'.repeat(64) }] } }],
    ["a data set's name", { training: { datasets: [{ ...DATASET, name: 'other' }] } }],
    ['a file of a data set', { entries: ENTRIES.with(1, { ...ENTRIES[1]!, blob: '9'.repeat(40) }) }],
  ])('changes with %s', (_name, changes) => {
    expect(key(changes)).not.toBe(key())
  })

  it.each<[string, Parameters<typeof key>[0]]>([
    ['gates', { training: { gates: [{ metric: 'accuracy', min: 1 }] } }],
    ['another file', { entries: ENTRIES.with(0, { ...ENTRIES[0]!, blob: '9'.repeat(40) }) }],
    ['a file beside a data set', { entries: ENTRIES.with(2, { ...ENTRIES[2]!, blob: '9'.repeat(40) }) }],
    ["a data set's licence", { training: { datasets: [{ ...DATASET, license: 'CC0-1.0' }] } }],
  ])('does not change with %s', (_name, changes) => {
    expect(key(changes)).toBe(key())
  })

  it('takes hyperparameters of any kind', () => {
    const hyperparameters = { list: [1, 'a', null, true], deep: { nan: Number.NaN, missing: undefined } }

    expect(trainInputs({ image: 'i', platform: 'p', entries: [], training: { ...TRAINING, hyperparameters } })).toMatchObject({
      hyperparameters: { list: [1, 'a', null, true], deep: { nan: 'NaN', missing: null } },
    })
  })
})

it.each([
  ['data/x', 'data/x'],
  ['./data/', 'data'],
  ['.', '.'],
  ['./', '.'],
  ['https://x/y', undefined],
  ['s3://b/k', undefined],
  ['file:///x', undefined],
])('%s names the path %s in the repository', (uri, path) => {
  expect(repositoryPath(uri)).toBe(path)
})

it('the root holds every entry', () => {
  expect(entriesBelow('.', ENTRIES)).toEqual(ENTRIES)
})

it('the digest of an evaluation covers metrics and slices alone', () => {
  const details = { metrics: [{ name: 'a', value: 'NaN' as const, better: 'higher' as const }], slices: [{ slice: 's', metric: 'a', value: 1, n: 2 }] }

  expect(evaluationDigest(details)).toBe(evaluationDigest(structuredClone(details)))
  expect(evaluationDigest(details)).not.toBe(evaluationDigest({ ...details, slices: [] }))
})
