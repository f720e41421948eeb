/** bench:noop: a run in which nothing has changed, against starting Node: stages run, and the ratio of the medians of interleaved repetitions. */
import { spawnSync } from 'node:child_process'
import { machineFacts, median } from './measure.ts'

const REPETITIONS = 11
const plugin = process.argv[2] ?? 'examples/smoke-detector'

function time(args: readonly string[]): { ms: number; stdout: string } {
  const started = performance.now()
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
  return { ms: performance.now() - started, stdout }
}

const commands = {
  'node -e 0': ['-e', '0'],
  'ctss --version': ['dist/ctss.mjs', '--version'],
  'ctss validate': ['dist/ctss.mjs', 'validate', plugin, '--quiet'],
  'ctss run, nothing changed': ['dist/ctss.mjs', 'run', plugin, '--json', '--quiet'],
} as const

console.log(machineFacts())
time(commands['ctss run, nothing changed'])
const samples = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]))
let ran = 0
for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
  for (const [name, args] of Object.entries(commands)) {
    const { ms, stdout } = time(args)
    samples.get(name)?.push(ms)
    if (name.startsWith('ctss run')) ran += (JSON.parse(stdout) as { stages: { ran: boolean }[] }).stages.filter((stage) => stage.ran).length
  }
}
const node = median(samples.get('node -e 0') ?? [])
for (const [name, values] of samples) {
  const ms = median(values)
  console.log(`${name.padEnd(28)} median ${ms.toFixed(0).padStart(6)} ms   ${(ms / node).toFixed(2)} × node -e 0   +${(ms - node).toFixed(0)} ms`)
}
console.log(`stages run in ${REPETITIONS} repetitions: ${ran} (goal 0); goals: --version ≤ 1.5 ×, validate ≤ +150 ms, run ≤ +3000 ms`)
