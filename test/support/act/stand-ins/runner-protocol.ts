/** What GitHub's runner and a JavaScript action say to each other, as far as the stand-ins need it: these are bundled without a package. */
import { appendFileSync } from 'node:fs'

/** The value of an input, trimmed; empty when it is not given. */
export function readInput(name: string): string {
  return (process.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim()
}

export function readFlag(name: string): boolean {
  return readInput(name).toLowerCase() === 'true'
}

/** A variable of the environment that the runner, or the test that runs it, always sets. */
export function readVariable(name: string): string {
  const value = process.env[name] ?? ''
  if (value === '') throw new Error(`${name} is not set`)
  return value
}

export function setOutput(name: string, value: string): void {
  appendFileSync(readVariable('GITHUB_OUTPUT'), `${name}=${value}\n`)
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Runs an action; what it throws is its error, and the step fails. */
export function runAction(action: () => void): void {
  try {
    action()
  } catch (error) {
    say(`::error::${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
