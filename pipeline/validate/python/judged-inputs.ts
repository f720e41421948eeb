import { listOf, textOf, valueOf } from '../lenient.ts'
import type { RepositoryFacts } from '../rule.ts'
import { closestWord } from '../words.ts'
import { commandLineOf } from './argument-parser.ts'
import type { CommandLine, Flag } from './argument-parser.ts'
import { understand } from './job-form.ts'
import type { Understanding } from './job-form.ts'
import { programOf } from './program.ts'
import type { Program } from './program.ts'

/** An input of the manifest with what the program makes of it. */
export interface JudgedInput {
  readonly position: number
  readonly id: string
  readonly type: string
  readonly found: Understanding
  /** Of an id that the program does not know: the flag that was probably meant. */
  readonly meant: string | undefined
}

/** A program's command line with the inputs of its manifest. */
export interface Judged {
  readonly program: Program
  readonly commandLine: CommandLine
  /** Its long flags, without dashes. */
  readonly names: readonly string[]
  readonly inputs: readonly JudgedInput[]
}

const judgements = new WeakMap<RepositoryFacts, { readonly judged: Judged | undefined }>()

/** The inputs against the command line; undefined where that is not understood as a whole, or a job's arguments do not reach it. */
export function judgeInputs(facts: RepositoryFacts): Judged | undefined {
  const known = judgements.get(facts) ?? { judged: compare(facts) }
  judgements.set(facts, known)
  return known.judged
}

const MAX_INPUTS = 500
/** So many flags are compared with a word that is none of them. */
const MAX_CANDIDATES = 100

function compare(facts: RepositoryFacts): Judged | undefined {
  const program = programOf(facts)
  const commandLine = program?.takesArguments === true ? commandLineOf(program) : undefined
  if (program === undefined || commandLine === undefined) return undefined
  const names = [
    ...new Set(commandLine.flags.flatMap(({ options }) => options.filter((option) => option.length > 2).map((option) => option.replace(/^-+/, '')))),
  ]
  const inputs = listOf(facts.manifest.value, 'inputs')
    .slice(0, MAX_INPUTS)
    .flatMap((input, position): readonly JudgedInput[] => {
      const id = valueOf(input, 'id')
      // What cannot be a flag has its own rule.
      if (typeof id !== 'string' || !/^[^\s=]+$/.test(id) || /^-+$/.test(id)) return []
      const found = understand(id, commandLine)
      return [{ position, id, type: textOf(input, 'type'), found, meant: found.kind === 'unknown' ? nameMeant(id, names) : undefined }]
    })
  return { program, commandLine, names, inputs }
}

/** The flag of that name with `_` for `-`, or one that differs in few letters. */
function nameMeant(id: string, names: readonly string[]): string | undefined {
  const plain = id.replace(/^-+/, '')
  if (plain.length > 64) return undefined
  const candidates = names.slice(0, MAX_CANDIDATES)
  return candidates.find((name) => name.replaceAll('_', '-') === plain.replaceAll('_', '-')) ?? closestWord(plain, candidates)
}

/** The flag that an input reaches, once it is written as the program knows it. */
export function flagOf({ found }: JudgedInput): Flag | undefined {
  return found.kind === 'understood' || found.kind === 'two-dashes' ? found.flag : undefined
}

/** Flags that no input reaches, nor was probably meant to. Where an input may be any of several flags, none counts as unnamed. */
export function unnamedFlags({ commandLine, inputs }: Judged): readonly Flag[] {
  if (inputs.some(({ found }) => found.kind === 'uncertain')) return []
  const named = new Set(inputs.flatMap(({ found }) => ('flag' in found ? [found.flag] : [])))
  const words = new Set([
    '--help',
    '-help',
    '--version',
    '-version',
    ...inputs.flatMap(({ meant }) => (meant === undefined ? [] : [`-${meant}`, `--${meant}`])),
  ])
  return commandLine.flags.filter((flag) => !named.has(flag) && flag.takes !== 'unknown' && !flag.options.some((option) => words.has(option)))
}
