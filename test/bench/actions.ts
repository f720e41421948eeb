/**
 * bench:actions: size and cold start of every built action, beside `node -e 0`. The start is that of a step that is refused as soon as it has read its
 * inputs and its event: Node, all that is loaded at once, and nothing of the work. `validate` is also measured to the end of its work on a small plugin.
 * Everything is interleaved, so that a busy machine slows all of it down alike. Ends with 1 over a limit. `npm run bench:actions -- [REPETITIONS]`
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ACTIONS } from '../../actions/definitions.ts'
import { git } from '../support/layout.ts'
import { machineFacts, median } from './measure.ts'

const MIB = 2 ** 20
const LIMITS = { bytes: 2 * MIB, overNodeMs: 200 }
/** iterative/cml 0.20.6: what `npm install` brings, and `cml --version`. Measured once, on two cores; quoted here, not measured. */
const CML = { megabytes: 44, seconds: 0.36 }

const NODE = 'node -e 0'
const WHOLE = 'validate, the whole of its work on a small plugin'

const repetitions = Number(process.argv[2] ?? '11')
if (!Number.isInteger(repetitions) || repetitions < 1) throw new Error('usage: npm run bench:actions -- [REPETITIONS], a whole number from 1')

const folder = mkdtempSync(join(tmpdir(), 'ctss-bench-'))
const [workspace, temporary] = [join(folder, 'work'), join(folder, 'temp')]
try {
  for (const path of [workspace, temporary]) mkdirSync(path)
  writeFileSync(join(workspace, 'sage.yaml'), 'name: small\nversion: "0.1.0"\ndescription: Small\nlicense: MIT\nsource: {architectures: [linux/amd64]}\n')
  writeFileSync(join(workspace, 'Dockerfile'), 'FROM debian:bookworm-slim\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n')
  writeFileSync(join(workspace, 'main.sh'), 'echo hello\n')
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'small'],
  ])
    git(workspace, ...args)
  for (const file of ['output', 'summary']) writeFileSync(join(folder, file), '')
  process.exitCode = report(measure())
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function main(action: string): string {
  return resolve('actions', action, 'dist/main.mjs')
}

function sizes(action: string): { readonly code: number; readonly licences: number } {
  const dist = resolve('actions', action, 'dist')
  const files = readdirSync(dist).map((name) => ({ name, bytes: statSync(join(dist, name)).size }))
  const sum = (isWanted: (name: string) => boolean): number => files.filter(({ name }) => isWanted(name)).reduce((total, { bytes }) => total + bytes, 0)
  return { code: sum((name) => name !== 'licences.txt'), licences: sum((name) => name === 'licences.txt') }
}

/** As the runner makes it; nothing of this process is handed on but where programs are. */
function environment(event: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    GITHUB_EVENT_NAME: event,
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_REPOSITORY: 'sage/small',
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temporary,
  }
}

/** Milliseconds of every command, by its name. */
function measure(): ReadonlyMap<string, readonly number[]> {
  const commands: readonly (readonly [string, readonly string[], string, number])[] = [
    [NODE, ['-e', '0'], 'push', 0],
    ...ACTIONS.map(({ name }) => [name, [main(name)], 'pull_request_target', name === 'deliver' ? 1 : 2] as const),
    [WHOLE, [main('validate')], 'push', 0],
  ]
  const samples = new Map<string, number[]>(commands.map(([name]) => [name, []]))
  for (let repetition = -1; repetition < repetitions; repetition += 1) {
    for (const [name, args, event, status] of commands) {
      const started = performance.now()
      const ended = spawnSync(process.execPath, args, { env: environment(event), encoding: 'utf8' })
      const ms = performance.now() - started
      if (ended.status !== status) throw new Error(`${name} ended with ${ended.status}: ${ended.stdout}${ended.stderr}`)
      // The first round only warms the caches of files up.
      if (repetition >= 0) samples.get(name)?.push(ms)
    }
  }
  return samples
}

function report(samples: ReadonlyMap<string, readonly number[]>): number {
  const fastest = (name: string): number => Math.min(...(samples.get(name) ?? []))
  const usual = (name: string): string => `${median(samples.get(name) ?? []).toFixed(0)} ms`
  const overNode = (name: string): number => fastest(name) - fastest(NODE)
  console.log(machineFacts())
  console.log(`${NODE}: median ${usual(NODE)}, fastest ${fastest(NODE).toFixed(0)} ms of ${repetitions}\n`)
  printRow(['action', 'code', 'licences', 'median', 'fastest', 'over Node', 'of CML'])
  const over = ACTIONS.filter(({ name }) => {
    const { code, licences } = sizes(name)
    const ofCml = `${((100 * code) / (CML.megabytes * 1e6)).toFixed(0)} %, ${((100 * fastest(name)) / (CML.seconds * 1000)).toFixed(0)} %`
    const isOver = code > LIMITS.bytes || overNode(name) > LIMITS.overNodeMs
    const start = [usual(name), `${fastest(name).toFixed(0)} ms`, `+${overNode(name).toFixed(0)} ms`]
    printRow([name, `${(code / MIB).toFixed(2)} MiB`, `${(licences / 1024).toFixed(0)} KiB`, ...start, ofCml, isOver ? '  over the limit' : ''])
    return isOver
  })
  console.log(`\n${WHOLE}: median ${usual(WHOLE)}, fastest ${fastest(WHOLE).toFixed(0)} ms, +${overNode(WHOLE).toFixed(0)} ms over Node`)
  console.log(`CML: ${CML.megabytes} MB installed, \`cml --version\` ${CML.seconds} s (quoted, not measured here)`)
  console.log(
    `limits: ${LIMITS.bytes / MIB} MiB of code, and +${LIMITS.overNodeMs} ms over Node, fastest against fastest, which other work on the machine disturbs least`,
  )
  return over.length > 0 ? 1 : 0
}

function printRow([name = '', ...cells]: readonly string[]): void {
  console.log(`${name.padEnd(10)}${cells.map((cell) => cell.padStart(12)).join('')}`.trimEnd())
}
