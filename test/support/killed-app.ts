import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { apiBudget } from '../../adapters/github/api-budget.ts'
import { githubApp } from '../../adapters/github/github-app.ts'
import { machineClock } from '../../adapters/machine/clock.ts'
import { baseLookup } from '../../adapters/registry/base-lookup.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { namedFiles } from '../../adapters/records/named-files.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { TESTBED_VERSION } from '../../pipeline/virtual/testbed-version.ts'
import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import { PASSING, runPlan } from './app-world.ts'
import type { Github, WorkflowRun } from './github/api.ts'
import { startGithub } from './github/github.ts'
import { serveMemoryRegistry } from './killed-app-registry.ts'
import { tellOutcome, tellStory, type StoryKind } from './killed-app-stories.ts'
import { memoryBuilder } from './memory-builder.ts'
import { memoryBlobs } from './memory-blobs.ts'
import { memoryPorts } from './memory-ports.ts'
import { freePort } from './registry-process.ts'

export interface KilledAppOptions {
  readonly seed: number
  /** Kills that hit a process at work. */
  readonly points: number
  /** Undefined: embedded, for one replica alone. */
  readonly databaseUrl: string | undefined
  readonly replicas: number
  /** Stories that are under way at a time. */
  readonly parallel: number
  readonly kinds: readonly StoryKind[]
  /** A process handles fewer refs than these before it is killed. */
  readonly mostHandled: number
  /** No more stories are begun, and nobody is killed, after this time. */
  readonly mostMs: number
  /** No story may take longer. */
  readonly storyMs: number
  readonly onProgress?: (line: string) => void
}

/** What came of it. */
export interface KilledAppResult {
  readonly kills: number
  /** Kills that hit a process at work. */
  readonly points: number
  readonly stories: number
  /** Stories that never came to their end, and why. */
  readonly lost: readonly string[]
  /** Where the end is another than without a kill. */
  readonly different: readonly string[]
  readonly redelivered: number
  readonly seconds: number
  /** Processes of the service that were left behind. */
  readonly orphans: number
}

const CONTROL = 'sage/control'
const OURS = 'sage/ctss/.github/workflows/dispatch.yml'
const WORKFLOW = `name: Dispatch
run-name: \${{ inputs.repository }} · \${{ inputs.plan }}
on: { workflow_dispatch: { inputs: { repository: { required: true }, plan: {}, commit: {}, app: {}, path: {}, runner: {}, runners: {}, registry: {} } } }
jobs: { dispatch: { uses: ${OURS}@v1.0.0 } }
`
const PUBLIC_URL = 'https://ctss.example.org'
const OPERATOR = 'o'.repeat(40)
const SECRET = 'a-webhook-secret-for-tests'
/** More than any story needs: repositories are made once, before the service starts. */
const ROOM = 400
const BASE = 'library/python'

/** What a runner of the control repository did with one workflow run. */
export interface Executed {
  readonly plan: string
  readonly repository: string
  readonly fate: 'claimed' | 'refused' | 'lost'
  readonly stages: readonly string[]
}

