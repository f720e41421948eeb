import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { makeRunId, RUN_LABEL } from '../../../adapters/engine/run-id.ts'
import { TRACKING } from '../mini-runner/process.ts'
import type { ActionMachine } from './action-machine.ts'

const run = promisify(execFile)
/** In a machine's folder, where its `BUILDX_CONFIG` names it. */
export const BUILDX_FOLDER = 'buildx'
/** How long a program that was told to end may take. */
const END_MS = 10_000
const POLL_MS = 100

/**
 * What the steps of a machine have left, each as a line: containers, networks, volumes, cgroups and builders that bear their process ids, images from
 * registries of single jobs, work folders, half-written and temporary files, programs, and the files that hold one of the secrets.
 */
export async function remainsOf(machine: ActionMachine, secrets: readonly string[] = []): Promise<readonly string[]> {
  const programs = await programsLeft(machine)
  const [host, boot] = makeRunId().split('-')
  const theirs = new RegExp(`${host}-${boot}-(?:${machine.processes.join('|')})-`)
  const listed = await Promise.all([
    list('docker', 'container', 'ls', '--all', '--format', `container {{.Names}} {{.Label "${RUN_LABEL}"}}`),
    list('docker', 'network', 'ls', '--format', `network {{.Name}} {{.Label "${RUN_LABEL}"}}`),
    list('docker', 'volume', 'ls', '--format', `volume {{.Name}} {{.Label "${RUN_LABEL}"}}`),
    list('docker', 'buildx', 'ls', '--format', 'builder {{.Name}}'),
    ownBuilders(machine),
    list('find', '/sys/fs/cgroup', '-path', '*ctss*', '-type', 'd'),
  ])
  return [
    ...programs,
    ...listed.flat().filter((line) => theirs.test(line.replaceAll('_', '-'))),
    ...(await imagesOfJobs(machine)),
    ...(await filesLeft(machine)),
    ...(await filesWith(machine.folder, secrets)),
  ]
}

/** Builders of a machine that has settings of its own for buildx. */
async function ownBuilders({ folder }: ActionMachine): Promise<readonly string[]> {
  const names = await readdir(join(folder, BUILDX_FOLDER, 'instances')).catch(() => [])
  return names.map((name) => `builder ${name}`)
}

/** Images that the engine has pulled from registries of single jobs. */
async function imagesOfJobs({ logs }: ActionMachine): Promise<readonly string[]> {
  const hosts = new Set(logs.flatMap((log) => [...log.matchAll(/ pulling (127\.0\.0\.1:\d+)\/staging\//g)].map(([, host = '']) => host)))
  const images = await list('docker', 'image', 'ls', '--format', 'image {{.Repository}}')
  return images.filter((line) => [...hosts].some((host) => line.startsWith(`image ${host}/`)))
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

async function list(program: string, ...args: readonly string[]): Promise<readonly string[]> {
  // A cgroup that goes while it is looked at makes `find` complain.
  const { stdout } = await run(program, args).catch((error: { readonly stdout: string }) => error)
  return stdout.split('\n').filter(Boolean)
}
