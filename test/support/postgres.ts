import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { findDebianFamily, installPackages, isPackageKnown, updatePackageLists } from '../../adapters/workstation/debian-packages.ts'
import { thisMachine } from '../../adapters/workstation/machine.ts'

const run = promisify(execFile)

/** Keeps Debian's package from making, and starting, a cluster of its own. */
const NO_CLUSTER = '/etc/postgresql-common/createcluster.d/ctss-tests.conf'
const START_MS = 60_000

/** A cluster of its own in a folder of its own; gone when the test file ends. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  /** Makes an empty database, and answers its URL. */
  createDatabase(): Promise<string>
  /** Ends the server as a power cut would, without a last word to its clients. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. */
  start(): Promise<void>
}

export interface PostgresOptions {
  /** Whether a commit waits for the disk: only where that is what the test is about. */
  readonly durable?: boolean
  readonly maxConnections?: number
}

/**
 * Starts Debian's Postgres, which is installed where it is not there (as root; a minute, once). Postgres refuses to run as root: it runs as the package's
 * user then. Where it cannot be had, this fails with a sentence; nothing is skipped.
 */
export async function startPostgres({ durable = false, maxConnections = 60 }: PostgresOptions = {}): Promise<PostgresServer> {
  const bin = await providePostgres()
  const user = process.getuid?.() === 0 ? await postgresUser() : {}
  const folder = await mkdtemp(join(tmpdir(), 'ctss-postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'ctss', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'], { ...user, cwd: folder })
  const port = await freePort()
  const settings = {
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    shared_buffers: '32MB',
    max_connections: String(maxConnections),
    unix_socket_directories: '',
    listen_addresses: '127.0.0.1',
    port: String(port),
  }
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const urlOf = (name: string): string => `postgres://ctss@127.0.0.1:${port}/${name}`

  let server: ChildProcess | undefined
  let log = ''
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server?.once('exit', resolve))
    server.kill(signal)
    await ended
  }
  const start = async (): Promise<void> => {
    const child = spawn(join(bin, 'postgres'), args, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    server = child
    child.stderr.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-4000)))
    process.once('exit', () => child.kill('SIGQUIT'))
    const end = performance.now() + START_MS
    while (!(await answers(urlOf('postgres')))) {
      if (child.exitCode !== null || performance.now() > end) throw new Error(`Postgres does not start:\n${log}`)
      await sleep(50)
    }
  }
  await start()
  let databases = 0
  return {
    port,
    async createDatabase() {
      databases += 1
      const name = `test_${databases}`
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      await client.connect()
      await client.query(`create database ${name}`)
      await client.end()
      return urlOf(name)
    },
    // SIGQUIT: all of its processes end at once, and the next start recovers from the log.
    kill: () => stop('SIGQUIT'),
    start,
    async [Symbol.asyncDispose]() {
      await stop('SIGQUIT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let provided: Promise<string> | undefined

/** Folder of the server's programs. */
function providePostgres(): Promise<string> {
  provided ??= findPostgres().then((found) => found ?? installPostgres())
  return provided
}

async function findPostgres(): Promise<string | undefined> {
  const versions = (await readdir('/usr/lib/postgresql').catch(() => [])).toSorted((a, b) => Number(b) - Number(a))
  const folders = [...versions.map((version) => `/usr/lib/postgresql/${version}/bin`), ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.find((folder) => ['postgres', 'initdb'].every((name) => existsSync(join(folder, name))))
}

async function installPostgres(): Promise<string> {
  const sentence = 'the tests need a Postgres server (Debian: apt-get install postgresql)'
  if (process.getuid?.() !== 0 || (await findDebianFamily()) === undefined) throw new Error(`${sentence}, which only root of a Debian can install.`)
  const progress = { step: (text: string) => void process.stderr.write(`${text}\n`), output: () => undefined }
  const machine = thisMachine(progress, new AbortController().signal)
  if (!(await isPackageKnown(machine, 'postgresql'))) await updatePackageLists(machine)
  await mkdir('/etc/postgresql-common/createcluster.d', { recursive: true })
  await writeFile(NO_CLUSTER, 'create_main_cluster = false\n')
  try {
    await installPackages(machine, [{ name: 'postgresql', why: 'the service keeps its state and its inbox there' }])
  } finally {
    await rm(NO_CLUSTER, { force: true })
  }
  const found = await findPostgres()
  if (found === undefined) throw new Error(`${sentence}: it was installed, and is not where it should be.`)
  return found
}

async function postgresUser(): Promise<{ uid?: number; gid?: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (option) => Number((await run('id', [option, 'postgres'])).stdout)))
  return { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
