import type Docker from 'dockerode'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { BuildkitBuilder } from '../../adapters/buildx/buildkit-builder.ts'
import { EngineBuilder } from '../../adapters/buildx/engine-builder.ts'
import { cacheReference, type LayerCache } from '../../adapters/buildx/layer-cache.ts'
import { connectEngine } from '../../adapters/engine/connect.ts'
import { pullImage } from '../../adapters/engine/image.ts'
import { makeRunId, RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { run } from '../../adapters/process/run.ts'
import { openDockerConfig } from '../../adapters/registry/docker-config.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { startJobRegistry } from '../../adapters/runner/job-registry.ts'
import { listBuilders, openRunnerBuilder, ownBuilderName, removeBuilder } from '../../adapters/runner/runner-builder.ts'
import { openRunnerLab, type RunnerLabOptions } from '../../adapters/runner/runner-lab.ts'
import { sweepRunner } from '../../adapters/runner/sweep-runner.ts'
import { BUILDER_NAME } from '../../adapters/workstation/cache-layout.ts'
import { setUp } from '../../adapters/workstation/workstation.ts'
import type { Workstation } from '../../adapters/workstation/workstation.ts'
import type { BuildResult, ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { PASSWORD_USER, startPasswordRegistry, startRegistryProcess } from '../support/registry-process.ts'

const NEVER = new AbortController().signal
const QUIET: Progress = { step: () => undefined, output: () => undefined }
/** Of a process that has ended: its number is another one's, which started at another time. */
const DEAD_RUN = makeRunId().replace(/-\d+-\d+-/, '-1-1-')
const DOCKERFILE = ['FROM debian:bookworm-slim', 'RUN echo built here > /greeting']

const registry = new OciRegistry()
const docker = connectEngine(process.env['DOCKER_HOST'])
let workstation: Workstation
let folder = ''
beforeAll(async () => {
  workstation = await setUp({ progress: QUIET, signal: NEVER })
  folder = await mkdtemp(join(tmpdir(), 'ctss-runner-'))
}, 1_200_000)
afterAll(async () => rm(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

async function build(builder: ImageBuilder, repository: string, dockerfile: readonly string[] = DOCKERFILE, platform = 'linux/amd64'): Promise<BuildResult> {
  const context = join(folder, randomUUID())
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`)
  return builder.build({ context, dockerfile: 'Dockerfile', platform, buildArgs: {}, labels: {}, repository }, QUIET, NEVER)
}

function digestOfBuild(result: BuildResult): string {
  if (result.kind !== 'built') throw new Error(JSON.stringify(result))
  return result.digest
}

/** Everything in the engine that bears a run's label. */
async function remains(runId: string): Promise<readonly string[]> {
  const filters = { label: [`${RUN_LABEL}=${runId}`] }
  const [containers, { Volumes }] = await Promise.all([docker.listContainers({ all: true, filters }), docker.listVolumes({})])
  return [...containers.map(({ Id }) => Id), ...Volumes.filter(({ Labels }) => Labels?.[RUN_LABEL] === runId).map(({ Name }) => Name)]
}

describe('the lab of a runner', () => {
  const options = (changes: Partial<RunnerLabOptions> = {}): RunnerLabOptions => ({
    dockerHost: process.env['DOCKER_HOST'],
    registry,
    workParent: join(folder, 'work'),
    runId: makeRunId(),
    progress: QUIET,
    signal: NEVER,
    ...changes,
  })

  it('takes the builder that `ctss up` keeps, as it is, and leaves it', async (test) => {
    test.skip(workstation.builder.kind === 'engine', 'there is no BuildKit on this workstation')
    await using running = await startRegistryProcess()
    {
      await using lab = await openRunnerLab(options({ platforms: ['linux/amd64'] }))
      expect(lab.builder).toMatchObject({ kind: workstation.builder.kind })
      expect((await registry.manifest(`${running.host}/x@${digestOfBuild(await build(lab.builder, `${running.host}/x`))}`))?.mediaType).toContain(
        'oci.image.manifest',
      )
    }
    expect(await listBuilders({})).toContain(BUILDER_NAME)
  })

  it('makes a builder for this job where there is none, or says that the engine builds, and leaves nothing of it', async () => {
    // Where buildx keeps its builders, none is known.
    const env = { BUILDX_CONFIG: join(folder, 'buildx') }
    const lines: string[] = []
    const runId = makeRunId()
    await using running = await startRegistryProcess()
    {
      await using lab = await openRunnerLab(options({ runId, env, progress: { step: (line) => void lines.push(line), output: () => undefined } }))
      if (lab.builder.kind === 'engine') expect(lines.at(-1)).toContain("the engine's own builder builds instead")
      else expect(await listBuilders({ env })).toContain(ownBuilderName(runId))
      expect(lab.builder.platforms).toContain('linux/amd64')
      digestOfBuild(await build(lab.builder, `${running.host}/x`))
    }
    expect((await listBuilders({ env })).filter((name) => name.startsWith('ctss'))).toEqual([])
    expect((await docker.listContainers({ all: true })).flatMap(({ Names }) => Names).filter((name) => name.includes(runId))).toEqual([])
  })

  it('refuses a platform that can neither be run nor emulated, and names the action that helps', async () => {
    await expect(openRunnerLab(options({ platforms: ['linux/amd64', 'linux/s390x'] }))).rejects.toMatchObject({
      code: 'builder-unavailable',
      message: expect.stringContaining('neither run nor emulate linux/s390x'),
      suggestion: expect.stringContaining('docker/setup-qemu-action'),
    })
  })

  it.each(['unix:///nonexistent/docker.sock', 'tcp://127.0.0.1:9'])('says what a runner without an engine needs: %s', async (dockerHost) => {
    await expect(openRunnerLab(options({ dockerHost }))).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringContaining(`DOCKER_HOST=${dockerHost}`),
      suggestion: expect.stringContaining('runs-on: ubuntu-24.04'),
    })
  })

  it('starts nothing when the job is cancelled already', async () => {
    await expect(openRunnerBuilder(makeRunId(), QUIET, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('the registry of a job', () => {
  it('takes what builders push, gives the engine what it pulls, and is gone with the job', async () => {
    const runId = makeRunId()
    let host = ''
    {
      await using own = await startJobRegistry({ docker, runId, progress: QUIET, signal: NEVER })
      host = own.host
      expect(host).toMatch(/^127\.0\.0\.1:\d+$/)
      await using lab = await openRunnerLab({
        dockerHost: process.env['DOCKER_HOST'],
        registry,
        workParent: join(folder, 'work'),
        runId,
        progress: QUIET,
        signal: NEVER,
      })
      const image = `${host}/staging/x@${digestOfBuild(await build(lab.builder, `${host}/staging/x`))}`
      expect(await pullImage(docker, { image, platform: 'linux/amd64' }, QUIET, NEVER)).toEqual({ pulled: true })
      const { stdout } = await run({ command: 'docker', args: ['run', '--rm', '--label', `${RUN_LABEL}=${runId}`, image, 'cat', '/greeting'] })
      await run({ command: 'docker', args: ['image', 'rm', '--force', image] })
      expect(stdout).toBe('built here\n')
      expect(await remains(runId)).toHaveLength(1)
    }
    expect(await remains(runId)).toEqual([])
    await expect(fetch(`http://${host}/v2/`)).rejects.toThrow('fetch failed')
  })

  it('of two jobs at once are two', async () => {
    const start = async () => startJobRegistry({ docker, runId: makeRunId(), progress: QUIET, signal: NEVER })
    const [one, other] = await Promise.all([start(), start()])
    expect(one.host).not.toBe(other.host)
    await Promise.all([one, other].map(async (each) => each[Symbol.asyncDispose]()))
  })

  it('is not left behind when the job is cancelled while it starts', async () => {
    const runId = makeRunId()
    const controller = new AbortController()
    const progress: Progress = { step: (line) => void (line.includes('starting') && controller.abort()), output: () => undefined }
    await expect(startJobRegistry({ docker, runId, progress, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect(await remains(runId)).toEqual([])
  })
})

describe('a registry with a password', () => {
  it('takes what a job with the password pushes and gives it to its engine, and nobody else', async (test) => {
    await using guarded = await startPasswordRegistry()
    if (guarded === undefined) return test.skip('docker-registry is not installed')
    const repository = `${guarded.host}/staging/x`
    const credentials = async (host: string) => (host === guarded.host ? PASSWORD_USER : undefined)
    const knowing = new OciRegistry({ credentials })
    expect(await registry.mayPush(repository)).toBe(false)
    expect(await knowing.mayPush(repository)).toBe(true)

    const open = async (userFolder: string) =>
      openDockerConfig({ workParent: join(folder, 'work'), userFolder, host: guarded.host, credentials: PASSWORD_USER })
    await using config = await open(join(process.env['HOME'] ?? '', '.docker'))
    const builders = [
      new EngineBuilder({ platforms: workstation.platforms, registry: knowing, env: config.env }),
      ...(workstation.builder.kind === 'engine'
        ? []
        : [
            new BuildkitBuilder({
              kind: workstation.builder.kind,
              builder: BUILDER_NAME,
              platforms: workstation.platforms,
              registry: knowing,
              env: config.env,
            }),
          ]),
    ]
    for (const builder of builders) {
      const image = `${repository}@${digestOfBuild(await build(builder, repository))}`
      await expect(pullImage(docker, { image, platform: 'linux/amd64' }, QUIET, NEVER)).rejects.toMatchObject({ code: 'registry-refused', retryable: false })
      expect(await pullImage(docker, { image, platform: 'linux/amd64' }, QUIET, NEVER, credentials)).toEqual({ pulled: true })
      await run({ command: 'docker', args: ['image', 'rm', '--force', image] })
    }
    const stranger = new EngineBuilder({ platforms: workstation.platforms, registry: knowing })
    await expect(build(stranger, repository)).rejects.toMatchObject({ code: 'registry-refused' })

    // A store of credentials that the user has configured does not hide those of the job.
    const userFolder = join(folder, 'user')
    await mkdir(userFolder)
    await writeFile(join(userFolder, 'config.json'), '{"credsStore":"nonesuch"}')
    await using other = await open(userFolder)
    const image = `${repository}@${digestOfBuild(await build(builders[0]!, repository))}`
    expect(await run({ command: 'docker', args: ['pull', '--quiet', image] }, { env: other.env })).toMatchObject({ exitCode: 0 })
    await run({ command: 'docker', args: ['image', 'rm', '--force', image] })
  })
})

describe('layers in the registry', () => {
  it('are taken from where there are any, kept for the branch, and named in no report', async (test) => {
    const { kind, name } = workstation.builder
    if (kind === 'engine') return test.skip('there is no BuildKit on this workstation')
    await using running = await startRegistryProcess()
    const repository = `${running.host}/staging/x`
    const [own, main] = ['feature/a', 'main'].map((branch) => ({ repository, branch }))
    const open = (layerCache: LayerCache) => new BuildkitBuilder({ kind, builder: name, platforms: workstation.platforms, registry, layerCache })
    const steps = async (layerCache: LayerCache, dockerfile?: readonly string[]) => build(open(layerCache), repository, dockerfile)
    // Nothing is there yet: neither of the branch nor of the default branch.
    const first = await steps({ from: [own!, main!], to: own! })
    expect(digestOfBuild(first)).toMatch(/^sha256:/)
    expect(first.steps.map((step) => step.name).filter((step) => /cache manifest|exporting cache/.test(step))).toEqual([])
    expect((await registry.tags(repository)).toSorted()).toEqual([cacheReference(own!, 'linux/amd64').split(':').at(-1)])
    // Another branch reads it, and writes nothing.
    digestOfBuild(await steps({ from: [own!] }))
    expect(await registry.tags(repository)).toHaveLength(1)
    // A step that fails is what is told, not the cache that is not there.
    expect(await steps({ from: [main!] }, ['FROM debian:bookworm-slim', `RUN echo ${randomUUID()} && exit 3`])).toMatchObject({
      kind: 'refused',
      problem: { code: 'build-step-failed', place: { line: 2 } },
    })
    // What cannot be kept is no reason to fail.
    digestOfBuild(await steps({ from: [], to: { repository: '127.0.0.1:9/nowhere', branch: 'x' } }))
  })
})

describe('sweeping a runner', () => {
  const container = async (runId: string): Promise<Docker.Container> =>
    docker.createContainer({ Image: 'debian:bookworm-slim', Cmd: ['true'], Labels: { [RUN_LABEL]: runId } })

  it('removes what dead runs left and the builder of this job, and nothing of runs that live', async () => {
    vi.stubEnv('BUILDX_CONFIG', join(folder, 'buildx-sweep'))
    const [mine, alive] = [ownBuilderName(makeRunId()), ownBuilderName(makeRunId())]
    for (const name of [ownBuilderName(DEAD_RUN), mine, alive, 'ctss-somebody-else'])
      await run({ command: 'docker', args: ['buildx', 'create', '--name', name, '--driver', 'docker-container'] })
    const living = makeRunId()
    await container(DEAD_RUN)
    const left = await container(living)
    const workParent = join(folder, 'sweep')
    await mkdir(join(workParent, '1-1-build-x'), { recursive: true })
    await mkdir(join(workParent, 'other'))

    expect(await sweepRunner({ docker, workParent, builderName: mine })).toEqual([])

    expect((await listBuilders({})).filter((name) => /^ctss.*[^0]$/.test(name) || name === alive).toSorted()).toEqual([alive, 'ctss-somebody-else'].toSorted())
    expect(await remains(DEAD_RUN)).toEqual([])
    expect(await remains(living)).toHaveLength(1)
    expect(await readdir(workParent)).toEqual(['other'])
    await left.remove()
    await removeBuilder(alive, {})
  })

  it('fails no job: what could not be swept is told', async () => {
    const gone = connectEngine('unix:///nonexistent/docker.sock')
    const workParent = join(folder, 'sweep-without-engine')
    await mkdir(join(workParent, '1-1-build-x'), { recursive: true })
    expect(await sweepRunner({ docker: gone, workParent })).toEqual([expect.stringContaining('the Docker Engine gave no answer')])
    expect(await readdir(workParent)).toEqual([])
  })
})
