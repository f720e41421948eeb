/** `npm test` after set-up of the packages: brings the workstation up, runs the static checks, then every suite with coverage. */
import { spawnSync } from 'node:child_process'

const steps: readonly { readonly title: string; readonly command: readonly string[] }[] = [
  { title: 'Setting the workstation up', command: ['node', 'dist/ctss.mjs', 'up'] },
  { title: 'Static checks', command: ['npm', 'run', '--silent', 'check'] },
  { title: 'Tests', command: ['vitest', 'run', '--coverage', ...process.argv.slice(2)] },
]

for (const { title, command } of steps) {
  const started = performance.now()
  process.stdout.write(`\n== ${title}: ${command.join(' ')}\n`)
  const [program = '', ...args] = command
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(`\n${title} failed${error === undefined ? '' : `: ${error.message}`}\n`)
    process.exitCode = status ?? 3
    if (command[0] !== 'vitest') process.stdout.write('\n0 passed, 1 failed, 0 skipped\n')
    break
  }
  if (command[0] !== 'vitest') process.stdout.write(`== ${title}: done in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
}
