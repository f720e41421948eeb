import type { Span } from '../sage/python-value.ts'
import type { Instruction } from './instructions.ts'
import type { MappedText } from './mapped-text.ts'
import { readShell } from './shell.ts'
import type { ShellCommand, ShellWord } from './shell.ts'

/** A command that an instruction runs. */
export interface Command extends ShellCommand {
  readonly instruction: Instruction
  /** Where a word or redirection of it stands in the file. */
  spanOf(word: Pick<ShellWord, 'start' | 'end'>): Span
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh'])

/** The commands of RUN, CMD, ENTRYPOINT or HEALTHCHECK: in shell form, in exec form (with a shell's `-c` looked into), and in heredocs that a shell runs. */
export function commandsOf(instruction: Instruction): readonly Command[] {
  const { json, body, words, heredocs } = instruction
  if (Array.isArray(json)) {
    const [program, ...others] = words
    if (program === undefined) return []
    const script = scriptOf(words.map(({ text }) => text))
    if (script !== undefined) {
      const word = words[script]
      return readShell(word?.text ?? '').map((command) => ({ ...command, instruction, spanOf: () => word?.span ?? instruction.span }))
    }
    const offsets = others.map(({ text, span }, index) => ({ text, start: index, end: index + 1, span }))
    return [
      {
        program: program.text.slice(program.text.lastIndexOf('/') + 1),
        words: offsets,
        redirections: [],
        next: '',
        instruction,
        spanOf: ({ start }) => offsets[start]?.span ?? program.span,
      },
    ]
  }
  const own = locateCommands(instruction, body)
  const isScript =
    heredocs.length > 0 &&
    own.every(({ program, words: arguments_ }) => (program === '' || SHELLS.has(program)) && !arguments_.some(({ text }) => text === '-c'))
  return isScript ? heredocs.flatMap(({ content }) => locateCommands(instruction, content)) : own
}

function locateCommands(instruction: Instruction, text: MappedText): readonly Command[] {
  return readShell(text.text).map((command) => ({ ...command, instruction, spanOf: ({ start, end }) => text.span(start, end) }))
}

/** Which word of `sh -c "…"` is the script. */
export function scriptOf(words: readonly string[]): number | undefined {
  const program = words[0]?.slice((words[0]?.lastIndexOf('/') ?? -1) + 1)
  if (program === undefined || !SHELLS.has(program)) return undefined
  const flag = words.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word))
  return flag > 0 && flag + 1 < words.length ? flag + 1 : undefined
}
