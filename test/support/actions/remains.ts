import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRunId, RUN_LABEL } from '../../../adapters/engine/run-id.ts'
import { TRACKING } from '../mini-runner/process.ts'
import type { ActionMachine } from './action-machine.ts'

/** How long a program that was told to end may take. */
const END_MS = 10_000
const POLL_MS = 100

/**
 * What the steps of a machine have left, each as a line: containers, networks, volumes, cgroups and builders that bear their process ids, work folders,
 * half-written and temporary files, programs, and the files that hold one of the secrets.
 */
export async function remainsOf(machine: ActionMachine, secrets: readonly string[] = []): Promise<readonly string[]> {
  const [host, boot] = makeRunId().split('-')
  const theirs = new RegExp(`${host}-${boot}-(?:${machine.processes.join('|')})-`)
  const labelled = [['container', '--all'], ['network'], ['volume']].flatMap(([what = '', ...options]) =>
    list('docker', what, 'ls', ...options, '--format', `${what} {{.Label "${RUN_LABEL}"}}`),
  )
  const builders = list('docker', 'buildx', 'ls', '--format', 'builder {{.Name}}')
  const cgroups = list('find', '/sys/fs/cgroup', '-path', '*ctss*', '-type', 'd')
  return [
    ...[...labelled, ...builders, ...cgroups].filter((line) => theirs.test(line.replaceAll('_', '-'))),
    ...(await filesLeft(machine)),
    ...(await programsLeft(machine)),
    ...(await filesWith(machine.folder, secrets)),
  ]
}

async function filesLeft({ temporary, folder }: ActionMachine): Promise<readonly string[]> {
  const below = async (parent: string): Promise<readonly string[]> =>
    (await readdir(parent, { recursive: true }).catch(() => [])).map((path) => join(parent, path))
  const halves = (await below(temporary)).filter((path) => path.endsWith('.tmp'))
  return [...(await below(join(temporary, 'ctss/work'))), ...(await below(join(folder, 'tmp'))), ...halves]
}

/** A build that was told to end takes a moment. */
async function programsLeft({ tracking }: ActionMachine): Promise<readonly string[]> {
  for (const end = performance.now() + END_MS; ; await sleep(POLL_MS)) {
    const programs = await programsOf(tracking)
    if (programs.length === 0 || performance.now() > end) return programs
  }
}

async function programsOf(tracking: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [environment, command] = await Promise.all(['environ', 'cmdline'].map(async (file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')))
    if (environment?.split('\0').includes(`${TRACKING}=${tracking}`)) found.push(`program ${command?.replaceAll('\0', ' ')}`)
  }
  return found
}

async function filesWith(folder: string, secrets: readonly string[]): Promise<readonly string[]> {
  if (secrets.length === 0) return []
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const contents = await Promise.all(paths.map(async (path) => [path, await readFile(path).catch(() => Buffer.alloc(0))] as const))
  return contents.flatMap(([path, content]) => secrets.filter((secret) => content.includes(secret)).map((secret) => `${secret} in ${path}`))
}

function list(program: string, ...args: readonly string[]): readonly string[] {
  return execFileSync(program, args, { encoding: 'utf8' }).split('\n').filter(Boolean)
}
