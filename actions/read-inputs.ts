import { closestWord } from '../pipeline/validate/words.ts'
import { STAGES } from '../pipeline/stage.ts'
import type { InputDefinition, InputValues } from './definition.ts'

/** The inputs of an action are wrong: every complaint at once. */
export class InputError extends Error {
  readonly complaints: readonly string[]

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'))
    this.name = 'InputError'
    this.complaints = complaints
  }
}

/** Longest text of an input that is taken. */
const MAX_CHARACTERS = 65_536
const MAX_SHOWN = 80
/** YAML 1.2 core schema, as `core.getBooleanInput` of @actions/core reads it. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['false', 'False', 'FALSE'].map((text) => [text, false] as const),
])
const PLATFORM = /^linux\/[a-z0-9]+(\/v\d)?$/

/** Reads the texts of the inputs as their definitions say. Throws an `InputError` with all that is wrong. */
export function readInputs<Inputs extends Readonly<Record<string, InputDefinition>>>(inputs: Inputs, texts: ReadonlyMap<string, string>): InputValues<Inputs> {
  const complaints: string[] = []
  const values = Object.entries(inputs).map(([name, definition]) => {
    const text = textOf(definition, texts.get(name)?.trim())
    const value = readValue(definition, text)
    if (value instanceof Complaint) complaints.push(`input \`${name}\`: ${value.text}`)
    return [name, value]
  })
  for (const name of texts.keys()) {
    if (!Object.hasOwn(inputs, name)) complaints.push(unknownInput(name, Object.keys(inputs)))
  }
  if (complaints.length > 0) throw new InputError(complaints)
  return Object.fromEntries(values) as InputValues<Inputs>
}

/** A workflow that was given nothing passes an empty text on. It takes away the default of a text, such as a token; a choice, a flag or a number has to be one. */
function textOf({ kind, default: usual = '' }: InputDefinition, given: string | undefined): string {
  if (given !== undefined && (given !== '' || kind === 'text' || kind === 'lines')) return given
  // Expressions are for the runner to fill in.
  return usual.startsWith('${{') ? '' : usual
}

class Complaint {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

function unknownInput(name: string, known: readonly string[]): string {
  const near = closestWord(name, known)
  return `there is no input \`${shown(name)}\`${near === undefined ? `; the inputs are ${known.join(', ')}` : `: did you mean \`${near}\`?`}`
}

function readValue({ kind, choices = [] }: InputDefinition, text: string): unknown {
  if (text.length > MAX_CHARACTERS) return new Complaint(`it is longer than ${MAX_CHARACTERS} characters`)
  if (text.includes('\0')) return new Complaint('it holds a NUL character')
  switch (kind) {
    case 'text':
      return text === '' ? undefined : text
    case 'lines':
      return text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
    case 'flag':
      return text === '' ? false : (FLAGS.get(text) ?? new Complaint(`\`${shown(text)}\` is neither true nor false`))
    case 'count':
      return text === '' ? undefined : /^\d{1,6}$/.test(text) ? Number(text) : new Complaint(`\`${shown(text)}\` is not a whole number`)
    case 'stages':
      return readList(text, STAGES, 'stage')
    case 'platforms':
      return readPlatforms(text)
    case 'choice':
      return choices.includes(text) ? text : notOneOf(text, choices)
  }
}

function readList(text: string, known: readonly string[], what: string): readonly string[] | undefined | Complaint {
  const names = splitList(text)
  const wrong = names.find((name) => !known.includes(name))
  if (wrong !== undefined) return notOneOf(wrong, known, what)
  return names.length === 0 ? undefined : names
}

function readPlatforms(text: string): readonly string[] | undefined | Complaint {
  const platforms = [...new Set(splitList(text))]
  const wrong = platforms.find((platform) => !PLATFORM.test(platform))
  if (wrong !== undefined) return new Complaint(`\`${shown(wrong)}\` is not a platform; one looks like linux/arm64 or linux/arm/v7`)
  return platforms.length === 0 ? undefined : platforms
}

function notOneOf(text: string, known: readonly string[], what = 'choice'): Complaint {
  const near = closestWord(text, known)
  return new Complaint(`\`${shown(text)}\` is not a ${what}${near === undefined ? `; it may be ${known.join(', ')}` : `: did you mean \`${near}\`?`}`)
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
