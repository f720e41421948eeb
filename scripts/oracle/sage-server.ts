/**
 * Sage's own ECR back end (github.com/waggle-sensor/sage-ecr at 55a1a7e, unmodified) with MariaDB from Debian, as a judge of manifests.
 * Everything lives in one cache folder and talks through a socket in it; nothing listens on a port.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

const REPOSITORY = 'https://github.com/waggle-sensor/sage-ecr'
const COMMIT = '55a1a7e7a9921d2d8393b82db46902cc671f2f1b'
/** SHA-256 of the files that decide, so that a folder of another revision is not taken for this one. */
const DECIDING_FILES = new Map([
  ['ecr_api.py', 'd41f6e2d20356611c633b5abb28fd637eb14a8474ef3ea8fa71b61486d7f6270'],
  ['ecrdb.py', '2a3e2b146786e9a3aa6e611b2c55b9b841f52e45df5ed757811788c37e7adccc'],
  ['config.py', '64a0ea54282dcb19fa9c132960781831129549ec13192e100bcd84a2a4cea608'],
])

/** Debian's packages: the database, and what mysqlclient is compiled with. */
const PACKAGES = ['mariadb-server', 'libmariadb-dev', 'gcc', 'pkg-config']

/** What is asked of Sage's server. */
export interface Question {
  readonly id: number
  readonly body: string
  readonly user: string
  readonly describe?: string
  readonly clone?: 'ok' | 'fail' | 'timeout'
  readonly force?: boolean
  readonly group?: string
}

/** What it answers. `status` is HTTP's. */
export interface Answer {
  readonly accepted: boolean
  readonly status: number
  readonly error: string
  readonly html?: true
  readonly stored?: { readonly id: string; readonly namespace: string; readonly name: string; readonly version: string }
}

export interface SageServer {
  /** Answers come in the order of the questions; many may wait at once. */
  ask(question: Question): Promise<Answer>
  stop(): Promise<void>
}

/** `source`: a checkout of sage-ecr at the commit above; undefined: it is cloned into the cache folder, which needs GitHub. */
export async function startSageServer(source: string | undefined): Promise<SageServer> {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ctss', 'sage-ecr')
  await mkdir(folder, { recursive: true })
  installPackages()
  const checkout = await findSource(source, folder)
  const python = installRequirements(checkout, folder)
  const database = await startDatabase(folder)
  try {
    const judge = await startJudge(python, checkout, database.socket)
    return {
      ask: judge.ask,
      async stop() {
        await judge.stop()
        await database.stop()
      },
    }
  } catch (thrown) {
    await database.stop()
    throw thrown
  }
}

function installPackages(): void {
  const found = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  if (found('mariadbd') && found('mariadb_config') && found('gcc')) return
  if (userInfo().uid !== 0) throw new Error(`Install these packages first: ${PACKAGES.join(' ')}`)
  run('apt-get', ['update', '-qq'])
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], { DEBIAN_FRONTEND: 'noninteractive' })
}

async function findSource(given: string | undefined, folder: string): Promise<string> {
  const checkout = given === undefined ? join(folder, 'source') : resolve(given)
  if (given === undefined && !existsSync(checkout)) {
    run('git', ['clone', '--quiet', REPOSITORY, checkout])
    run('git', ['-C', checkout, 'checkout', '--quiet', COMMIT])
  }
  for (const [file, expected] of DECIDING_FILES) {
    const found = createHash('sha256')
      .update(await readFile(join(checkout, file)))
      .digest('hex')
    if (found !== expected) throw new Error(`${join(checkout, file)} is not the file of sage-ecr at ${COMMIT.slice(0, 7)}`)
  }
  return checkout
}

/** Python 3.11, as in Sage's image: the words of its errors differ between versions. */
function installRequirements(checkout: string, folder: string): string {
  const environment = join(folder, 'python')
  const python = join(environment, 'bin', 'python')
  if (spawnSync(python, ['-c', 'import MySQLdb, flask, yaml']).status === 0) return python
  run('python3.11', ['-m', 'venv', '--clear', environment])
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', join(checkout, 'requirements.txt')])
  return python
}

