import { describe, expect, it } from 'vitest'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const IN_APP = `${HEALTHY_PLUGIN['sage.yaml']}  directory: app\n`

/** Every problem of ctss.yaml as `severity code file:line`. */
async function check(files: Readonly<Record<string, MemoryFile>>): Promise<readonly string[]> {
  const { problems } = await readPipeline(memoryTree({ ...HEALTHY_PLUGIN, ...files }))
  return problems
    .filter(({ place }) => place?.file === 'ctss.yaml')
    .map(({ severity, code, place }) => `${severity} ${code} ${place?.file}:${place?.line ?? ''}`)
}

describe('rules about ctss.yaml', () => {
  const DIGEST = 'a'.repeat(64)
  const FILES = { 'train/Dockerfile': 'FROM x', 'data/clouds/a.png': '', 'tests/inputs/a.png': '' }

  it.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['a comment', '# later', []],
    [
      'everything that is right',
      `
training:
  dockerfile: train/Dockerfile
  command: [python3, train.py]
  datasets: [{name: clouds, uri: data/clouds, sha256: ${DIGEST}}, {name: more, uri: "https://example.org/x", sha256: ${DIGEST}}, {name: files, uri: "file:///data/x", sha256: ${DIGEST}}]
  gates: [{metric: accuracy, min: 0.9, max: 1}]
model: {path: app/model, from: train}
test:
  trials:
    - {name: one, inputs: tests/inputs, camera: {top: tests/inputs/a.png}, platforms: [linux/arm64], expect: [{name: "env.*", count: 3, values: [1, 2, 3], tolerance: 0.1, min_count: 1, max_count: 3}]}
    - {name: two}
`,
      [],
    ],
    ['training without its Dockerfile', 'training: {dockerfile: train/none, command: [x]}', ['error CTSS-C020 ctss.yaml:1']],
    ['training with a Dockerfile outside', 'training: {dockerfile: ../Dockerfile, command: [x]}', ['error CTSS-C020 ctss.yaml:1']],
    ['data that is not there', `training: {image: x, command: [x], datasets: [{name: a, uri: data/none, sha256: ${DIGEST}}]}`, ['error CTSS-C020 ctss.yaml:1']],
    ['data by another way', `training: {image: x, command: [x], datasets: [{name: a, uri: "ftp://x", sha256: ${DIGEST}}]}`, ['error CTSS-C022 ctss.yaml:1']],
    [
      'two sets of data of one name',
      `training: {image: x, command: [x], datasets: [{name: a, uri: data/clouds, sha256: ${DIGEST}}, {name: a, uri: data/clouds, sha256: ${DIGEST}, croissant: data/none.json}]}`,
      ['error CTSS-C024 ctss.yaml:1', 'error CTSS-C020 ctss.yaml:1'],
    ],
    ['a gate that nothing passes', 'training: {image: x, command: [x], gates: [{metric: a, min: 2, max: 1}]}', ['error CTSS-C026 ctss.yaml:1']],
    ['inputs outside', 'test: {trials: [{name: a, inputs: ../secrets}]}', ['error CTSS-C020 ctss.yaml:1']],
    ['inputs through a link out', 'test: {trials: [{name: a, inputs: link/x}]}', ['error CTSS-C020 ctss.yaml:1']],
    ['inputs that are not there', 'test: {trials: [{name: a, inputs: none}]}', ['error CTSS-C020 ctss.yaml:1']],
    ['a camera without images', 'test: {trials: [{name: a, camera: {top: none}}]}', ['error CTSS-C020 ctss.yaml:1']],
    ['a golden file to be recorded', 'test: {trials: [{name: a, golden: tests/golden.ndjson}]}', ['warning CTSS-C021 ctss.yaml:1']],
    ['a golden file that is a folder', 'test: {trials: [{name: a, golden: tests}]}', ['error CTSS-C020 ctss.yaml:1']],
    ['two trials of one name', 'test: {trials: [{name: a}, {name: a}]}', ['error CTSS-C024 ctss.yaml:1']],
    ['a trial for what is not built', 'test: {trials: [{name: a, platforms: [linux/arm/v7]}]}', ['error CTSS-C025 ctss.yaml:1']],
    ['a name that nothing publishes', 'test: {trials: [{name: a, expect: [{name: "anomaly-detector"}]}]}', ['error CTSS-C027 ctss.yaml:1']],
    [
      'counts that cannot be',
      'test: {trials: [{name: a, expect: [{name: a, min_count: 3, max_count: 1}, {name: b, count: 2, values: [1]}]}]}',
      ['error CTSS-C026 ctss.yaml:1', 'error CTSS-C026 ctss.yaml:1'],
    ],
    ['a tolerance of nothing', 'test: {trials: [{name: a, expect: [{name: a, tolerance: 1}]}]}', ['warning CTSS-C028 ctss.yaml:1']],
    ['a model that nobody trains', 'model: {path: app/model, from: train}', ['error CTSS-C023 ctss.yaml:1']],
    ['a model at the root', `model: {path: ., uri: data/clouds, sha256: ${DIGEST}}`, ['error CTSS-C020 ctss.yaml:1']],
    ['a model outside', `model: {path: ../model, uri: data/clouds, sha256: ${DIGEST}}`, ['error CTSS-C020 ctss.yaml:1']],
  ])('find %s', async (_, text, expected) => {
    const files = { ...FILES, 'ctss.yaml': text, ...(text.includes('link') && { link: { link: '/etc' } }) }
    expect(await check(files)).toStrictEqual(expected)
  })

  it('find a model that the build context cannot see', async () => {
    const files = { 'app/Dockerfile': 'FROM x', 'ctss.yaml': `model: {path: model, uri: "https://example.org/m", sha256: ${DIGEST}}` }
    expect(await check({ ...files, 'sage.yaml': IN_APP })).toStrictEqual(['error CTSS-C020 ctss.yaml:1'])
    expect(await check({ ...files, 'sage.yaml': IN_APP, 'ctss.yaml': files['ctss.yaml'].replace('path: model', 'path: app/model') })).toStrictEqual([])
  })
})
