/**
 * bench:push: how long a developer waits. A push with a mistake in its manifest is told of by a real webhook over HTTP; measured is the time until the check
 * `ctss / validate` stands at the commit with its annotation, and until the check `ctss` has its verdict. The service is a process of its own, as an operator
 * starts it, on PGlite and on Postgres; GitHub is the stand-in, in this process. In the same run, by turns: how long validating the same files takes alone, here
 * and in the process that judges. Pushes come one after the other, from many installations in turn, because the service spreads its writes in each.
 * `npm run bench:push -- [ROUNDS]`; ends with 1 when the goal is missed.
 */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { openIsolatedJudge } from '../../adapters/judge-process/isolated-judge.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import type { Github } from '../support/github/api.ts'
import { startGithub } from '../support/github/github.ts'
import { HEALTHY_PLUGIN } from '../support/healthy-plugin.ts'
import { memoryTree } from '../support/memory-tree.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRegistryProcess } from '../support/registry-process.ts'
import { machineFacts, median } from './measure.ts'

const rounds = Number(process.argv[2] ?? '6')
if (!Number.isInteger(rounds) || rounds < 2) throw new Error('usage: npm run bench:push -- [ROUNDS, 2 or more]')

const GOAL_P99_MS = 500
const INSTALLATIONS = 20
/** A push with a mistake makes seven checks; an installation may make ten things at once, then one a second. */
const ROUND_MS = 10_000
const LOOK_MS = 2
const GIVE_UP_MS = 60_000
const CONTROL = 'sage/control'
const CONTROL_FILE = `on: { workflow_dispatch: { inputs: { repository: {}, plan: {} } } }
run-name: \${{ inputs.plan }}
jobs: { x: { runs-on: ubuntu-24.04, steps: [{ run: echo }] } }
`

interface Sample {
  readonly annotated: number
  readonly verdict: number
  /** Until the service had answered the delivery. */
  readonly answered: number
  /** Each request of the service, and when it came, in milliseconds after the delivery was sent. */
  readonly requests: readonly (readonly [string, number])[]
}

