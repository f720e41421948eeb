/**
 * bench:webhook: how long GitHub waits for an answer. Signed deliveries of 16 kB come 100 times a second, to the service on Postgres and on PGlite (each answers when the delivery is on the disk) and
 * to a plain Probot whose handler does nothing; all in one run, each alone, in a process of its own. Then 1,000 at once, and `kill -9` after the last answer: what was answered for must be there.
 * Then many more, for memory. `npm run bench:webhook -- [SECONDS] [DELIVERIES FOR MEMORY]`; ends with 1 when a delivery was lost, or the goals are missed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openServiceStore, type ServiceStoreOptions } from '../../adapters/service-state/open-service-store.ts'
import { startPostgres } from '../support/postgres.ts'
import { machineFacts } from './measure.ts'

const [seconds, memoryDeliveries] = [Number(process.argv[2] ?? '30'), Number(process.argv[3] ?? '20000')]
if (!(seconds > 0) || !(memoryDeliveries >= 0)) throw new Error('usage: npm run bench:webhook -- [SECONDS] [DELIVERIES FOR MEMORY]')

const PER_SECOND = 100
const BYTES = 16_384
const BURST = 1000
const GOAL_P99_MS = 50
/** Growth of the process's memory over the second half of the deliveries that counts as a leak. */
const GOAL_GROWTH_MIB = 64
type DatabasePlace = ServiceStoreOptions['place']

const SECRET = 'the secret of the bench'
const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

interface Server extends AsyncDisposable {
  readonly child: ChildProcess
  readonly port: number
}

const PROBOT = `
import { pino } from 'pino'
import { Probot, Server } from 'probot'
const { PRIVATE_KEY, WEBHOOK_SECRET } = process.env
const server = new Server({ Probot: Probot.defaults({ appId: 12, privateKey: PRIVATE_KEY, secret: WEBHOOK_SECRET }), host: '127.0.0.1', port: Number(process.env.PORT), log: pino({ level: 'silent' }) })
await server.load((app) => app.onAny(() => undefined))
await server.start()
console.log(JSON.stringify({ port: server.port }))
`

/** Starts a server in a process of its own, and waits until it listens. */
async function startServer(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Server> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', PRIVATE_KEY: KEY, WEBHOOK_SECRET: SECRET, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < 10_000) output += chunk.toString()
      const found = /"port":(\d+)/.exec(output)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.on('close', () => reject(new Error(`the server ended: ${output}`)))
  })
  return {
    child,
    port,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
}

async function startApp(stateFolder: string, databaseUrl: string | undefined): Promise<Server> {
  return startServer(['app/main.ts'], {
    PUBLIC_URL: 'https://ctss.example.org',
    OPERATOR_TOKEN: 'o'.repeat(40),
    LINK_SECRET: 'l'.repeat(40),
    STATE_FOLDER: stateFolder,
    PORT: '0',
    APP_ID: '12',
    GITHUB_URL: 'http://127.0.0.1:9',
    CONTROL_REPOSITORY: 'sage/control',
    REGISTRY: 'registry.example.org/sage',
    DISPATCH_WORKFLOW: 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0',
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  })
}

/** A push to one of 200 branches, as large as GitHub's are with a few commits. */
function makeBody(): Buffer {
  const push = {
    ref: `refs/heads/branch-${Math.floor(Math.random() * 20)}`,
    after: randomBytes(20).toString('hex'),
    repository: { id: 1 + Math.floor(Math.random() * 10), name: 'counter', owner: { login: 'zelda' } },
    sender: { login: 'zelda', type: 'User' },
    installation: { id: 7 },
    commits: [] as string[],
  }
  while (JSON.stringify(push).length < BYTES - 120) push.commits.push(randomBytes(48).toString('hex'))
  return Buffer.from(JSON.stringify(push).padEnd(BYTES))
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

async function deliver(port: number, id: string, body: Buffer): Promise<number> {
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-github-event': 'push',
    'x-github-delivery': id,
    'x-hub-signature-256': signature,
  }
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent, method: 'POST', path: '/api/github/webhooks', headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    // The server may close a connection that was kept at the moment in which it is used again (nodejs.org, `request.reusedSocket`).
    asked.on('error', (error) => (asked.reusedSocket && 'code' in error && error.code === 'ECONNRESET' ? resolve(deliver(port, id, body)) : reject(error)))
    asked.end(body)
  })
}

/** At its time, whether those before were answered or not; latency counts from then on. */
async function measure(
  port: number,
  forSeconds: number,
): Promise<{ readonly p50: number; readonly p99: number; readonly worst: number; readonly refused: number }> {
  const bodies = Array.from({ length: 50 }, makeBody)
  const latencies: number[] = []
  let refused = 0
  const started = performance.now()
  const open: Promise<void>[] = []
  for (let index = 0; index < forSeconds * PER_SECOND; index += 1) {
    const due = started + (index * 1000) / PER_SECOND
    await sleep(Math.max(0, due - performance.now()))
    const send = async (): Promise<void> => {
      const from = performance.now()
      const status = await deliver(port, randomUUID(), bodies[index % bodies.length] ?? makeBody())
      latencies.push(performance.now() - from)
      if (status >= 300) refused += 1
    }
    open.push(send())
  }
  await Promise.all(open)
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), worst: at(1), refused }
}

