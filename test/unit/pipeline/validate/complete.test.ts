import { describe, expect, it } from 'vitest'
import { defaultPipeline, defaultTrial } from '../../../../pipeline/validate/complete.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { validateManifest } from '../../../../schemas/generated/validators.js'
import type { Subject } from '../../../../schemas/generated/types.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const MANIFEST = { name: 'cloud-counter', version: '"1.2.3"', description: 'Counts clouds', source: '{architectures: [linux/amd64, linux/arm64]}' }
const DIGEST = 'a'.repeat(64)

async function complete(
  lines: Readonly<Record<string, string>> = {},
  pipelineFile?: string,
  subject: Partial<Subject> = {},
  files: Readonly<Record<string, MemoryFile>> = {},
) {
  const text = Object.entries({ ...MANIFEST, ...lines })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
  const tree = memoryTree(
    { 'sage.yaml': text, Dockerfile: 'FROM x', 'train/Dockerfile': 'FROM x', ...(pipelineFile !== undefined && { 'ctss.yaml': pipelineFile }), ...files },
    subject,
  )
  return (await readPipeline(tree)).pipeline
}

describe('a manifest without ctss.yaml', () => {
  it('gets every default', async () => {
    expect(await complete()).toStrictEqual({
      manifest: {
        namespace: 'local',
        name: 'cloud-counter',
        version: '1.2.3',
        description: 'Counts clouds',
        license: '',
        authors: '',
        keywords: '',
        homepage: '',
        path: 'sage.yaml',
        platforms: ['linux/amd64', 'linux/arm64'],
        directory: '.',
        dockerfile: 'Dockerfile',
        buildArgs: {},
        document: {
          name: 'cloud-counter',
          version: '1.2.3',
          description: 'Counts clouds',
          namespace: 'local',
          source: { architectures: ['linux/amd64', 'linux/arm64'] },
        },
      },
      training: undefined,
      model: undefined,
      budgets: {},
      repetitions: 12,
      nodes: [],
      access: 'public',
      trials: [
        {
          name: 'default',
          inputs: undefined,
          cameras: {},
          args: [],
          env: {},
          timeoutMs: 60_000,
          mayRunOn: false,
          exitCode: 0,
          limits: { memoryBytes: 2 ** 30, diskBytes: 2 ** 30, pids: 1024 },
          network: 'none',
          platforms: undefined,
          expect: [],
          golden: undefined,
        },
      ],
    })
  })

  it.each<[string, Readonly<Record<string, string>>, Partial<Subject>, object]>([
    ['its own namespace', { namespace: 'skies' }, { repository: 'https://github.com/sky-lab/x' }, { namespace: 'skies' }],
    [
      'no namespace of the owner, who is no Sage user',
      {},
      { repository: 'https://github.com/Sky-Lab/x' },
      { namespace: 'local', document: { source: { url: 'https://github.com/Sky-Lab/x' } } },
    ],
    ['no namespace that Sage refuses', { namespace: 'Sky-Lab' }, {}, { namespace: 'local' }],
    [
      'its own address',
      { source: '{architectures: [linux/amd64], url: "https://example.org/o/r"}' },
      { repository: 'https://github.com/o/r' },
      { document: { source: { url: 'https://example.org/o/r' } } },
    ],
    ['the version of a tag', { version: '' }, { tags: ['latest', 'v1.9.0', '1.10.0', 'v2'] }, { version: '1.10.0' }],
    ['the first tag as version', { version: '""' }, { tags: ['spring/2026', 'summer'] }, { version: 'spring-2026' }],
    ['the commit as version', { version: '' }, { commit: 'a1b2c3d4'.repeat(5) }, { version: 'a1b2c3d', document: { version: 'a1b2c3d' } }],
    ['a version for nothing at all', { version: '' }, {}, { version: '0.0.0' }],
    ['a version that can be a tag', { version: '"-1.0 beta/2"' }, {}, { version: '1.0-beta-2' }],
    [
      'a name that can be an image',
      { name: 'Sage  Performance!' },
      {},
      {
        name: 'sage-performance',
        document: { name: 'sage-performance', description: 'Counts clouds', source: { architectures: ['linux/amd64', 'linux/arm64'] } },
      },
    ],
    ['a name without stray signs', { name: '"__a___b-_c--"' }, {}, { name: 'a__b-c' }],
    [
      'a name for an empty one',
      { name: '""', description: '""' },
      { repository: 'https://github.com/o/cloud-counter' },
      { name: 'cloud-counter', description: '', document: { description: 'cloud-counter' } },
    ],
    ['a name of one letter', { name: 'é' }, { repository: '' }, { name: 'plugin' }],
    ['a longer name for a single letter', { name: 'X' }, {}, { name: 'plugin-x' }],
    ['the architectures that are known, once each', { source: '{architectures: [linux/amd64, x86, linux/amd64, 3]}' }, {}, { platforms: ['linux/amd64'] }],
    ['an architecture when none is known', { source: '{architectures: []}' }, {}, { platforms: ['linux/amd64'] }],
    ['the build arguments that are texts', { source: '{architectures: [linux/amd64], build_args: {A: b, C: 1}}' }, {}, { buildArgs: { A: 'b' } }],
  ])('gets %s', async (_, lines, subject, expected) => {
    const pipeline = await complete(lines, undefined, subject)
    expect(pipeline?.manifest).toMatchObject(expected)
    expect(validateManifest(pipeline?.manifest.document)).toBe(true)
  })

  it('gets the namespace of the Sage user that the owner is known as', async () => {
    const tree = memoryTree({ ...HEALTHY_PLUGIN }, { repository: 'https://github.com/Sky-Lab/x' })
    expect((await readPipeline(tree, { users: new Map([['sky-lab', 'skies']]) })).pipeline?.manifest.namespace).toBe('skies')
    expect((await readPipeline(tree, { user: 'ada1', users: new Map([['sky-lab', 'skies']]) })).pipeline?.manifest.namespace).toBe('ada1')
  })

  it('resolves the build context through links', async () => {
    const files = { 'apps/one/Dockerfile': 'FROM x', link: { link: 'apps/one' } }
    expect(
      (await complete({ source: '{architectures: [linux/amd64], directory: ./link/, dockerfile: ./Dockerfile}' }, undefined, {}, files))?.manifest,
    ).toMatchObject({ directory: 'apps/one', dockerfile: 'Dockerfile' })
  })

  it('reads paths that begin with a slash from the root of the repository, as Sage does, and takes a dockerfile in lower case', async () => {
    const found = await complete(
      { source: '{architectures: [linux/amd64], directory: /app, dockerfile: /Dockerfile}' },
      undefined,
      {},
      { 'app/dockerfile': 'FROM x' },
    )
    expect(found?.manifest).toMatchObject({ directory: 'app', dockerfile: 'dockerfile' })
    expect((await complete({ source: '{architectures: [linux/amd64], directory: /etc, dockerfile: /passwd}' }))?.manifest).toMatchObject({
      directory: 'etc',
      dockerfile: 'passwd',
    })
  })

  it('counts the directory from the root of the Git repository, where only a folder of it is looked at', async () => {
    const directoryIn = async (directory: string, prefix: string) =>
      (await complete({ source: `{architectures: [linux/amd64], directory: ${directory}}` }, undefined, { prefix }, { 'app/Dockerfile': 'FROM x' }))?.manifest
        .directory
    expect(await directoryIn('apps/one', 'apps/one')).toBe('.')
    expect(await directoryIn('apps/one/app/', 'apps/one')).toBe('app')
    expect(await directoryIn('app', 'apps/one')).toBe('app')
    expect(await directoryIn('apps/one-more', 'apps/one')).toBe('apps/one-more')
  })

  it('stays complete when the Dockerfile is missing, so that the build can say so', async () => {
    expect((await complete({ source: '{architectures: [linux/amd64], dockerfile: none}' }))?.manifest).toMatchObject({ dockerfile: 'none' })
  })

  it.each([
    'directory: ..',
    'directory: lib',
    'directory: round',
    'dockerfile: ../Dockerfile',
    'dockerfile: out',
    'directory: train, dockerfile: ../Dockerfile',
  ])('cannot be built with %s', async (source) => {
    const files = { lib: { submodule: 'a'.repeat(40) }, round: { link: 'round' }, out: { link: '../x' } }
    expect(await complete({ source: `{architectures: [linux/amd64], ${source}}` }, undefined, {}, files)).toBeUndefined()
  })
})

