import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { machineClock } from '../../adapters/machine/clock.ts'
import { namedFiles } from '../../adapters/records/named-files.ts'
import { baseLookup } from '../../adapters/registry/base-lookup.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { TESTBED_VERSION } from '../../pipeline/virtual/testbed-version.ts'
import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import { runPlan } from './app-world.ts'
import type { Github, WorkflowRun } from './github/api.ts'
import type { ServedRegistry } from './killed-app-registry.ts'
import { memoryBlobs } from './memory-blobs.ts'
import { memoryBuilder } from './memory-builder.ts'
import { memoryPorts } from './memory-ports.ts'
import { standInApp } from './stand-in-app.ts'

/** Where jobs say that they reach the service: their requests go to its replicas. */
export const PUBLIC_URL = 'https://ctss.example.org'
const BASE = 'library/python'

/** What a runner of the control repository did with one workflow run. */
export interface Executed {
  readonly plan: string
  readonly repository: string
  readonly fate: 'claimed' | 'refused' | 'lost'
  readonly stages: readonly string[]
  /** What a job was answered that could not go on. */
  readonly answer?: string
}

/** What the runners of the control repository work with, and what they did. */
export interface RunnerWorld {
  readonly github: Github
  readonly apps: readonly { readonly port: number }[]
  readonly registry: ServedRegistry
  readonly folder: string
  readonly executed: Executed[]
  /** Requests of jobs that are under way. */
  asking: number
  /** Whose turn it is to be asked. */
  turn: number
  /** Nobody waits for anything any more. */
  isOver: boolean
}

/** As dispatch.yml: the first job claims the plan and asks for its token, the stages run, the last one delivers. */
export function makeRunner(world: RunnerWorld): (run: WorkflowRun) => Promise<void> {
  const { github, registry, folder } = world
  const blobs = memoryBlobs(new Map<Digest, Buffer>())
  const lookUpBase = baseLookup({
    registry: new OciRegistry({ credentials: async () => undefined }),
    findStandInHost: async () => undefined,
    memoryFile: join(folder, 'bases.json'),
  })
  const memory = memoryPorts(blobs, folder)
  const registryRoot = `${registry.host}/sage`
  // One registry for what is built and for what the service reads.
  const ports = {
    ...memory,
    registry: registry.registry,
    registryRoot,
    lookUpBase,
    testbedVersion: TESTBED_VERSION,
    openBuilder: async () => memoryBuilder(registry.registry),
    openStaging: async () => `${registryRoot}/staging`,
  }
  const forge = standInApp(github)
  const lost = new Set<string>()
  return async (run) => {
    const { plan: id = '', repository = '', commit = '', path = '.' } = run.inputs
    const isLossy = github.repo(repository).file('lossy') !== undefined
    if (isLossy && !lost.has(repository)) {
      lost.add(repository)
      world.executed.push({ plan: id, repository, fate: 'lost', stages: [] })
      return run.complete('failure')
    }
    const job = await run.job('dispatch / source')
    await job.start('runner-1')
    const token = async (): Promise<string> => job.idToken(PUBLIC_URL)
    const given = await ask(world, token, 'GET', `runs/${id}/plan`)
    if (given.status !== 200) {
      world.executed.push({ plan: id, repository, fate: 'refused', stages: [], answer: `plan: ${given.status} ${given.text}` })
      await job.complete('failure')
      return run.complete('failure')
    }
    const plan = JSON.parse(given.text) as RunPlan
    const read = await ask(world, token, 'POST', `runs/${id}/token`)
    if (read.status !== 200) {
      // Its answer was lost: the job cannot go on, as a real one could not.
      world.executed.push({ plan: id, repository, fate: 'refused', stages: [], answer: `token: ${read.status} ${read.text}` })
      await job.complete('failure')
      return run.complete('failure')
    }
    await job.complete()
    const [owner = '', name = ''] = repository.split('/')
    const tree = forge
      .open({ installation: github.installation('sage').id, id: github.repo(repository).id, owner, name })
      .tree(commit, path === '.' ? undefined : path)
    const stage = await run.job('dispatch / pipeline / build')
    await stage.start('runner-2')
    const records = await runPlan(plan, { tree, folder, stagePorts: ports, blobs, clock: machineClock })
    await stage.complete()
    if (run.signal.aborted) return
    world.executed.push({ plan: id, repository, fate: 'claimed', stages: records.map((record) => record.stage) })
    if (isLossy) await leaveArtifacts(run, records, blobs)
    else await deliver(world, run, id, token, records, blobs)
    await run.complete('success')
  }
}

async function deliver(
  world: RunnerWorld,
  run: WorkflowRun,
  id: string,
  token: () => Promise<string>,
  records: readonly StageRecord[],
  blobs: ReturnType<typeof memoryBlobs>,
): Promise<void> {
  const job = await run.job('dispatch / deliver')
  await job.start('runner-1')
  const identity = async (): Promise<string> => job.idToken(PUBLIC_URL)
  for (let round = 0; round < 5; round += 1) {
    const taken = await ask(world, identity, 'POST', `runs/${id}/records`, { records })
    if (taken.status === 201) return job.complete()
    if (taken.status !== 200) throw new Error(`the records were answered ${taken.status}: ${taken.text}`)
    const { missing } = JSON.parse(taken.text) as { missing: readonly { digest: Digest; upload: { url: string; headers: Record<string, string> } }[] }
    for (const { digest, upload } of missing) {
      const content = await blobs.get(digest)
      await ask(world, token, 'PUT', upload.url, content, upload.headers)
    }
  }
  throw new Error('files are missing for ever')
}

async function leaveArtifacts(run: WorkflowRun, records: readonly StageRecord[], blobs: ReturnType<typeof memoryBlobs>): Promise<void> {
  for (const record of records) {
    const files = await Promise.all(
      namedFiles(record).map(async ({ digest }) => [`blobs/${digest.slice('sha256:'.length)}`, (await blobs.get(digest)) ?? Buffer.alloc(0)] as const),
    )
    run.artifact(`ctss-${record.stage}`, { 'record.json': JSON.stringify(record), ...Object.fromEntries(files) })
  }
}

/** Asks one replica after the other, as behind a balancer, until one answers: a job does so for two minutes. */
async function ask(
  world: RunnerWorld,
  token: () => Promise<string>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  for (let tries = 0; !world.isOver && tries < 400; tries += 1) {
    const port = world.apps[world.turn++ % world.apps.length]?.port
    const url = path.startsWith(PUBLIC_URL) ? path.replace(PUBLIC_URL, `http://127.0.0.1:${port}`) : `http://127.0.0.1:${port}/api/v1/${path}`
    world.asking += 1
    try {
      const answer = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${await token()}`, ...headers },
        ...(body !== undefined && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      })
      const text = await answer.text()
      if (answer.status < 500) return { status: answer.status, text }
    } catch {
      // It was killed.
    } finally {
      world.asking -= 1
    }
    await sleep(300)
  }
  throw new Error(`nobody answers ${method} ${path}`)
}

/** A base image that the service finds where a Dockerfile names it. */
export async function makeBase({ host, registry }: ServedRegistry): Promise<string> {
  const repository = `${host}/${BASE}`
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux' }))
  const document = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: await registry.putBlob(repository, config), size: config.length },
    layers: [],
  }
  return `${repository}:3.12-slim@${await registry.putManifest(repository, JSON.stringify(document), document.mediaType, '3.12-slim')}`
}
