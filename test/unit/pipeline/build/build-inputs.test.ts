import { describe, expect, it } from 'vitest'
import type { ResolvedBase } from '../../../../pipeline/build/base-images.ts'
import { buildInputs } from '../../../../pipeline/build/build-inputs.ts'
import { readPluginContext } from '../../../../pipeline/build/build.ts'
import { imageLabels, keyLabels } from '../../../../pipeline/build/image-labels.ts'
import { digestOf, digestOfJson } from '../../../../pipeline/digest.ts'
import type { Digest } from '../../../../pipeline/digest.ts'
import type { Pipeline } from '../../../../pipeline/pipeline.ts'
import type { TreeFiles } from '../../../support/build-stage.ts'
import { memoryTree } from '../../../support/memory-tree.ts'
import { makePipeline } from '../../../support/pipeline.ts'
import { SUBJECT } from '../../../support/stage-record.ts'

const FILES: TreeFiles = {
  Dockerfile: 'FROM debian\nCOPY app requirements.txt /app/\n',
  'README.md': 'read me',
  'app/main.py': 'main',
  'requirements.txt': '',
  'tests/inputs/a.png': '',
  'train/train.py': '',
}
const WHOLE: TreeFiles = { ...FILES, Dockerfile: 'FROM debian\nCOPY . /app/\n' }
const MODEL = { digest: digestOf('model'), files: [{ path: 'weights.onnx', digest: digestOf('weights'), bytes: 7 }] }
const BASES: readonly ResolvedBase[] = [{ image: 'debian', digest: digestOf('debian'), standIn: false }]

interface Facts {
  readonly files?: TreeFiles
  readonly manifest?: Partial<Pipeline['manifest']>
  readonly model?: typeof MODEL | undefined
  readonly platforms?: readonly string[]
  readonly bases?: readonly ResolvedBase[]
}

async function keyOf({ files = FILES, manifest = {}, model = MODEL, platforms = ['linux/amd64', 'linux/arm64'], bases = BASES }: Facts = {}): Promise<Digest> {
  const pipeline = makePipeline()
  const changed = { ...pipeline, manifest: { ...pipeline.manifest, ...manifest } }
  const reading = await readPluginContext(memoryTree(files), changed, model)
  if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems))
  return digestOfJson(buildInputs({ manifest: changed.manifest, platforms, context: reading.context, bases }))
}

describe("a build's key", () => {
  it.each<[string, Facts]>([
    ['a file that COPY names', { files: { ...FILES, 'app/main.py': 'changed' } }],
    ['a new file in a folder that COPY names', { files: { ...FILES, 'app/new.py': '' } }],
    ['a file that is gone', { files: Object.fromEntries(Object.entries(FILES).filter(([path]) => path !== 'requirements.txt')) }],
    ['the Dockerfile', { files: { ...FILES, Dockerfile: `FROM debian\nCOPY app requirements.txt /app/\nRUN true\n` } }],
    ['a file that becomes a link', { files: { ...FILES, 'app/main.py': { link: 'main' } } }],
    ['a build argument', { manifest: { buildArgs: { A: '1' } } }],
    [
      'the directory',
      { files: { ...FILES, ...Object.fromEntries(Object.entries(FILES).map(([path, content]) => [`sub/${path}`, content])) }, manifest: { directory: 'sub' } },
    ],
    ['the platforms', { platforms: ['linux/amd64'] }],
    ['the order of the platforms', { platforms: ['linux/arm64', 'linux/amd64'] }],
    ['the model', { model: { ...MODEL, digest: digestOf('other') } }],
    ['a base image', { bases: [{ image: 'debian', digest: digestOf('newer'), standIn: false }] }],
    ['the name', { manifest: { name: 'other' } }],
    ['the description', { manifest: { description: 'other' } }],
    ['the licence', { manifest: { license: 'MIT' } }],
    ['the declared version', { manifest: { document: { ...makePipeline().manifest.document, version: '0.2.0' } } }],
  ])('changes with %s', async (_, facts) => {
    expect(await keyOf(facts)).not.toBe(await keyOf())
  })

  it.each<[string, Facts]>([
    ['a README that is not copied', { files: { ...FILES, 'README.md': 'changed' } }],
    ['test inputs', { files: { ...FILES, 'tests/inputs/a.png': 'changed', 'tests/inputs/b.png': '' } }],
    ['training code', { files: { ...FILES, 'train/train.py': 'changed' } }],
    ['what lies in the place of the model', { files: { ...FILES, 'app/model/weights.onnx': 'old' } }],
    ['a .dockerignore that takes out what nobody reads', { files: { ...FILES, '.dockerignore': 'README.md' } }],
    ['a version that follows from Git', { manifest: { version: '0.1.0-3-gabcdef' } }],
    ['build arguments in another order', { manifest: { buildArgs: {} } }],
  ])('stays with %s', async (_, facts) => {
    expect(await keyOf(facts)).toBe(await keyOf())
  })

  it('changes with every file when the Dockerfile copies the whole context', async () => {
    expect(await keyOf({ files: { ...WHOLE, 'README.md': 'changed' } })).not.toBe(await keyOf({ files: WHOLE }))
  })

  it('stays with a file that .dockerignore takes out of a whole context', async () => {
    const ignoring = { ...WHOLE, '.dockerignore': 'README.md\n' }
    expect(await keyOf({ files: { ...ignoring, 'README.md': 'changed' } })).toBe(await keyOf({ files: ignoring }))
  })

  it('has no model when the pipeline has none', async () => {
    const pipeline = { ...makePipeline(), model: undefined }
    const reading = await readPluginContext(memoryTree(FILES), pipeline, MODEL)
    if (reading.kind === 'refused') throw new Error('refused')
    expect(buildInputs({ manifest: pipeline.manifest, platforms: [], context: reading.context, bases: [{ image: 'debian', standIn: false }] })).toMatchObject({
      model: null,
      bases: [['debian', null]],
    })
  })
})

describe('labels of an image', () => {
  const { manifest } = makePipeline()

  it('say what it is and where it comes from', () => {
    expect(imageLabels({ ...manifest, description: 'Counts\n  clouds', authors: 'Zelda', homepage: 'https://example.org/x' }, SUBJECT)).toEqual({
      'org.opencontainers.image.title': 'cloud-counter',
      'org.opencontainers.image.description': 'Counts clouds',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.authors': 'Zelda',
      'org.opencontainers.image.url': 'https://example.org/x',
      'org.opencontainers.image.source': SUBJECT.repository,
      'org.opencontainers.image.revision': SUBJECT.commit,
      'org.opencontainers.image.version': '0.1.0',
    })
  })

  it('name no commit whose files these are not, and no address that is none', () => {
    expect(Object.keys(imageLabels({ ...manifest, license: '', homepage: 'none' }, { ...SUBJECT, dirty: true, repository: 'my folder' }))).toEqual([
      'org.opencontainers.image.title',
      'org.opencontainers.image.description',
      'org.opencontainers.image.version',
    ])
    expect(imageLabels(manifest, { ...SUBJECT, commit: null })).not.toHaveProperty(['org.opencontainers.image.revision'])
  })

  it('count for the key without commit and repository', () => {
    expect(Object.keys(keyLabels(manifest))).toEqual([
      'org.opencontainers.image.title',
      'org.opencontainers.image.description',
      'org.opencontainers.image.licenses',
    ])
  })
})
