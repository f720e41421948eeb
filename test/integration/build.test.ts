import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BuildkitBuilder } from '../../adapters/buildx/buildkit-builder.ts'
import { EngineBuilder } from '../../adapters/buildx/engine-builder.ts'
import { run } from '../../adapters/process/run.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { setUp } from '../../adapters/workstation/workstation.ts'
import type { Workstation } from '../../adapters/workstation/workstation.ts'
import { runBuild } from '../../pipeline/build/build.ts'
import type { BuildStageRequest } from '../../pipeline/build/build.ts'
import { readImageConfig, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { StageContext, StageResult } from '../../pipeline/stage.ts'
import type { BuildDetails } from '../../schemas/generated/types.ts'
import { describeImageBuilderContract } from '../contract/image-builder.ts'
import { buildContextOf } from '../support/build-stage.ts'
import type { TreeFiles } from '../support/build-stage.ts'
import { makePipeline } from '../support/pipeline.ts'
import { freePort, noSmallDisk, startFullRegistry, startRegistryProcess } from '../support/registry-process.ts'
import type { RegistryProcess } from '../support/registry-process.ts'
import { startSocketProxy } from '../support/socket-proxy.ts'

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const registry = new OciRegistry()

let workstation: Workstation
let running: RegistryProcess
let builder: ImageBuilder
let folder = ''

beforeAll(async () => {
  workstation = await setUp({ progress: { step: () => undefined, output: () => undefined }, signal: new AbortController().signal })
  running = await startRegistryProcess()
  folder = await mkdtemp(join(tmpdir(), 'ctss-build-test-'))
  const { kind, name } = workstation.builder
  builder =
    kind === 'engine'
      ? new EngineBuilder({ platforms: workstation.platforms, registry })
      : new BuildkitBuilder({ kind, builder: name, platforms: workstation.platforms, registry })
}, 1_200_000)

afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describeImageBuilderContract('the builder of this workstation', async () => ({ builder, registry, repository: `${running.host}/contract` }))
describeImageBuilderContract('the engine’s own builder', async () => ({
  builder: new EngineBuilder({ platforms: workstation.platforms, registry }),
  registry,
  repository: `${running.host}/contract-engine`,
}))

async function build(
  files: TreeFiles,
  request: Partial<BuildStageRequest> = {},
  context: Partial<StageContext> = {},
): Promise<StageResult & { readonly details: BuildDetails }> {
  const workFolder = join(folder, randomUUID())
  await mkdir(workFolder)
  const result = await runBuild(buildContextOf(files, workFolder, context), {
    pipeline: { ...makePipeline(), model: undefined },
    platforms: PLATFORMS,
    builder,
    registry,
    repository: `${running.host}/staging`,
    model: undefined,
    bases: [],
    ...request,
  })
  if (result.details.kind !== 'build') throw new Error(result.details.kind)
  return { ...result, details: result.details }
}

describe('building a plugin', () => {
  it('makes one index for three architectures, whose images the engine runs', async () => {
    const { outcome, problems, details } = await build({
      Dockerfile: 'FROM debian:bookworm-slim\nCOPY greeting.txt /\nRUN uname -m >> /greeting.txt\nCMD ["cat", "/greeting.txt"]\n',
      'greeting.txt': 'hello from ',
      'README.md': '',
    })
    expect({ outcome, problems }).toEqual({ outcome: 'passed', problems: [] })
    const index = readOciDocument((await registry.manifest(`${running.host}/staging@${details.index}`))!.content.toString('utf8'))!
    for (const entry of index.manifests) {
      const manifest = readOciDocument((await registry.manifest(`${running.host}/staging@${entry.digest}`))!.content.toString('utf8'))!
      const config = readImageConfig((await registry.blob(`${running.host}/staging`, manifest.config!.digest, 2 ** 20))!.toString('utf8'))
      expect(config).toMatchObject({
        os: 'linux',
        architecture: entry.platform?.architecture,
        labels: { 'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.revision': 'a'.repeat(40) },
      })
    }
    const reference = `${running.host}/staging@${details.index}`
    const { stdout } = await run({ command: 'docker', args: ['run', '--rm', '--platform=linux/arm/v7', '--label', 'org.sagecontinuum.ctss=test', reference] })
    await run({ command: 'docker', args: ['image', 'rm', '--force', reference] })
    expect(stdout).toBe('hello from armv7l\n')
    expect(details.platforms.every((platform) => platform.steps.some((step) => step.name.includes('RUN uname')))).toBe(true)
  })

  it('leaves the results of the others when it fails on one architecture', async () => {
    const { outcome, problems, details } = await build({
      Dockerfile: 'FROM debian:bookworm-slim\nRUN \\\n  test "$(uname -m)" != aarch64 \\\n  || { echo no wheel; exit 7; }\n',
    })
    expect(outcome).toBe('failed')
    expect(problems).toMatchObject([
      {
        code: 'build-step-failed',
        message: expect.stringMatching(/^step RUN test .* failed with exit code 7 on linux\/arm64$/),
        place: { file: 'Dockerfile', line: 2 },
        detail: 'no wheel\n',
      },
    ])
    expect(details.platforms.map(({ platform, outcome: each, digest }) => [platform, each, digest === undefined])).toEqual([
      ['linux/amd64', 'passed', false],
      ['linux/arm64', 'failed', true],
      ['linux/arm/v7', 'passed', false],
    ])
    expect(details.index).toBeUndefined()
  })

  it('names the line of a base image that does not exist', async () => {
    const { problems } = await build({ Dockerfile: `# a comment\nFROM ${running.host}/nothing:here\n` })
    expect(problems).toMatchObject([
      {
        code: 'base-image-missing',
        message: `base image ${running.host}/nothing:here does not exist, or may not be pulled on every platform`,
        place: { file: 'Dockerfile', line: 2 },
      },
    ])
  })

  it('names the platform that a base image lacks', async () => {
    const base = await build({ Dockerfile: 'FROM debian:bookworm-slim\n' }, { platforms: ['linux/amd64'] })
    const { problems } = await build({ Dockerfile: `FROM ${running.host}/staging@${base.details.index}\n` }, { platforms: ['linux/amd64', 'linux/arm64'] })
    expect(problems).toMatchObject([
      { code: 'base-image-platform', message: expect.stringMatching(/offers no linux\/arm64$/), place: { file: 'Dockerfile', line: 1 } },
    ])
  })

  it('fails when a base image cannot be fetched', async () => {
    await expect(build({ Dockerfile: `FROM 127.0.0.1:${await freePort()}/x:1\n` })).rejects.toMatchObject({ code: 'base-image-unavailable' })
  })

  it('fails before it builds when the registry is down', async () => {
    const steps: string[] = []
    const repository = `127.0.0.1:${await freePort()}/staging`
    const progress = { step: (line: string) => void steps.push(line), output: () => undefined }
    await expect(build({ Dockerfile: 'FROM debian:bookworm-slim\n' }, { repository }, { progress })).rejects.toMatchObject({
      code: 'registry-unavailable',
      retryable: true,
    })
    expect(steps).toEqual([])
  })

  it('fails when the registry goes down during the build', async () => {
    const doomed = await startRegistryProcess()
    const progress = { step: (line: string) => void (line.includes('sleep') && doomed[Symbol.asyncDispose]()), output: () => undefined }
    const files = { Dockerfile: `FROM debian:bookworm-slim\nRUN sleep 1 && echo ${randomUUID()}\n` }
    await expect(build(files, { platforms: ['linux/amd64'], repository: `${doomed.host}/staging` }, { progress })).rejects.toMatchObject({
      code: 'registry-unavailable',
      retryable: true,
    })
  })

  it('fails when the registry is full', async (test) => {
    test.skip(noSmallDisk !== '', noSmallDisk)
    await using full = await startFullRegistry()
    const files = { Dockerfile: 'FROM debian:bookworm-slim\nRUN head -c 9000000 /dev/urandom > /big\n' }
    await expect(build(files, { platforms: ['linux/amd64'], repository: `${full.host}/staging` })).rejects.toMatchObject({
      code: 'storage-full',
      retryable: false,
    })
  })

  it('names the line of a Dockerfile that is none', async () => {
    const { problems } = await build({ Dockerfile: 'FROM debian:bookworm-slim\nRNU true\n' }, { platforms: ['linux/amd64'] })
    expect(problems).toMatchObject([{ code: 'dockerfile-syntax', place: { file: 'Dockerfile', line: 2 } }])
  })

  it('leaves nothing running when it is cancelled', async () => {
    const seconds = `9${Math.floor(Math.random() * 1e6)}`
    const isSleeping = () => spawnSync('pgrep', ['-f', `^sleep ${seconds}$`]).status === 0
    const controller = new AbortController()
    const progress = {
      step: () => undefined,
      output: (line: string) => {
        if (!line.includes('asleep')) return
        expect(isSleeping()).toBe(true)
        controller.abort()
      },
    }
    await expect(
      build(
        { Dockerfile: `FROM debian:bookworm-slim\nRUN (sleep 0.5; echo asleep) & exec sleep ${seconds}\n` },
        { platforms: ['linux/amd64'] },
        { signal: controller.signal, progress },
      ),
    ).rejects.toMatchObject({ code: 'cancelled' })
    await expect.poll(isSleeping, { timeout: 20_000 }).toBe(false)
  })
})

describe('a daemon that dies in the middle of a build', () => {
  const dockerHost = process.env['DOCKER_HOST']
  afterEach(() => {
    if (dockerHost === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = dockerHost
  })
  const dying = (cut: () => void) => ({ progress: { step: (line: string) => void (line.includes('sleep') && cut()), output: () => undefined } })
  const sleeping = () => ({ Dockerfile: `FROM debian:bookworm-slim\nRUN sleep 5 && echo ${randomUUID()}\n` })

  it('is a failure when it is the engine', async () => {
    await using proxy = await startSocketProxy(workstation.engine.host.replace('unix://', ''))
    process.env['DOCKER_HOST'] = proxy.address
    await expect(
      build(sleeping(), { builder: new EngineBuilder({ platforms: workstation.platforms, registry }), platforms: ['linux/amd64'] }, dying(proxy.cut)),
    ).rejects.toMatchObject({ code: 'engine-unavailable', retryable: true })
    await expect(
      build(sleeping(), { builder: new EngineBuilder({ platforms: workstation.platforms, registry }), platforms: ['linux/amd64'] }),
    ).rejects.toMatchObject({ code: 'engine-unavailable' })
  })

  it('is a failure when it is BuildKit', async (test) => {
    test.skip(workstation.builder.kind !== 'buildkit-remote', 'BuildKit runs in a container here, which this test cannot reach')
    const { stdout } = await run({ command: 'docker', args: ['buildx', 'inspect', workstation.builder.name] })
    await using proxy = await startSocketProxy(/^Endpoint:\s*unix:\/\/(\S+)$/m.exec(stdout)![1]!)
    const name = `ctss-test-${randomUUID()}`
    spawnSync('docker', ['buildx', 'create', '--name', name, '--driver', 'remote', proxy.address])
    try {
      const fragile = new BuildkitBuilder({ kind: 'buildkit-remote', builder: name, platforms: workstation.platforms, registry })
      await expect(build(sleeping(), { builder: fragile }, dying(proxy.cut))).rejects.toMatchObject({ code: 'builder-unavailable', retryable: true })
    } finally {
      spawnSync('docker', ['buildx', 'rm', '--force', name])
    }
  })

  it('is a failure when the builder was never there', async () => {
    const missing = new BuildkitBuilder({ kind: 'buildkit-remote', builder: 'ctss-test-never', platforms: PLATFORMS, registry })
    await expect(build(sleeping(), { builder: missing })).rejects.toMatchObject({ code: 'builder-unavailable' })
  })
})