/**
 * MySQL 8's SQL mode, and the nearest to its default collation: without regard to case and accents, without padding. Where the two servers
 * differ in words, `words.ts` compares codes.
 */
const DATABASE_OPTIONS = [
  '--skip-networking',
  '--character-set-server=utf8mb4',
  '--collation-server=utf8mb4_uca1400_nopad_ai_ci',
  '--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  '--skip-log-bin',
  '--performance-schema=OFF',
  '--innodb-buffer-pool-size=64M',
  '--innodb-flush-log-at-trx-commit=0',
]

async function startDatabase(folder: string): Promise<{ readonly socket: string; stop(): Promise<void> }> {
  const data = join(folder, 'database')
  // A socket's path has at most 107 bytes, which a cache folder may exceed.
  const runFolder = await mkdtemp(join(tmpdir(), 'sage-ecr-'))
  const socket = join(runFolder, 'socket')
  const user = `--user=${userInfo().username}`
  if (!existsSync(join(data, 'mysql')))
    run('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, user, '--auth-root-authentication-method=normal', '--skip-test-db'])
  const program = ['mariadbd', '--no-defaults', user, `--datadir=${data}`, `--socket=${socket}`, `--pid-file=${join(runFolder, 'pid')}`]
  const server = spawn('nice', [...program, ...DATABASE_OPTIONS], { stdio: 'ignore' })
  const interrupt = (): void => {
    server.kill()
    process.exit(130)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const stop = async (): Promise<void> => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await end(server)
    await rm(runFolder, { recursive: true, force: true })
  }
  const statements = [
    'CREATE DATABASE IF NOT EXISTS SageECR',
    "CREATE USER IF NOT EXISTS sage@localhost IDENTIFIED BY 'test'",
    'GRANT ALL ON SageECR.* TO sage@localhost',
  ]
  for (let attempt = 0; attempt < 300; attempt++) {
    const { status } = spawnSync('mariadb', ['--no-defaults', `--socket=${socket}`, '--user=root', '-e', statements.join(';')])
    if (status === 0) return { socket, stop }
    if (server.exitCode !== null) break
    await setTimeout(100)
  }
  await stop()
  throw new Error(`MariaDB did not start; look into ${data}, or delete it`)
}

async function startJudge(python: string, checkout: string, socket: string): Promise<SageServer> {
  const settings = {
    SAGE_ECR_SOURCE: checkout,
    MYSQL_HOST: 'localhost',
    MYSQL_DATABASE: 'SageECR',
    MYSQL_USER: 'sage',
    MYSQL_PASSWORD: 'test',
    MYSQL_UNIX_PORT: socket,
    AUTH_METHOD: 'static',
  }
  const script = join(import.meta.dirname, 'judge.py')
  const child = spawn('nice', [python, script], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...settings } })
  const waiting: { resolve(answer: Answer): void; reject(thrown: Error): void }[] = []
  const ready = new Promise<Answer>((resolveReady, reject) => waiting.push({ resolve: resolveReady, reject }))
  createInterface({ input: child.stdout }).on('line', (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as Answer)
  })
  child.on('close', (status) => {
    for (const { reject } of waiting) reject(new Error(`Sage's server ended with status ${status}`))
  })
  await ready
  return {
    ask: async (question) =>
      new Promise<Answer>((resolveAnswer, reject) => {
        waiting.push({ resolve: resolveAnswer, reject })
        writeLine(child.stdin, question)
      }),
    async stop() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'close')
    },
  }
}

function writeLine(stream: Writable, value: unknown): void {
  stream.write(`${JSON.stringify(value)}\n`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'exit')
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { status, stderr, error } = spawnSync('nice', [program, ...args], { encoding: 'utf8', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`)
}
