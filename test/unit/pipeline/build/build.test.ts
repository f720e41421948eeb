import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runBuild } from '../../../../pipeline/build/build.ts'
import type { BuildStageRequest } from '../../../../pipeline/build/build.ts'
import { buildContextImage } from '../../../../pipeline/build/context-image.ts'
import { readOciDocument } from '../../../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { BuildResult, ImageBuilder } from '../../../../pipeline/ports/image-builder.ts'
import type { Registry } from '../../../../pipeline/ports/registry.ts'
import type { StageContext, StageResult } from '../../../../pipeline/stage.ts'
import { blobsOf, buildContextOf } from '../../../support/build-stage.ts'
import type { TreeFiles } from '../../../support/build-stage.ts'
import { memoryBuilder } from '../../../support/memory-builder.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makePipeline } from '../../../support/pipeline.ts'

const REPOSITORY = 'registry.test/staging/cloud-counter'
const PLATFORMS = ['linux/arm64', 'linux/amd64', 'linux/arm/v7']
const MODEL = { digest: digestOf('model'), files: [{ path: 'weights.onnx', digest: digestOf('weights'), bytes: 7 }] }

let folder = ''
let registry: Registry = memoryRegistry()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
  registry = memoryRegistry()
})
afterEach(() => rm(folder, { recursive: true }))

async function build(
  files: TreeFiles,
  request: Partial<BuildStageRequest> = {},
  context: Partial<StageContext> = {},
): Promise<StageResult & { readonly details: Extract<StageResult['details'], { kind: 'build' }> }> {
  const result = await runBuild(buildContextOf(files, folder, context), {
    pipeline: { ...makePipeline(), model: undefined },
    platforms: PLATFORMS,
    builder: memoryBuilder(registry),
    registry,
    repository: REPOSITORY,
    model: undefined,
    bases: [],
    ...request,
  })
  const { details } = result
  if (details.kind !== 'build') throw new Error(details.kind)
  return { ...result, details }
}

async function readIndex(index: string | undefined): Promise<NonNullable<ReturnType<typeof readOciDocument>>> {
  const document = readOciDocument((await registry.manifest(`${REPOSITORY}@${index}`))?.content.toString('utf8') ?? '')
  if (!document) throw new Error('no index')
  return document
}

