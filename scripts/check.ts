/** `npm run check`: every static check, side by side, each one's output whole. */
import { spawn } from 'node:child_process'

const checks = ['check:types', 'check:lint', 'check:format', 'check:unused', 'check:schemas', 'check:docs', 'check:workflows']

async function run(check: string): Promise<boolean> {
  const started = performance.now()
  const child = spawn('npm', ['run', '--silent', check], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const passed = await new Promise<boolean>((resolve) => {
    child.on('error', () => resolve(false))
    child.on('close', (status) => resolve(status === 0))
  })
  process.stdout.write(`${passed ? '✔' : '✖'} ${check} (${((performance.now() - started) / 1000).toFixed(1)} s)\n${passed ? '' : output}`)
  return passed
}

const results = await Promise.all(checks.map(async (check) => run(check)))
process.exitCode = results.every(Boolean) ? 0 : 1