/** All at once; then the process is killed, and its database is asked for each delivery that was answered 2xx. */
async function burst(server: Server, place: DatabasePlace): Promise<{ readonly answered: number; readonly lost: number; readonly ms: number }> {
  const body = makeBody()
  const ids = Array.from({ length: BURST }, () => randomUUID())
  const started = performance.now()
  const statuses = await Promise.all(ids.map(async (id) => deliver(server.port, id, body).catch(() => 0)))
  const ms = performance.now() - started
  await server[Symbol.asyncDispose]()
  const answered = ids.filter((_, index) => (statuses[index] ?? 0) >= 200 && (statuses[index] ?? 0) < 300)
  const store = await openServiceStore({ place })
  const lost = (await store.inbox.missing(answered)).length
  await store.close()
  return { answered: answered.length, lost, ms }
}

function residentMib({ child }: Server): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024
}

/** Eight at a time, as fast as they are answered; memory after each quarter. */
async function exercise(server: Server, deliveries: number): Promise<{ readonly mib: readonly number[]; readonly perSecond: number }> {
  const bodies = Array.from({ length: 50 }, makeBody)
  const mib = [residentMib(server)]
  const started = performance.now()
  for (let quarter = 0; quarter < 4; quarter += 1) {
    let left = Math.floor(deliveries / 4)
    const send = async (): Promise<void> => {
      while (left-- > 0) await deliver(server.port, randomUUID(), bodies[left % bodies.length] ?? makeBody())
    }
    await Promise.all(Array.from({ length: 8 }, send))
    mib.push(residentMib(server))
  }
  return { mib, perSecond: (deliveries * 1000) / (performance.now() - started) }
}

const ms = (value: number): string => value.toFixed(1).padStart(8)
let isGood = true
function need(isSo: boolean, goal: string): void {
  if (isSo) return
  isGood = false
  console.log(`missed: ${goal}`)
}

console.log(machineFacts())
console.log(`${PER_SECOND} deliveries of ${BYTES} bytes a second, for ${seconds} s; milliseconds\n`)
console.log('                        p50      p99    worst')
const folder = mkdtempSync(join(tmpdir(), 'ctss-bench-webhook-'))
try {
  {
    await using probot = await startServer(['--input-type=module', '--eval', PROBOT], { PORT: '33017' })
    await measure(probot.port, 2)
    const { p50, p99, worst } = await measure(probot.port, seconds)
    console.log(`plain Probot       ${ms(p50)} ${ms(p99)} ${ms(worst)}`)
  }
  await using postgres = await startPostgres({ durable: true })
  const places: readonly (readonly [string, DatabasePlace, string])[] = [
    ['ctss on Postgres', { url: await postgres.createDatabase() }, join(folder, 'on-postgres')],
    ['ctss on PGlite', { folder: join(folder, 'on-pglite', 'database') }, join(folder, 'on-pglite')],
  ]
  for (const [name, place, stateFolder] of places) {
    const databaseUrl = 'url' in place ? place.url : undefined
    await using app = await startApp(stateFolder, databaseUrl)
    await measure(app.port, 2)
    const { p50, p99, worst, refused } = await measure(app.port, seconds)
    console.log(`${name.padEnd(18)} ${ms(p50)} ${ms(p99)} ${ms(worst)}`)
    need(refused === 0, `${name}: ${refused} were refused`)
    need(p99 < GOAL_P99_MS, `${name}: p99 below ${GOAL_P99_MS} ms`)
    const { answered, lost, ms: took } = await burst(app, place)
    console.log(`  ${BURST} at once: ${answered} answered 2xx in ${(took / 1000).toFixed(1)} s; after kill -9: ${lost} lost`)
    need(lost === 0 && answered === BURST, `${name}: ${BURST} answered, 0 lost`)
    if (memoryDeliveries === 0) continue
    await using anew = await startApp(stateFolder, databaseUrl)
    const { mib, perSecond } = await exercise(anew, memoryDeliveries)
    console.log(`  ${memoryDeliveries} more, ${perSecond.toFixed(0)}/s: MiB resident ${mib.map((value) => value.toFixed(0)).join(' → ')}`)
    need((mib[4] ?? 0) - (mib[2] ?? 0) < GOAL_GROWTH_MIB, `${name}: memory grows by less than ${GOAL_GROWTH_MIB} MiB`)
  }
} finally {
  agent.destroy()
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = isGood ? 0 : 1
