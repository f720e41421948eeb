import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { RunOutput, TestOutput } from '../../schemas/generated/types.ts'
import { validateRunOutput, validateTestOutput } from '../../schemas/generated/validators.js'

export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder with a state of its own and the commands of a person in it; nothing of the machine's own state is used or changed. */
export class Workplace implements AsyncDisposable {
  readonly folder: string
  readonly namespace = `e2e${randomBytes(4).toString('hex')}`
  /** Process ids of every command that was run. */
  readonly processes: number[] = []

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), 'ctss-e2e-')))
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, XDG_STATE_HOME: join(this.folder, 'state'), CI: 'true' }
  }

  /** A copy of the example plugin, committed, in a namespace of its own: the registry outlives the test, and remembers what was released. */
  async copyExample(name = 'smoke-detector'): Promise<string> {
    const target = join(this.folder, name)
    await cp(resolve('examples/smoke-detector'), target, { recursive: true })
    await this.edit(join(target, 'sage.yaml'), (text) => text.replace(/^namespace: .*$/m, `namespace: ${this.namespace}`))
    await this.git(target, 'init', '--quiet')
    await this.commit(target)
    return target
  }

  async git(folder: string, ...args: string[]): Promise<void> {
    await run('git', ['-c', 'user.name=Zelda', '-c', 'user.email=zelda@example.org', ...args], { cwd: folder })
  }

  async commit(folder: string): Promise<void> {
    await this.git(folder, 'add', '--all')
    await this.git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'Change')
  }

  async ctss(...args: string[]): Promise<Finished> {
    return finish(process.execPath, [resolve('bin/ctss.mjs'), ...args], { cwd: this.folder, env: this.environment }, this.processes)
  }

  /** `ctss run --json`, read through its schema. */
  async run(folder: string, ...args: string[]): Promise<RunOutput & { status: number }> {
    const { stdout, stderr, status } = await this.ctss('run', folder, '--json', ...args)
    const output: unknown = parse(stdout, stderr)
    if (!validateRunOutput(output)) throw new Error(`not a RunOutput: ${JSON.stringify(validateRunOutput.errors)}`)
    return { ...output, status }
  }

  /** `ctss test --json`, read through its schema. */
  async test(folder: string, ...args: string[]): Promise<TestOutput & { status: number }> {
    const [options, plugin] = args.includes('--') ? [args.slice(0, args.indexOf('--')), args.slice(args.indexOf('--'))] : [args, []]
    const { stdout, stderr, status } = await this.ctss('test', folder, '--json', ...options, ...plugin)
    const output: unknown = parse(stdout, stderr)
    if (!validateTestOutput(output)) throw new Error(`not a TestOutput: ${JSON.stringify(validateTestOutput.errors)}`)
    return { ...output, status }
  }

  async edit(file: string, change: (text: string) => string): Promise<void> {
    const before = await readFile(file, 'utf8')
    const after = change(before)
    if (after === before) throw new Error(`nothing changed in ${file}`)
    await writeFile(file, after)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

const run = promisify(execFile)

async function finish(program: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }, processes: number[]): Promise<Finished> {
  return new Promise((resolvePromise) => {
    const child = execFile(program, args, { ...options, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolvePromise({ status, stdout, stderr })
    })
    if (child.pid !== undefined) processes.push(child.pid)
  })
}

function parse(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout)
  } catch {
    throw new Error(`no JSON on stdout: ${stdout.slice(0, 2000)}\n${stderr.slice(-4000)}`)
  }
}
