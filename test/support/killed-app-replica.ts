import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

/** One process at a time, on one port. */
export class Replica {
  /** Refs that the process works on now. */
  inHand = 0
  /** Refs that all of them have handled. */
  handled = 0
  /** Of all of them. */
  log = ''
  #child: ChildProcess | undefined
  readonly #main: string
  readonly #env: Readonly<Record<string, string>>
  readonly port: number

  constructor(main: string, port: number, env: Readonly<Record<string, string>>) {
    this.#main = main
    this.port = port
    this.#env = env
  }

  /** Waits until it is ready. Fails where it ends on its own. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#main], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.inHand = 0
    const ready = Promise.withResolvers<void>()
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line.includes('"level"')) this.log += `${line}\n`
        else {
          const done = line.split('-').length - 1
          this.inHand += line.split('+').length - 1 - done
          this.handled += done
          if (line.includes('ready ')) ready.resolve()
        }
      }
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    child.once('exit', () => ready.reject(new Error(`the service ended on its own:\n${this.log.slice(-4000)}`)))
    await ready.promise
  }

  /** As the kernel does that runs out of memory. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

/** The service as one file, as it is released: it starts in half a second, so that most of a process's life can be its end. */
export async function bundleService(folder: string): Promise<string> {
  const outdir = join(folder, 'service', 'dist')
  await build({
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'error',
    logOverride: { 'ignored-bare-import': 'silent' },
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    alias: { ssh2: './scripts/ssh2-stub.ts' },
    entryPoints: {
      app: 'test/support/killed-app-process.ts',
      'chart-worker': 'app/chart-worker.ts',
      'judge-process': 'adapters/judge-process/judge-process.ts',
    },
    outdir,
    external: ['@electric-sql/pglite', '@resvg/resvg-wasm', 'dejavu-fonts-ttf', 'pg-native', '@grpc/*', 'protobufjs', '*.node'],
  })
  for (const name of ['app.yml', 'node_modules', 'package.json']) symlinkSync(resolve(name), join(folder, 'service', name))
  return join(outdir, 'app.mjs')
}

/** Processes that were started from a folder. */
export function countProcesses(folder: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false
    }
  }).length
}
