import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PASSING } from './app-world.ts'
import { startGithub } from './github/github.ts'
import { serveMemoryRegistry } from './killed-app-registry.ts'
import { bundleService, countProcesses, Replica } from './killed-app-replica.ts'
import { makeBase, makeRunner, PUBLIC_URL, type RunnerWorld } from './killed-app-runner.ts'
import { tellOutcome, tellStory, type StoryKind } from './killed-app-stories.ts'
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
const OPERATOR = 'o'.repeat(40)
const SECRET = 'a-webhook-secret-for-tests'
/** Tells stories to a service that is killed all the time, and compares their ends with those that nobody was killed in. */
export async function killApp(options: KilledAppOptions): Promise<KilledAppResult> {
  const { seed, replicas, databaseUrl, onProgress = () => undefined } = options
  const random = seeded(seed)
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'ctss-killed-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const main = await bundleService(folder)
  const registry = stack.use(await serveMemoryRegistry())
  const base = await makeBase(registry)

  // A repository for each story, told apart by the name of the plugin.
  // They are made once, before the service starts; a story outlives a kill.
  const room = options.kinds.length + options.parallel + options.points
  const names = Array.from({ length: room }, (_, index) => ({ name: `sage/p${index}`, kind: options.kinds[index % options.kinds.length] ?? 'pull' }))
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
        PARALLEL_REFS: '3',
        OWNER_RUNS: '1000',
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      }),
    )
    github.webhooks.connect(`http://127.0.0.1:${port}/api/github/webhooks`)
  }
  stack.defer(async () => void (await Promise.all(apps.map(async (app) => app.kill()))))
  for (const app of apps) await app.start()

  const world: RunnerWorld = { github, apps, registry, folder, executed: [], asking: 0, turn: 0, isOver: false }
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
  await quiet(world, apps, 6)
  for (const [index, kind] of options.kinds.entries()) plain.set(kind, await tellOutcome(github, names[index]?.name ?? '', world.executed))
  onProgress(`${options.kinds.length} stories were told without a kill`)

  const started = performance.now()
  let [kills, points, redelivered, next] = [0, 0, 0, options.kinds.length]
  const first = next
  const lost: string[] = []
  const isEnough = (): boolean => points >= options.points || performance.now() - started > options.mostMs
  const tellOn = async (): Promise<void> => {
    while (!isEnough() && next < room) {
      const index = next++
      await tell(index).catch((error: unknown) =>
        lost.push(`${names[index]?.name} (${names[index]?.kind}): ${error instanceof Error ? error.message : String(error)}`),
      )
    }
  }
  // Whom of several a job asks is not known here.
  const isAtWork = (app: Replica): boolean => app.inHand > 0 || (apps.length === 1 && world.asking > 0)
  const killOn = async (app: Replica): Promise<void> => {
    while (!isEnough() && !world.isOver) {
      // How much it gets done first is drawn, not how long it lives: on a busy machine nothing would come to its end.
      const enough = app.handled + Math.floor(random() * options.mostHandled)
      for (let looks = 0; looks < 1000 && app.handled < enough; looks += 1) await sleep(10)
      for (let looks = 0; looks < 1000 && !isAtWork(app); looks += 1) await sleep(5)
      await sleep(random() * IN_WORK_MS)
      const isPoint = isAtWork(app)
      await app.kill()
      kills += 1
      if (isPoint) points += 1
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
  await quiet(world, apps, CALM_LOOKS)
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
  for (const { repository, plan, answer } of world.executed) if (answer !== undefined) onProgress(`a job of ${repository} for ${plan} was refused: ${answer}`)
  github.assertFaithful()
  return { kills, points, stories: next - first, lost, different, redelivered, seconds, orphans }
}

const LEFT_TO_THE_SWEEP = 0.1
/** A ref is handled in about this time. */
const IN_WORK_MS = 400

/** Waits until no delivery, run or ref is under way for a while. */
async function quiet({ github, executed }: RunnerWorld, apps: readonly Replica[], looks: number): Promise<void> {
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