describe('ctss.yaml', () => {
  it('is resolved to milliseconds, bytes and paths', async () => {
    const pipeline = await complete(
      {},
      `
training:
  dockerfile: ./train/../train/Dockerfile
  command: [python3, train.py]
  gpu: {type: gpu_rtx6000}
  timeout: 10m
  limits: {memory: 1.5Gi, disk: 20Gi, cpus: 2, pids: 64}
  hyperparameters: {epochs: 3}
  datasets: [{name: clouds, uri: train, sha256: ${DIGEST}, license: CC0-1.0}]
  gates: [{metric: accuracy, min: 0.9}]
model: {path: app/model, from: train}
test:
  trials:
    - {name: one, inputs: link, camera: {top: link, away: ../x}, args: [--once], env: {A: b}, timeout: 250ms, stop: allowed, exit_code: 3, network: open, platforms: [linux/amd64], golden: tests/golden.ndjson, expect: [{name: env.sky}]}
    - {name: two, inputs: ../../etc}
profile: {repetitions: 3, budgets: {latency_ms.p95: 250, memory_peak_bytes: 900Mi}, nodes: [xavier-nx]}
access: {restricted: {users: [ada]}}
`,
      {},
      { link: { link: 'tests/inputs' }, 'tests/inputs/a.png': '' },
    )
    expect(pipeline).toMatchObject({
      training: {
        source: { kind: 'dockerfile', path: 'train/Dockerfile' },
        command: ['python3', 'train.py'],
        gpu: { type: 'gpu_rtx6000', count: 1 },
        engine: 'docker',
        network: 'none',
        timeoutMs: 600_000,
        seed: 1,
        limits: { memoryBytes: 1.5 * 2 ** 30, diskBytes: 20 * 2 ** 30, cpus: 2, pids: 64 },
        hyperparameters: { epochs: 3 },
        datasets: [{ name: 'clouds', uri: 'train' }],
        gates: [{ metric: 'accuracy', min: 0.9 }],
      },
      model: { path: 'app/model', source: { kind: 'train' } },
      trials: [
        {
          name: 'one',
          inputs: 'tests/inputs',
          cameras: { top: 'tests/inputs' },
          args: ['--once'],
          env: { A: 'b' },
          timeoutMs: 250,
          mayRunOn: true,
          exitCode: 3,
          network: 'open',
          platforms: ['linux/amd64'],
          golden: 'tests/golden.ndjson',
          expect: [{ name: 'env.sky' }],
        },
        { name: 'two', inputs: undefined },
      ],
      repetitions: 3,
      budgets: { 'latency_ms.p95': 250, memory_peak_bytes: 900 * 2 ** 20 },
      nodes: ['xavier-nx'],
      access: { restricted: { users: ['ada'] } },
    })
  })

  it.each<[string, string, object]>([
    [
      'an image to train in',
      'training: {image: "python:3.11", command: [x], gpu: true, network: open, engine: ray, seed: 7, timeout: 1h}',
      {
        training: { source: { kind: 'image', reference: 'python:3.11' }, gpu: true, network: 'open', engine: 'ray', seed: 7, timeoutMs: 3_600_000 },
        model: undefined,
      },
    ],
    ['a counted GPU', 'training: {image: x, command: [x], gpu: {type: a100, count: 2}}', { training: { gpu: { type: 'a100', count: 2 } } }],
    [
      'a model by address',
      `model: {path: app/model, uri: "https://example.org/m", sha256: ${DIGEST}}`,
      { training: undefined, model: { path: 'app/model', source: { kind: 'uri', uri: 'https://example.org/m', sha256: DIGEST } } },
    ],
    [
      'training from outside the repository: none',
      'training: {dockerfile: ../Dockerfile, command: [x]}\nmodel: {path: m, from: train}',
      { training: undefined, model: undefined },
    ],
    ['a model outside the repository: none', `model: {path: ../m, uri: x, sha256: ${DIGEST}}`, { model: undefined }],
    ['a model at the root: none', `model: {path: ., uri: x, sha256: ${DIGEST}}`, { model: undefined }],
    ['sections that are right beside one that is wrong', 'training: {command: 3}\nprofile: {repetitions: 5}', { training: undefined, repetitions: 5 }],
    ['nobody’s access when it cannot be read', 'access: secret', { access: { restricted: {} } }],
    ['nothing from a section of nobody', 'surprise: 1\nprofile: {nodes: [xavier-nx]}', { nodes: ['xavier-nx'] }],
    ['defaults for an empty file', '', { repetitions: 12, trials: [{ name: 'default' }] }],
    ['defaults for a file that is no YAML', '[', { trials: [{ name: 'default' }] }],
  ])('gives %s', async (_, text, expected) => {
    expect(await complete({}, text)).toMatchObject(expected)
  })
})

describe('a trial of which only the name is given', () => {
  it('has every default', () => {
    expect(defaultTrial('quick')).toMatchObject({ name: 'quick', args: [], timeoutMs: 60_000, network: 'none', exitCode: 0, mayRunOn: false })
  })
})

describe('defaultPipeline', () => {
  it('needs only the name of a folder', () => {
    expect(defaultPipeline('My Plugin')).toMatchObject({
      manifest: { namespace: 'local', name: 'my-plugin', version: '0.0.0', platforms: ['linux/amd64'], directory: '.', dockerfile: 'Dockerfile' },
      training: undefined,
      trials: [{ name: 'default', args: [], network: 'none' }],
    })
    expect(defaultPipeline('x', ['linux/arm64']).manifest).toMatchObject({ name: 'plugin-x', platforms: ['linux/arm64'] })
  })
})
