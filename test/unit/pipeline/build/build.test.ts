import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinParts, runBuild } from '../../../../pipeline/build/build.ts'
import type { BuildStageRequest, JoinRequest } from '../../../../pipeline/build/build.ts'
import { buildContextImage } from '../../../../pipeline/build/context-image.ts'
import { readOciDocument } from '../../../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { BuildResult, ImageBuilder } from '../../../../pipeline/ports/image-builder.ts'
import type { Registry } from '../../../../pipeline/ports/registry.ts'
import { error } from '../../../../pipeline/problem.ts'
import type { StageContext, StageResult } from '../../../../pipeline/stage.ts'
import type { StageRecord } from '../../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../../schemas/generated/validators.js'
import { blobsOf, buildContextOf } from '../../../support/build-stage.ts'
import type { TreeFiles } from '../../../support/build-stage.ts'
import { memoryBuilder } from '../../../support/memory-builder.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makePipeline } from '../../../support/pipeline.ts'
import { makeRecord } from '../../../support/stage-record.ts'

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
    ['ignored.txt', 'ignored.txt is in the repository, and .dockerignore leaves it out of the build context on every platform'],
    ['folder', 'folder is in the repository, and .dockerignore leaves it out of the build context on every platform'],
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

describe('a build in parts', () => {
  interface Case {
    readonly files: TreeFiles
    readonly platforms?: readonly string[]
    readonly pipeline?: BuildStageRequest['pipeline']
    readonly model?: typeof MODEL
    /** Of all platforms; and of each, as its job asks for those of its own. */
    readonly bases?: BuildStageRequest['bases']
    readonly ownBases?: Readonly<Record<string, BuildStageRequest['bases']>>
  }

  const plain = { ...makePipeline(), model: undefined }
  const below = { ...plain, manifest: { ...plain.manifest, directory: 'plugin' } }
  const base = (image: string, standIn = false) => ({ image, digest: digestOf(image), standIn })
  const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

  function requestFor({ pipeline = plain, model }: Case, platforms: readonly string[], bases: BuildStageRequest['bases']): BuildStageRequest {
    return { pipeline, platforms, builder: memoryBuilder(registry), registry, repository: REPOSITORY, model, bases }
  }

  /** The record of one platform, as its job writes it and the next one reads it. */
  async function buildPart(of: Case, platform: string): Promise<StageRecord> {
    const context = buildContextOf(of.files, join(folder, platform), { blobs: blobsOf('weights') })
    const { standIns = [], ...result } = await runBuild(context, { ...requestFor(of, [platform], of.ownBases?.[platform] ?? of.bases ?? []), join: false })
    const record = { ...makeRecord('build'), ...result, environment: { kind: 'github', ...(standIns.length > 0 && { standIns }) } }
    const read = stored(record)
    if (!validateStageRecord(read)) throw new Error(JSON.stringify(validateStageRecord.errors))
    return read
  }

  async function joinAll(of: Case, parts: readonly StageRecord[], request: Partial<JoinRequest> = {}): Promise<StageResult> {
    const { builder: _, bases: __, ...shared } = requestFor(of, of.platforms ?? PLATFORMS, [])
    return joinParts(buildContextOf(of.files, join(folder, 'join')), { ...shared, parts, ...request })
  }

  async function buildParts(of: Case): Promise<StageRecord[]> {
    const parts: StageRecord[] = []
    for (const platform of of.platforms ?? PLATFORMS) parts.push(await buildPart(of, platform))
    return parts
  }

  async function buildWhole(of: Case): Promise<StageResult> {
    return runBuild(buildContextOf(of.files, join(folder, 'whole'), { blobs: blobsOf('weights') }), requestFor(of, of.platforms ?? PLATFORMS, of.bases ?? []))
  }

  const modelAt = (path: string) => ({ ...plain, model: { path, source: { kind: 'train' as const } } })
  const CASES: readonly (readonly [string, Case])[] = [
    ['when all platforms pass', { files: { Dockerfile: 'FROM debian\nRUN echo hello\n' } }],
    ['of a single platform', { files: { Dockerfile: 'FROM debian\n' }, platforms: ['linux/amd64'] }],
    ['when one platform is refused', { files: { Dockerfile: 'FROM debian\nRUN arm64-only\n' }, platforms: ['linux/arm64', 'linux/amd64'] }],
    ['when several are refused', { files: { 'plugin/Dockerfile': 'FROM debian\nRUN arm64-only\n' }, pipeline: below }],
    ['when every platform has the same problem', { files: { Dockerfile: 'FROM debian\nRUN exit 2\n' } }],
    ['when the one platform is refused', { files: { Dockerfile: 'RUN exit 2\n' }, platforms: ['linux/amd64'] }],
    ['when COPY finds nothing', { files: { Dockerfile: 'FROM debian\nCOPY missing.txt /\n' } }],
    [
      'when .dockerignore leaves out what COPY takes',
      { files: { 'plugin/Dockerfile': 'FROM debian\nCOPY a.txt /\n', 'plugin/.dockerignore': 'a.txt', 'plugin/a.txt': '' }, pipeline: below },
    ],
    ['when an image is for another platform', { files: { Dockerfile: 'FROM --platform=linux/amd64 debian\n' } }],
    [
      'when one is refused and one is for another platform',
      { files: { Dockerfile: 'FROM --platform=linux/amd64 debian\nRUN arm64-only\n' }, platforms: ['linux/arm64', 'linux/arm/v7'] },
    ],
    ['with a model', { files: { Dockerfile: 'FROM debian\nCOPY model/weights.onnx /\n' }, pipeline: modelAt('model'), model: MODEL }],
    ['when nothing copies the model', { files: { Dockerfile: 'FROM debian\n' }, pipeline: modelAt('model'), model: MODEL }],
    ['when there is no Dockerfile', { files: {} }],
    [
      'on base images of each platform',
      {
        files: { Dockerfile: 'FROM base-$TARGETARCH\nFROM debian\n' },
        platforms: ['linux/amd64', 'linux/arm64'],
        bases: [base('base-amd64'), base('base-arm64', true), base('debian', true)],
        ownBases: { 'linux/amd64': [base('base-amd64'), base('debian', true)], 'linux/arm64': [base('base-arm64', true), base('debian', true)] },
      },
    ],
    ['on a base image that nobody knows', { files: { Dockerfile: 'FROM debian\n' }, platforms: ['linux/amd64'], bases: [{ image: 'debian', standIn: false }] }],
  ]

  it.each(CASES)('gives what a build in one piece gives, %s', async (_, of) => {
    const whole = await buildWhole(of)

    expect(stored(await joinAll(of, await buildParts(of)))).toEqual(stored(whole))
  })

  it('takes the parts in any order', async () => {
    const of = { files: { Dockerfile: 'FROM debian\nRUN arm64-only\n' } }
    const whole = await buildWhole(of)

    expect(stored(await joinAll(of, (await buildParts(of)).toReversed()))).toEqual(stored(whole))
  })

  it('leaves a part that is no whole build: it says so, and has no index', async () => {
    const { details, outcome } = await buildPart({ files: { Dockerfile: 'FROM debian\n' } }, 'linux/amd64')

    expect(outcome).toBe('passed')
    expect(details).toMatchObject({ kind: 'build', part: true, platforms: [{ platform: 'linux/amd64', outcome: 'passed', digest: expect.any(String) }] })
    expect(details).not.toHaveProperty('index')
  })

  it('takes the newest of two parts of one platform, which come first', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' }, platforms: ['linux/amd64'] }
    const newer = await buildPart(of, 'linux/amd64')
    const older = await buildPart({ ...of, files: { Dockerfile: 'FROM debian\nRUN echo old\n' } }, 'linux/amd64')
    const { details } = await joinAll(of, [newer, older])

    expect(details).toMatchObject({ platforms: newer.details.kind === 'build' ? newer.details.platforms : [] })
  })

  it('joins only the platforms that are asked for', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' } }
    const parts = await buildParts(of)
    const { details } = await joinAll({ ...of, platforms: ['linux/arm64'] }, parts)

    expect(details).toMatchObject({ kind: 'build', platforms: [{ platform: 'linux/arm64' }] })
    expect(details).not.toHaveProperty('part')
  })

  it('fails when the job of a platform was lost, and names the platform', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' } }
    const [first] = await buildParts(of)

    await expect(joinAll(of, [first!])).rejects.toMatchObject({
      code: 'interrupted',
      message: expect.stringContaining('the build for linux/amd64, linux/arm/v7 left no record'),
      suggestion: expect.stringContaining('run it again'),
    })
    await expect(joinAll(of, [])).rejects.toMatchObject({ code: 'interrupted' })
  })

  it.each([
    ['why it did', { reason: 'the registry does not answer' }, 'the registry does not answer'],
    ['that much where it says nothing', {}, 'error'],
  ])('fails when a job ended in an error, and says %s', async (_, said, words) => {
    const of = { files: { Dockerfile: 'FROM debian\n' }, platforms: ['linux/amd64', 'linux/arm64'] }
    const lost = makeRecord('build', { outcome: 'error', ...said, details: { kind: 'build', part: true, repository: '', platforms: [] } })

    await expect(joinAll(of, [await buildPart(of, 'linux/amd64'), lost])).rejects.toMatchObject({
      code: 'interrupted',
      message: `the build for one platform did not come to its end: ${words}`,
    })
  })

  it('is refused as a whole when a part came to nothing', async () => {
    const problem = error('model-invalid', 'it holds no file')
    const nothing = makeRecord('build', { outcome: 'failed', problems: [problem], details: { kind: 'build', part: true, repository: '', platforms: [] } })

    expect(await joinAll({ files: {} }, [nothing])).toEqual({ outcome: 'failed', problems: [problem], metrics: {}, files: [], details: { kind: 'none' } })
    expect(await joinAll({ files: {} }, [{ ...nothing, details: { kind: 'none' } }])).toMatchObject({ outcome: 'failed', details: { kind: 'none' } })
  })

  it('fails on another repository than the one that was built', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' } }

    await expect(joinAll({ files: {} }, await buildParts(of))).rejects.toMatchObject({
      code: 'interrupted',
      message: expect.stringContaining('the repository is not the one that was built'),
    })
  })

  it('fails when the registry has lost an image', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' } }
    const parts = await buildParts(of)

    await expect(joinAll(of, parts, { registry: memoryRegistry() })).rejects.toMatchObject({ code: 'registry-refused' })
  })

  it('says of a part that failed without a reason that it failed', async () => {
    const of = { files: { Dockerfile: 'FROM debian\nRUN exit 1\n' }, platforms: ['linux/amd64'] }
    const part = await buildPart(of, 'linux/amd64')
    const { problems } = await joinAll(of, [{ ...part, problems: [] }])

    expect(problems).toMatchObject([{ code: 'build-failed', message: 'the build for linux/amd64 failed and does not say why' }])
  })

  it('takes a record that names neither builder, base images nor sizes', async () => {
    const of = { files: { Dockerfile: 'FROM debian\n' }, platforms: ['linux/amd64'] }
    const part = await buildPart(of, 'linux/amd64')
    const { builder: _, bases: __, platforms, ...details } = part.details.kind === 'build' ? part.details : ({} as never)
    const bare = { ...details, platforms: platforms.map(({ bytes: ___, ...platform }) => platform) }

    expect(await joinAll(of, [{ ...part, details: bare }])).toMatchObject({ outcome: 'passed', details: { builder: 'engine', bases: [] } })
  })
})
