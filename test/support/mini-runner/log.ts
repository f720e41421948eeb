import { readCommand } from '../actions/runner-command.ts'
import type { Annotation } from './github.ts'

/** What a job prints: commands carried out, secrets masked. */
export interface JobLog {
  /** Hears one line of a step. */
  hear(line: string): void
  /** A line of the runner itself. */
  tell(line: string): void
  annotate(level: Annotation['level'], message: string, properties?: Readonly<Record<string, string>>): void
  mask(secret: string): void
  /** Whether a text holds something secret. */
  holdsSecret(text: string): boolean
  readonly annotations: readonly Annotation[]
}

const RETIRED = new Set(['set-output', 'save-state', 'set-env', 'add-path'])

/** A log whose lines go to `write`. */
export function makeJobLog(secrets: readonly string[], write: (line: string) => void): JobLog {
  const masks = new Set<string>()
  const annotations: Annotation[] = []
  /** What ends `stop-commands`. */
  let token: string | undefined
  const hide = (text: string): string => [...masks].toSorted((a, b) => b.length - a.length).reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
  const tell = (line: string): void => write(hide(line))
  const annotate: JobLog['annotate'] = (level, message, properties = {}) => {
    annotations.push({ level, message: hide(message), properties })
    tell(`##[${level}]${message}`)
  }
  // The runner masks every line of a secret of several lines.
  const mask = (secret: string): void =>
    secret
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .forEach((line) => masks.add(line))
  secrets.forEach(mask)

  function hear(line: string): void {
    const command = readCommand(line, token)
    if (command === undefined) return tell(line)
    const { name, properties, value } = command
    if (token !== undefined) {
      if (name === token.toLowerCase()) token = undefined
      return tell(line)
    }
    if (name === 'error' || name === 'warning' || name === 'notice') annotate(name, value, properties)
    else if (name === 'add-mask') mask(value)
    else if (name === 'stop-commands') {
      token = value
      tell(line)
    } else if (name === 'group') tell(`##[group]${value}`)
    else if (name === 'endgroup') tell('##[endgroup]')
    else if (RETIRED.has(name)) annotate('error', `The '${name}' command is disabled`)
  }

  return { hear, tell, annotate, mask, annotations, holdsSecret: (text) => [...masks].some((secret) => text.includes(secret)) }
}
