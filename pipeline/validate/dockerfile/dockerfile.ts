import type { Span } from '../sage/python-value.ts'
import type { TextFile } from '../text-file.ts'
import { hasForeignFrontend } from './frontend.ts'
import { readInstructions } from './instructions.ts'
import type { Instruction } from './instructions.ts'
import type { Word } from './mapped-text.ts'
import { readAssignments } from './assignments.ts'

/** Larger ones are not looked into, so that every answer comes at once: the parser's time grows faster than the text. Real ones have a few KiB. */
export const MAX_DOCKERFILE_CHARACTERS = 65_536

/** So many stages are nobody's own writing. */
const MAX_STAGES = 100

/** FROM and what follows it, up to the next FROM. */
export interface Stage {
  /** Counted from 0, as `COPY --from=0` does. */
  readonly index: number
  readonly from: Instruction
  /** The base, as written; undefined: FROM names none. */
  readonly base: Word | undefined
  /** `--platform=`, as written. */
  readonly platform: { readonly value: string; readonly span: Span } | undefined
  /** The name after AS, in lower case. */
  readonly alias: string | undefined
  /** Without FROM. */
  readonly instructions: readonly Instruction[]
}

/** ARG before the first FROM. */
export interface GlobalArgument {
  readonly name: string
  /** Its default, as written, without quotes; undefined: it has none. */
  readonly value: string | undefined
}

/** A parsed Dockerfile. */
export interface Dockerfile {
  readonly text: TextFile
  /** All, in order; empty where the file is too large to be looked into. */
  readonly instructions: readonly Instruction[]
  readonly globalArguments: readonly GlobalArgument[]
  readonly stages: readonly Stage[]
  /** `# syntax=` names a frontend that is not Docker's: what instructions mean there is not known. */
  readonly isForeign: boolean
  readonly isTooLarge: boolean
}

/** Parses a Dockerfile; never throws. */
export function parseDockerfile(text: TextFile): Dockerfile {
  const all = text.text.length > MAX_DOCKERFILE_CHARACTERS ? undefined : readInstructions(text.text)
  const isTooLarge = all === undefined || all.filter(({ keyword }) => keyword === 'FROM').length > MAX_STAGES
  const instructions = isTooLarge ? [] : all
  const firstFrom = instructions.findIndex(({ keyword }) => keyword === 'FROM')
  return {
    text,
    instructions,
    globalArguments: instructions
      .slice(0, firstFrom < 0 ? undefined : firstFrom)
      .filter(({ keyword }) => keyword === 'ARG')
      .flatMap((instruction) => readAssignments(instruction).map(({ name, value }) => ({ name, value }))),
    stages: readStages(instructions),
    isForeign: hasForeignFrontend(text.text),
    isTooLarge,
  }
}

function readStages(instructions: readonly Instruction[]): readonly Stage[] {
  const stages: (Stage & { readonly instructions: Instruction[] })[] = []
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') stages.push(readStage(instruction, stages.length))
    else stages.at(-1)?.instructions.push(instruction)
  }
  return stages
}

function readStage(from: Instruction, index: number): Stage & { readonly instructions: Instruction[] } {
  const [base, as, alias] = from.words
  const platform = from.flags.find(({ name }) => name === 'platform')
  return {
    index,
    from,
    base: base && { ...base, text: base.text.replaceAll(/["']/g, '') },
    platform: platform && { value: platform.value, span: platform.span },
    alias: as?.text.toUpperCase() === 'AS' ? alias?.text.toLowerCase() : undefined,
    instructions: [],
  }
}
