import { enableCompileCache } from 'node:module'
import packageJson from '../package.json' with { type: 'json' }

const { version } = packageJson

enableCompileCache()
const [first, ...rest] = process.argv.slice(2)
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  process.stdout.write(`${version}\n`)
} else {
  const { exitOnUncaught, runProgram } = await import('./program.ts')
  exitOnUncaught()
  process.exitCode = await runProgram(process.argv, version)
}
