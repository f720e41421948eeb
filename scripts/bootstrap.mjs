#!/usr/bin/env node
// From a bare checkout to a running ctss: `node scripts/bootstrap.mjs demo|test|start|build|ctss [arguments]`, on any Node >= 20 and without a package installed.
// Installs the packages of package-lock.json if they are not there, bundles the sources if they changed, and goes on under the Node 24 among the packages.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BIN = join(ROOT, 'node_modules/.bin')
const SOURCES = [
  'package.json',
  'package-lock.json',
  'scripts/build.ts',
  'schemas',
  'pipeline',
  'adapters',
  'cli',
  'app',
  'app.yml',
  'actions',
  'runner-images',
]
const STAMP = join(ROOT, 'dist/.sources')
const UNREACHABLE = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/
const NEXT_STEPS = `
What to try next:
  npm run --silent ctss -- run examples/smoke-detector     again: nothing has changed, so nothing runs
  npm run --silent ctss -- init my-plugin                  a plugin of your own, which passes every stage as it is
  npm run --silent ctss -- doctor                          what is there on this machine
  npm run --silent ctss -- down                            stops what was started
`
const COMMANDS = {
  demo: (args) => [join(ROOT, 'dist/ctss.mjs'), 'run', join(ROOT, 'examples/smoke-detector'), ...args],
  ctss: (args) => [join(ROOT, 'dist/ctss.mjs'), ...args],
  test: (args) => [join(ROOT, 'scripts/test.ts'), ...args],
  start: (args) => [join(ROOT, 'dist/app.mjs'), ...args],
  build: () => undefined,
}

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : stop(`usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join('|')} [arguments]`)
if (process.versions.node.split('.')[0] < 20)
  stop(
    `Node ${process.versions.node} is too old: ctss needs Node 20 or newer to begin with (Debian 13 has it as nodejs and npm; else https://nodejs.org/en/download)`,
  )
if (!packagesMatch()) installPackages()
const node = findNode()
const sources = digestSources()
if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== sources) {
  timed('Bundling ctss into dist/', node, [join(ROOT, 'scripts/build.ts')])
  writeFileSync(STAMP, sources)
}
const commandLine = command(args)
if (commandLine !== undefined) goOn(node, commandLine)

/**
 * `npm ci`; where it refuses the lockfile, as it does when the registry lacks a package of some other platform, `npm install` of the same versions,
 * which leaves the lockfile as it is. Where the registry cannot be reached, there is no point in that.
 */
function installPackages() {
  const options = ['--prefer-offline', '--loglevel=error', '--no-audit', '--no-fund', '--fetch-retry-mintimeout=2000', '--fetch-retry-maxtimeout=10000']
  process.stderr.write('Installing the packages of package-lock.json (npm ci), Node 24 among them …\n')
  const start = performance.now()
  const { status, stderr } = spawnSync('npm', ['ci', ...options], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  if (status === 0) process.stderr.write(`Installing the packages: done in ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
  else if (UNREACHABLE.test(stderr))
    stop(`${stderr}The registry of npm packages cannot be reached. The first time needs the network: run the same command again when it is there.`)
  else timed('npm ci refuses: installing the same versions with npm install', 'npm', ['install', '--no-save', ...options])
}

/** Whether node_modules holds what the lockfile says. Packages of another platform may be missing. */
function packagesMatch() {
  const installed = readLock('node_modules/.package-lock.json')
  const wanted = readLock('package-lock.json')
  if (installed === undefined || !existsSync(BIN)) return false
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (installed[path] === undefined ? optional === true : installed[path].version === version),
  )
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** The Node 24 that the lockfile brings; the one that runs this, where it is new enough. */
function findNode() {
  if (existsSync(join(BIN, 'node'))) return join(BIN, 'node')
  if (process.versions.node.split('.')[0] >= 24) return process.execPath
  return stop(`there is no package with Node 24 for ${process.platform} ${process.arch}: install Node 24 and try again`)
}

/** Changes whenever a source was added, removed or written. */
function digestSources() {
  const hash = createHash('sha256')
  const visit = (path) => {
    const facts = statSync(join(ROOT, path), { throwIfNoEntry: false })
    if (facts?.isDirectory()) for (const entry of readdirSync(join(ROOT, path)).sort()) visit(join(path, entry))
    else hash.update(`${path} ${facts?.size} ${facts?.mtimeMs}\n`)
  }
  SOURCES.forEach(visit)
  return hash.digest('hex')
}

function timed(title, program, programArgs) {
  process.stderr.write(`${title} …\n`)
  const start = performance.now()
  const { status, error } = spawnSync(program, programArgs, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (status !== 0) stop(`${title}: failed${error ? ` (${error.message})` : ''}. Read the lines above, mend it, and run the same command again.`)
  process.stderr.write(`${title}: done in ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
}

/** Runs the command in the place of this process where Node can do that, so that signals reach it as if it had been typed. */
function goOn(program, programArgs) {
  const env = { ...process.env, PATH: [BIN, process.env.PATH].join(delimiter) }
  if (name !== 'demo' && typeof process.execve === 'function') process.execve(program, [program, ...programArgs], env)
  const child = spawn(program, programArgs, { stdio: 'inherit', env })
  // A terminal sends Ctrl-C to both; the child decides when it has cleaned up.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', ({ message }) => stop(message))
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 2 : (code ?? 3)
    if (name === 'demo' && code === 0 && !args.includes('--json') && !args.includes('--quiet')) process.stderr.write(NEXT_STEPS)
  })
}

function stop(message) {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
