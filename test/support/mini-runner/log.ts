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

const COMMAND = /^::(?<name>[a-z-]+)(?: (?<properties>.*?))?::(?<value>.*)$/
const RETIRED = new Set(['set-output', 'save-state', 'set-env', 'add-path'])

/** A log whose lines go to `write`. */
export function makeJobLog(secrets: readonly string[], write: (line: string) => void): JobLog {
  const masks = new Set<string>()
  const annotations: Annotation[] = []
  let stopped: string | undefined
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
    const command = COMMAND.exec(line)?.groups
    if (stopped !== undefined) {
      if (line === `::${stopped}::`) stopped = undefined
      return tell(line)
    }
    const { name = '', value = '' } = command ?? {}
    if (name === 'error' || name === 'warning' || name === 'notice') annotate(name, unescape(value), readProperties(command?.['properties'] ?? ''))
    else if (name === 'add-mask') mask(unescape(value))
    else if (name === 'stop-commands') stopped = value
    else if (name === 'group') tell(`##[group]${unescape(value)}`)
    else if (name === 'endgroup') tell('##[endgroup]')
    else if (RETIRED.has(name)) annotate('error', `The '${name}' command is disabled`)
    else if (name !== 'debug') tell(line)
  }

  return { hear, tell, annotate, mask, annotations, holdsSecret: (text) => [...masks].some((secret) => text.includes(secret)) }
}

function readProperties(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), unescape(pair.slice(pair.indexOf('=') + 1), /%(?:0D|0A|25|3A|2C)/g)]))
}

const ESCAPED: Readonly<Record<string, string>> = { '%0D': '\r', '%0A': '\n', '%25': '%', '%3A': ':', '%2C': ',' }

function unescape(text: string, codes = /%(?:0D|0A|25)/g): string {
  return text.replaceAll(codes, (code) => ESCAPED[code] ?? code)
}