/** Tells stories to a service that is killed all the time, and compares their ends with those that nobody was killed in. */
export async function killApp(options: KilledAppOptions): Promise<KilledAppResult> {
  const { seed, replicas, databaseUrl, onProgress = () => undefined } = options
  const random = seeded(seed)
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'ctss-killed-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const main = await bundle(folder)
  const registry = stack.use(await serveMemoryRegistry())
  const base = await makeBase(registry)

  // A repository for each story, told apart by the name of the plugin.
  const names = Array.from({ length: ROOM }, (_, index) => ({ name: `sage/p${index}`, kind: options.kinds[index % options.kinds.length] ?? 'pull' }))
  const filesOf = (index: number): Record<string, string> =>
    Object.fromEntries(
      Object.entries(PASSING).map(([path, text]) => [path, text.replaceAll('cloud-counter', `cloud-counter-${index}`).replace(/^FROM .*$/m, `FROM ${base}`)]),
    )
  const github = stack.use(
    await startGithub({
      app: { webhookSecret: SECRET },
      repositories: [
        ...names.map(({ name }) => ({ name, files: { 'README.md': 'A plugin to come.\n' } })),
        { name: CONTROL, isPrivate: true, files: { '.github/workflows/dispatch.yml': WORKFLOW } },
      ],
      installations: [],
    }),
  )
  // A process that was killed answers nobody: there is nothing to wait for.
  github.webhooks.timeoutMs = 5000

  const apps: Replica[] = []
  const ports = await Promise.all(Array.from({ length: replicas }, async () => freePort()))
  for (const [index, port] of ports.entries()) {
    const stateFolder = join(folder, `state-${index}`)
    mkdirSync(stateFolder, { recursive: true })
    // As replicas share a bucket.
    mkdirSync(join(folder, 'blobs'), { recursive: true })
    symlinkSync(join(folder, 'blobs'), join(stateFolder, 'blobs'))
    apps.push(
      new Replica(main, port, {
        PATH: process.env['PATH'] ?? '',
        NODE_ENV: 'production',
        PUBLIC_URL,
        PORT: String(port),
        STATE_FOLDER: stateFolder,
        OPERATOR_TOKEN: OPERATOR,
        LOG_LEVEL: 'warn',
        GITHUB_URL: github.url,
        OIDC_ISSUER: github.oidc.url,
        APP_ID: String(github.app.id),
        PRIVATE_KEY: github.app.privateKey,
        WEBHOOK_SECRET: SECRET,
        LINK_SECRET: 'l'.repeat(40),
        CONTROL_REPOSITORY: CONTROL,
        DISPATCH_WORKFLOW: `${OURS}@refs/tags/v1.0.0`,
        REGISTRY: `${registry.host}/sage`,
        PARALLEL_REFS: '6',
        OWNER_RUNS: '1000',
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      }),
    )
    github.webhooks.connect(`http://127.0.0.1:${port}/api/github/webhooks`)
  }
  stack.defer(async () => void (await Promise.all(apps.map(async (app) => app.kill()))))
  for (const app of apps) await app.start()

  const world: World = { github, apps, registry, folder, random, executed: [], asking: 0, turn: 0, isOver: false }
  stack.defer(() => {
    world.isOver = true
  })
  github.actions.useRunner(makeRunner(world))
  await github.install({ account: 'sage' })
  await github.settle('webhooks')

  // First without a kill: what is to come of each kind.
  const plain = new Map<StoryKind, string>()
  const tell = async (index: number): Promise<void> => {
    const { name, kind } = names[index] ?? { name: '', kind: 'pull' }
    const from = performance.now()
    await tellStory(kind, { github, name, files: filesOf(index), index, limitMs: options.storyMs })
    onProgress(`${name} (${kind}): ${((performance.now() - from) / 1000).toFixed(1)} s`)
  }
  await Promise.all(options.kinds.map(async (_, index) => tell(index)))
  await quiet(world, 6)
  for (const [index, kind] of options.kinds.entries()) plain.set(kind, await tellOutcome(github, names[index]?.name ?? '', world.executed))
  onProgress(`${options.kinds.length} stories were told without a kill`)

  const started = performance.now()
  let [kills, points, redelivered, next] = [0, 0, 0, options.kinds.length]
  const first = next
  const lost: string[] = []
  const isEnough = (): boolean => points >= options.points || performance.now() - started > options.mostMs
  const tellOn = async (): Promise<void> => {
    while (!isEnough() && next < ROOM) {
      const index = next++
      await tell(index).catch((error: unknown) =>
        lost.push(`${names[index]?.name} (${names[index]?.kind}): ${error instanceof Error ? error.message : String(error)}`),
      )
    }
  }
  const killOn = async (app: Replica): Promise<void> => {
    while (!isEnough() && !world.isOver) {
      // How much it gets done first is drawn, not how long it lives: on a busy machine nothing would come to its end.
      const enough = app.handled + Math.floor(random() * options.mostHandled)
      for (let looks = 0; looks < 1000 && app.handled < enough; looks += 1) await sleep(10)
      for (let looks = 0; looks < 1000 && app.inHand + world.asking === 0; looks += 1) await sleep(5)
      await sleep(random() * IN_WORK_MS)
      const isAtWork = app.inHand > 0 || world.asking > 0
      await app.kill()
      kills += 1
      if (isAtWork) points += 1
      if (kills % 50 === 0)
        onProgress(`${kills} kills, ${points} at work, ${next - first} stories, ${lost.length} lost, ${((performance.now() - started) / 1000).toFixed(0)} s`)
      await app.start()
    }
  }
  // Most of what never arrived is asked for again at once; the rest is left to the service's own sweep.
  const asked = new Set<string>()
  const redeliverOn = async (): Promise<void> => {
    for (let from = 0; !world.isOver;) {
      await sleep(1000)
      const all = github.webhooks.deliveries
      const recent = all.slice(from)
      const arrived = new Set(recent.filter(({ status }) => status !== undefined && status < 300 && status > 0).map(({ guid }) => guid))
      for (const delivery of recent.filter(({ guid, status }) => status !== undefined && (status === 0 || status >= 300) && !arrived.has(guid))) {
        const key = `${delivery.guid} ${delivery.id}`
        if (asked.has(key)) continue
        asked.add(key)
        if (!delivery.isRedelivery && random() < LEFT_TO_THE_SWEEP) continue
        redelivered += 1
        await github.webhooks.redeliver(delivery.id)
      }
      from = Math.max(0, all.length - 2000)
    }
  }
  const redelivering = redeliverOn()
  await Promise.all([...Array.from({ length: options.parallel }, tellOn), ...apps.map(killOn)])
  onProgress('nobody is killed any more')
  await quiet(world, CALM_LOOKS)
  world.isOver = true
  await redelivering

  const different: string[] = []
  for (let index = first; index < next; index += 1) {
    const { name, kind } = names[index] ?? { name: '', kind: 'pull' as const }
    if (lost.some((line) => line.startsWith(`${name} `))) continue
    const outcome = await tellOutcome(github, name, world.executed)
    const wanted = plain.get(kind) ?? ''
    if (outcome !== wanted) different.push(`${name} (${kind}):\n${differences(wanted, outcome)}`)
  }
  const claimed = world.executed.filter(({ fate }) => fate === 'claimed').map(({ plan }) => plan)
  for (const plan of new Set(claimed.filter((one, at) => claimed.indexOf(one) !== at))) different.push(`the plan ${plan} was claimed twice`)
  if (apps.some(({ log }) => log.includes('"msg":"a bug'))) different.push('a process met a bug')
  const seconds = (performance.now() - started) / 1000
  await Promise.all(apps.map(async (app) => app.kill()))
  await sleep(2000)
  const orphans = countProcesses(folder)
  const errors = apps.flatMap(({ log }) => log.match(/"msg":"[^"]+"/g) ?? [])
  const kinds = Map.groupBy(errors, (line) => line)
  onProgress(`logged errors: ${[...kinds].map(([line, all]) => `${all.length} × ${line}`).join('; ') || 'none'}`)
  github.assertFaithful()
  return { kills, points, stories: next - first, lost, different, redelivered, seconds, orphans }
}

const LEFT_TO_THE_SWEEP = 0.1
/** A ref is handled in about this time. */
const IN_WORK_MS = 400

interface World {
  readonly github: Github
  readonly apps: readonly Replica[]
  readonly registry: Awaited<ReturnType<typeof serveMemoryRegistry>>
  readonly folder: string
  readonly random: () => number
  readonly executed: Executed[]
  /** Requests of jobs that are under way. */
  asking: number
  turn: number
  isOver: boolean
}

/** One process at a time, on one port. */
class Replica {
  inHand = 0
  handled = 0
  log = ''
  #child: ChildProcess | undefined
  readonly #main: string
  readonly #env: Readonly<Record<string, string>>
  readonly port: number

  constructor(main: string, port: number, env: Readonly<Record<string, string>>) {
    this.#main = main
    this.port = port
    this.#env = env
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#main], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.inHand = 0
    const ready = Promise.withResolvers<void>()
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line.includes('"level"')) this.log += `${line}\n`
        else {
          const done = line.split('-').length - 1
          this.inHand += line.split('+').length - 1 - done
          this.handled += done
          if (line.includes('ready ')) ready.resolve()
        }
      }
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    child.once('exit', () => ready.reject(new Error(`the service ended on its own:\n${this.log.slice(-4000)}`)))
    await ready.promise
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

/** Waits until no delivery, run or ref is under way for a while. */
async function quiet({ github, apps, executed }: World, looks: number): Promise<void> {
  let calm = 0
  for (let tries = 0; tries < 600 && calm < looks; tries += 1) {
    const before = github.log.length + executed.length
    await sleep(500)
    const runs = github.actions.runs(CONTROL).filter(({ status }) => status !== 'completed')
    // Sweeps ask all the time: they are read, nothing is made.
    const isCalm = apps.every(({ inHand }) => inHand === 0) && runs.length === 0 && github.log.slice(before).every(({ line }) => line.startsWith('GET'))
    calm = isCalm ? calm + 1 : 0
  }
}

/** Longer than a lease, and the time in which a dead worker is found. */
const CALM_LOOKS = 34

/** As dispatch.yml: the first job claims the plan and asks for its token, the stages run, the last one delivers. */
function makeRunner(world: World): (run: WorkflowRun) => Promise<void> {
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
  const forge = githubApp({
    appId: github.app.id,
    privateKeys: [github.app.privateKey],
    baseUrl: github.url,
    webUrl: 'https://github.com',
    control: { owner: 'sage', repository: 'control', workflow: 'dispatch.yml', ref: 'main' },
    budget: apiBudget(),
    writeGapMs: 0,
  })
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
      world.executed.push({ plan: id, repository, fate: 'refused', stages: [] })
      await job.complete('failure')
      return run.complete('failure')
    }
    const plan = JSON.parse(given.text) as RunPlan
    const read = await ask(world, token, 'POST', `runs/${id}/token`)
    if (read.status !== 200) {
      // Its answer was lost: the job cannot go on, as a real one could not.
      world.executed.push({ plan: id, repository, fate: 'refused', stages: [] })
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
  world: World,
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
  world: World,
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
async function makeBase({ host, registry }: World['registry']): Promise<string> {
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

/** The service as one file, as it is released: it starts in half a second, so that most of a process's life can be its end. */
async function bundle(folder: string): Promise<string> {
  const outdir = join(folder, 'service', 'dist')
  await build({
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'error',
    logOverride: { 'ignored-bare-import': 'silent' },
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    alias: { ssh2: './scripts/ssh2-stub.ts' },
    entryPoints: {
      app: 'test/support/killed-app-process.ts',
      'chart-worker': 'app/chart-worker.ts',
      'judge-process': 'adapters/judge-process/judge-process.ts',
    },
    outdir,
    external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'pg-native', '@grpc/*', 'protobufjs', '*.node'],
  })
  for (const name of ['app.yml', 'node_modules', 'package.json']) symlinkSync(resolve(name), join(folder, 'service', name))
  return join(outdir, 'app.mjs')
}

function countProcesses(folder: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false
    }
  }).length
}

/** Lines that only one of them has. */
function differences(wanted: string, found: string): string {
  const [one, other] = [wanted.split('\n'), found.split('\n')]
  const lack = (lines: readonly string[], from: readonly string[], sign: string): string[] => {
    const left = [...from]
    return lines.flatMap((line) => {
      const at = left.indexOf(line)
      if (at === -1) return [`${sign} ${line}`]
      left.splice(at, 1)
      return []
    })
  }
  return [...lack(one, other, '-'), ...lack(other, one, '+')].join('\n')
}

/** mulberry32: the same moments for the same seed, as far as processes allow. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