describe('the stage build', () => {
  it('joins the images of all platforms to one index, in the order that was asked for', async () => {
    const bases = [
      { image: 'debian', digest: digestOf('debian'), standIn: true },
      { image: 'alpine', standIn: false },
    ]
    const { outcome, problems, details, standIns, files } = await build({ Dockerfile: 'FROM debian\nRUN echo hello\n' }, { bases })
    expect({ outcome, problems, standIns }).toEqual({ outcome: 'passed', problems: [], standIns: ['debian'] })
    expect(details).toMatchObject({
      repository: REPOSITORY,
      builder: 'buildkit-remote',
      bases,
      platforms: PLATFORMS.map((platform) => ({ platform, outcome: 'passed', emulated: platform !== 'linux/amd64' })),
    })
    const index = await readIndex(details.index)
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
    expect(index.manifests.map((entry) => [entry.platform, entry.digest])).toEqual(
      details.platforms.map(({ platform, digest }) => [
        {
          'linux/arm64': { os: 'linux', architecture: 'arm64' },
          'linux/amd64': { os: 'linux', architecture: 'amd64' },
          'linux/arm/v7': { os: 'linux', architecture: 'arm', variant: 'v7' },
        }[platform],
        digest,
      ]),
    )
    expect(index.annotations).toMatchObject({
      'org.opencontainers.image.title': 'cloud-counter',
      'org.opencontainers.image.version': '0.1.0',
      'org.opencontainers.image.licenses': 'Apache-2.0',
    })
    expect(files.map((file) => file.name)).toEqual(['build-linux-arm64.log', 'build-linux-amd64.log', 'build-linux-arm-v7.log'])
  })

  it('gives the same index for the same content', async () => {
    const files = { Dockerfile: 'FROM debian\n' }
    const first = await build(files)
    await rm(folder, { recursive: true })
    expect((await build(files)).details.index).toBe(first.details.index)
  })

  it('hands the builder build arguments, labels and the context with the model', async () => {
    const builder = memoryBuilder(registry)
    const pipeline = makePipeline()
    const { details, problems } = await build(
      { 'plugin/Dockerfile': 'FROM debian\nCOPY model/weights.onnx /\n' },
      {
        builder,
        platforms: ['linux/amd64'],
        model: MODEL,
        pipeline: {
          ...pipeline,
          manifest: { ...pipeline.manifest, directory: 'plugin', buildArgs: { A: '1' } },
          model: { path: 'plugin/model', source: { kind: 'train' } },
        },
      },
      { blobs: blobsOf('weights') },
    )
    expect(problems).toEqual([])
    expect(details.model).toBe(MODEL.digest)
    expect(builder.requests).toMatchObject([
      {
        context: `${folder}/plugin`,
        dockerfile: 'Dockerfile',
        buildArgs: { A: '1' },
        repository: REPOSITORY,
        labels: { 'org.opencontainers.image.title': 'cloud-counter' },
      },
    ])
  })

  it('warns when no instruction copies the model', async () => {
    const { outcome, problems } = await build({ Dockerfile: 'FROM debian\n' }, { pipeline: makePipeline(), model: MODEL }, { blobs: blobsOf('weights') })
    expect(outcome).toBe('passed')
    expect(problems).toMatchObject([{ code: 'model-not-copied', severity: 'warning' }])
  })

  it('keeps the results of the other platforms when one is refused, and makes no index', async () => {
    const { outcome, problems, details, files } = await build({ Dockerfile: 'FROM debian\nRUN arm64-only\n' })
    expect(outcome).toBe('failed')
    expect(problems).toMatchObject([
      {
        code: 'build-step-failed',
        message: 'step RUN arm64-only failed with exit code 127 on linux/amd64, linux/arm/v7',
        place: { file: 'Dockerfile', line: 2 },
      },
    ])
    expect(details.index).toBeUndefined()
    expect(details.platforms.map(({ platform, outcome: each, digest }) => [platform, each, digest !== undefined])).toEqual([
      ['linux/arm64', 'passed', true],
      ['linux/amd64', 'failed', false],
      ['linux/arm/v7', 'failed', false],
    ])
    expect(files).toHaveLength(3)
  })

  it('says the same problem of all platforms once, at its place in the repository', async () => {
    const pipeline = makePipeline()
    const { problems } = await build(
      { 'plugin/Dockerfile': 'FROM debian\nRUN exit 2\n' },
      { pipeline: { ...pipeline, model: undefined, manifest: { ...pipeline.manifest, directory: 'plugin' } } },
    )
    expect(problems).toMatchObject([{ message: 'step RUN exit 2 failed with exit code 2 on every platform', place: { file: 'plugin/Dockerfile', line: 2 } }])
  })

  it('names the platform of a single one, and not twice', async () => {
    const builder: ImageBuilder = {
      ...memoryBuilder(registry),
      build: async (): Promise<BuildResult> => ({
        kind: 'refused',
        problem: { code: 'base-image-platform', severity: 'error', message: 'base image x offers no linux/amd64' },
        steps: [],
        emulated: false,
      }),
    }
    const { problems } = await build({ Dockerfile: 'FROM x\n' }, { builder, platforms: ['linux/amd64'] })
    expect(problems).toEqual([{ code: 'base-image-platform', severity: 'error', message: 'base image x offers no linux/amd64' }])
    expect((await build({ Dockerfile: 'RUN exit 1\n' }, { platforms: ['linux/amd64'] })).problems).toMatchObject([
      { message: 'step RUN exit 1 failed with exit code 1' },
    ])
  })

  it.each([
    ['missing.txt', 'missing.txt is not in the build context on every platform'],
    ['ignored.txt', 'ignored.txt is in the repository, and .dockerignore leaves it out of the build context'],
    ['folder', 'folder is in the repository, and .dockerignore leaves it out of the build context'],
  ])('tells %s that is not there from one that is ignored', async (source, message) => {
    const files = { Dockerfile: `FROM debian\nCOPY ${source} /\n`, '.dockerignore': 'ignored.txt\nfolder', 'ignored.txt': '', 'folder/a': '' }
    expect((await build(files)).problems).toMatchObject([{ code: 'copy-source-missing', message, place: { file: 'Dockerfile', line: 2 } }])
  })

  it('refuses an image that is not for its platform', async () => {
    const { outcome, problems, details } = await build({ Dockerfile: 'FROM --platform=linux/amd64 debian\n' }, { platforms: ['linux/amd64', 'linux/arm64'] })
    expect(outcome).toBe('failed')
    expect(problems).toMatchObject([{ code: 'image-platform', message: 'the image that was built for linux/arm64 is one for linux/amd64' }])
    expect(details.platforms.map((each) => each.outcome)).toEqual(['passed', 'failed'])
  })

  it('refuses what cannot be read, before anything is built', async () => {
    const builder = memoryBuilder(registry)
    const { outcome, problems, details } = await build({}, { builder, bases: [{ image: 'debian', standIn: false }] })
    expect(outcome).toBe('failed')
    expect(problems).toMatchObject([{ code: 'dockerfile-missing' }])
    expect(details).toMatchObject({ platforms: [], bases: [{ image: 'debian' }] })
    expect(builder.requests).toEqual([])
  })

  it('ends all builds when one of them fails for a reason that is not the user’s', async () => {
    const inner = memoryBuilder(registry)
    const ended: string[] = []
    const builder: ImageBuilder = {
      ...inner,
      async build(request, progress, signal) {
        if (request.platform === 'linux/amd64') return inner.build({ ...request, dockerfile: 'elsewhere' }, progress, signal)
        try {
          return await inner.build(request, progress, signal)
        } finally {
          ended.push(request.platform)
        }
      },
    }
    await expect(build({ Dockerfile: 'RUN sleep\nCOPY elsewhere /\n', elsewhere: 'FROM elsewhere\n' }, { builder })).rejects.toMatchObject({
      code: 'base-image-unavailable',
    })
    expect(ended.toSorted()).toEqual(['linux/arm/v7', 'linux/arm64'])
  })

  it('ends all builds when it is cancelled', async () => {
    const controller = new AbortController()
    const progress = { step: (line: string) => line.includes('sleep') && controller.abort(), output: () => undefined }
    await expect(build({ Dockerfile: 'RUN sleep\n' }, {}, { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('fails when the builder cannot build for a platform', async () => {
    await expect(build({ Dockerfile: 'FROM debian\n' }, { builder: memoryBuilder(registry, ['linux/amd64']) })).rejects.toMatchObject({
      code: 'builder-unavailable',
      message: expect.stringContaining('linux/arm64, linux/arm/v7'),
    })
  })

  it('fails when the registry does not give back what was pushed', async () => {
    const forgetful: Registry = { ...registry, manifest: async () => undefined }
    await expect(build({ Dockerfile: 'FROM debian\n' }, { registry: forgetful })).rejects.toMatchObject({ code: 'registry-refused' })
  })

  it('keeps the end of a log that is too long', async () => {
    const inner = memoryBuilder(registry)
    const builder: ImageBuilder = {
      ...inner,
      async build(request, progress, signal) {
        for (let line = 0; line < 300; line++) progress.output(`${line} ${'x'.repeat(10_000)}`)
        return inner.build(request, progress, signal)
      },
    }
    const { files } = await build({ Dockerfile: 'FROM debian\n' }, { builder, platforms: ['linux/amd64'] })
    expect(files).toMatchObject([{ role: 'log', bytes: 2 ** 20 }])
  })

  it('shows progress with the platform', async () => {
    const lines: string[] = []
    await build(
      { Dockerfile: 'FROM debian\n' },
      { platforms: ['linux/amd64'] },
      { progress: { step: (line) => lines.push(line), output: (line) => lines.push(line) } },
    )
    expect(lines).toEqual(['writing the build context', 'linux/amd64: FROM debian', '[linux/amd64] FROM debian', 'joining the images to one index'])
  })
})

describe('an image of one folder', () => {
  const request = { directory: 'train', dockerfile: 'Dockerfile', declaredIn: 'ctss.yaml', buildArgs: {}, platform: 'linux/amd64', repository: REPOSITORY }

  it('is built for one platform', async () => {
    const image = await buildContextImage(buildContextOf({ 'train/Dockerfile': 'FROM debian\nCOPY train.py /\n', 'train/train.py': '' }, folder), {
      ...request,
      builder: memoryBuilder(registry),
      folder: join(folder, 'image'),
    })
    expect(image).toMatchObject({ kind: 'ready', steps: [{ name: 'FROM debian' }, { name: 'COPY train.py /' }] })
    expect(image.kind === 'ready' && (await registry.manifest(image.reference))?.digest).toBe(image.kind === 'ready' && image.digest)
  })

  it('is refused with the problems of its files, and of its steps', async () => {
    const builder = memoryBuilder(registry)
    expect(await buildContextImage(buildContextOf({}, folder), { ...request, builder, folder })).toMatchObject({
      kind: 'refused',
      problems: [{ code: 'directory-missing', place: { file: 'ctss.yaml' } }],
    })
    expect(await buildContextImage(buildContextOf({ 'train/Dockerfile': 'RUN exit 1\n' }, folder), { ...request, builder, folder })).toMatchObject({
      kind: 'refused',
      problems: [{ code: 'build-step-failed', place: { file: 'train/Dockerfile', line: 1 } }],
    })
  })
})