/** Passes deliveries on, and tells when a push began to be sent, and when it was answered. */
async function startRelay(target: string): Promise<{ readonly url: string; sentMs: number; answeredMs: number; close(): void }> {
  const server = createServer((incoming, outgoing) => {
    const isPush = incoming.headers['x-github-event'] === 'push'
    if (isPush) relay.sentMs = performance.now()
    const passed = request(target, { method: incoming.method, headers: incoming.headers }, (answer) => {
      if (isPush) relay.answeredMs = performance.now()
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.writeHead(502).end())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const relay = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sentMs: 0, answeredMs: 0, close: () => void server.close() }
  return relay
}

function makeFiles(index: number): Readonly<Record<string, string>> {
  return {
    ...HEALTHY_PLUGIN,
    'sage.yaml': HEALTHY_PLUGIN['sage.yaml'].replace('linux/arm64', 'linux/mips').replace('Counts the clouds', `Counts the clouds ${index}`),
  }
}

async function until(isSo: () => boolean): Promise<number> {
  const end = performance.now() + GIVE_UP_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error('the check did not come')
    await sleep(LOOK_MS)
  }
  return performance.now()
}

let pushes = 0

async function pushOnce(github: Github, relay: { sentMs: number; answeredMs: number }, repository: string): Promise<Sample> {
  const logged = github.log.length
  const [origin, originMs] = [performance.now(), Date.now()]
  relay.sentMs = 0
  const { commit } = await github.person('octocat').push(repository, 'main', makeFiles((pushes += 1)))
  const look = (name: string) =>
    github
      .repo(repository)
      .checks(commit)
      .find((check) => check.name === name)
  const annotated = await until(() => (look('ctss / validate')?.annotations.length ?? 0) > 0)
  const verdict = await until(() => look('ctss')?.status === 'completed')
  const { sentMs, answeredMs } = relay
  const requests = github.log
    .slice(logged)
    .map(({ line, atMs }) => [line.replace(/\b[0-9a-f]{40}\b/, 'ID').replace(repository, 'R'), atMs - originMs - (sentMs - origin)] as const)
  await github.settle('webhooks')
  return { annotated: annotated - sentMs, verdict: verdict - sentMs, answered: answeredMs - sentMs, requests }
}

const ms = (value: number | undefined): string => (value === undefined ? 'none' : value.toFixed(0)).padStart(7)
function line(name: string, values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number | undefined => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return `${name.padEnd(46)} ${ms(at(0.5))} ${ms(at(0.99))} ${ms(at(1))}`
}

/** The same files, here and in the process that judges. */
async function validateAlone(judge: ReturnType<typeof openIsolatedJudge>, index: number): Promise<readonly [number, number]> {
  const tree = memoryTree(makeFiles(index))
  const started = performance.now()
  await readPipeline(tree)
  const between = performance.now()
  await judge.judge(tree, {}, new AbortController().signal)
  return [between - started, performance.now() - between]
}

/** Median time of each request in samples that made the same ones, in their order: where the time goes. */
function sayRequests(samples: readonly Sample[]): void {
  const shape = ({ requests }: Sample): string =>
    requests
      .map(([name]) => name)
      .toSorted()
      .join()
  const [first] = samples.map(shape).toSorted((a, b) => samples.filter((one) => shape(one) === b).length - samples.filter((one) => shape(one) === a).length)
  const same = samples.filter((sample) => shape(sample) === first)
  console.log(`  requests of ${same.length} of ${samples.length} pushes, milliseconds after the delivery was sent, median:`)
  const names = same[0]?.requests.map(([name]) => name) ?? []
  const seen = new Map<string, number>()
  for (const name of names) {
    const nth = seen.get(name) ?? 0
    seen.set(name, nth + 1)
    const times = same.flatMap(({ requests }) => requests.filter(([other]) => other === name)[nth]?.[1] ?? [])
    console.log(`   ${ms(median(times))}  ${name}`)
  }
}

async function measure(name: string, databaseUrl: string | undefined): Promise<number> {
  const accounts = Array.from({ length: INSTALLATIONS }, (_, index) => `org-${index + 1}`)
  await using registry = await startRegistryProcess()
  await using github = await startGithub({
    app: { webhookSecret: 'a-webhook-secret-for-the-bench' },
    repositories: [
      { name: CONTROL, isPrivate: true, files: { '.github/workflows/dispatch.yml': CONTROL_FILE } },
      ...accounts.map((account) => `${account}/plugin`),
    ],
    installations: [],
  })
  const relays: Awaited<ReturnType<typeof startRelay>>[] = []
  let target = ''
  await using _app = await startAppProcess({
    github: { ...github, webhooks: { ...github.webhooks, connect: (url) => ((target = url), () => undefined) } },
    control: CONTROL,
    workflow: 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0',
    registry: `${registry.host}/sage`,
    environment: { LOG_LEVEL: 'info', BASE_REGISTRIES: registry.host, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) },
  })
  const relay = await startRelay(target)
  relays.push(relay)
  github.webhooks.connect(relay.url)
  for (const account of accounts) await github.install({ account })
  await github.settle('webhooks')
  await using judge = openIsolatedJudge()
  await validateAlone(judge, 0)
  const firsts: Sample[] = []
  const samples: Sample[] = []
  const alone: (readonly [number, number])[] = []
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now()
    for (const account of accounts) {
      const sample = await pushOnce(github, relay, `${account}/plugin`)
      if (round === 0) firsts.push(sample)
      else samples.push(sample)
      alone.push(await validateAlone(judge, pushes))
    }
    await sleep(Math.max(0, ROUND_MS - (performance.now() - started)))
  }
  for (const open of relays) open.close()
  const annotated = samples.map((sample) => sample.annotated)
  console.log(`${name}, ${samples.length} pushes${' '.repeat(Math.max(1, 34 - name.length - String(samples.length).length))}     p50     p99   worst`)
  console.log(
    line(
      '  delivery → answered',
      samples.map((sample) => sample.answered),
    ),
  )
  console.log(line('  delivery → check with annotations', annotated))
  console.log(
    line(
      '  delivery → verdict in the check ctss',
      samples.map((sample) => sample.verdict),
    ),
  )
  console.log(
    line(
      '  the first push of each installation',
      firsts.map((sample) => sample.annotated),
    ),
  )
  console.log(
    line(
      '  validating alone, in this process',
      alone.map(([here]) => here),
    ),
  )
  console.log(
    line(
      '  validating alone, in the process that judges',
      alone.map(([, there]) => there),
    ),
  )
  sayRequests(samples)
  console.log()
  return annotated.toSorted((a, b) => a - b)[Math.min(annotated.length - 1, Math.floor(annotated.length * 0.99))] ?? Number.NaN
}

console.log(machineFacts())
console.log(
  `load ${loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')}; milliseconds\n`,
)
const embedded = await measure('PGlite', undefined)
await using postgres = await startPostgres({ durable: true })
const onPostgres = await measure('Postgres', await postgres.createDatabase())
const isGood = embedded < GOAL_P99_MS && onPostgres < GOAL_P99_MS
console.log(`${isGood ? 'met' : 'missed'}: the check with annotations within ${GOAL_P99_MS} ms, p99`)
process.exitCode = isGood ? 0 : 1
