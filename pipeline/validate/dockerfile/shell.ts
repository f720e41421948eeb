/** Enough of a POSIX shell's grammar to tell which programs a line calls with which words (POSIX.1-2024, Shell Command Language, 2.2, 2.3 and 2.10). */

/** A word of a command. */
export interface ShellWord {
  /** Without quotes; variables and `$(…)` as written. */
  readonly text: string
  /** Where it stands in the shell's text. */
  readonly start: number
  readonly end: number
}

/** `>file`, `2>>log`, `<input`. */
export interface Redirection {
  readonly operator: string
  readonly target: string
  readonly start: number
  readonly end: number
}

/** One simple command. */
export interface ShellCommand {
  /** Without path: `curl` of `/usr/bin/curl`. Without `sudo`, `exec` and the like, and variables set for it. */
  readonly program: string
  /** What follows the program. */
  readonly words: readonly ShellWord[]
  readonly redirections: readonly Redirection[]
  /** What stands behind it: `|`, `&&`, `||`, `;`, a line's end. */
  readonly next: string
}

/** Words that a shell reads as part of its own grammar where a command begins. */
const RESERVED = new Set(['if', 'then', 'else', 'elif', 'fi', 'do', 'done', 'while', 'until', '!', '{', '}', 'esac'])

/** Programs that call the one that follows. */
const WRAPPERS = new Set(['sudo', 'exec', 'time', 'nohup', 'env', 'command', 'tini', 'dumb-init', 'nice', 'eatmydata'])

const MAX_DEPTH = 3

/** The commands of a text, in order; those in `$(…)` and backticks come after the one that they stand in. */
export function readShell(text: string, offset = 0, depth = 0): readonly ShellCommand[] {
  const commands: ShellCommand[] = []
  const nested: { readonly text: string; readonly start: number }[] = []
  const reader = new Reader(text, offset, nested)
  for (let at = 0; at < text.length;) {
    const { command, end } = reader.command(at)
    if (command !== undefined) commands.push(command)
    at = end
  }
  if (depth >= MAX_DEPTH) return commands
  for (const inner of nested) for (const command of readShell(inner.text, inner.start, depth + 1)) commands.push(command)
  return commands
}

class Reader {
  readonly #text: string
  readonly #offset: number
  readonly #nested: { readonly text: string; readonly start: number }[]

  constructor(text: string, offset: number, nested: { readonly text: string; readonly start: number }[]) {
    this.#text = text
    this.#offset = offset
    this.#nested = nested
  }

  command(from: number): { readonly command: ShellCommand | undefined; readonly end: number } {
    const words: ShellWord[] = []
    const redirections: Redirection[] = []
    let at = from
    let next = ''
    while (at < this.#text.length) {
      const blank = this.#match(/[ \t\r]+/y, at)
      at += blank.length
      if (this.#text[at] === '#') {
        const newline = this.#text.indexOf('\n', at)
        at = newline < 0 ? this.#text.length : newline
        continue
      }
      next = this.#match(/&&|\|\|?&?|;;?|[\n()]|&(?!>)/y, at)
      if (next !== '') break
      const operator = this.#match(/(?:\d+)?(?:>>|>&|>\||>|<>|<<<|<<-?|<&|<)|&>>?/y, at)
      if (operator === '') {
        const word = this.#word(at)
        words.push(word)
        at = word.end - this.#offset
      } else {
        const gap = this.#match(/[ \t]*/y, at + operator.length)
        const target = this.#word(at + operator.length + gap.length)
        const end = target.end - this.#offset
        redirections.push({
          operator: operator.replace(/^\d+/, ''),
          target: target.text,
          start: at + this.#offset,
          end: target.end,
        })
        at = Math.max(end, at + operator.length)
      }
    }
    return { command: makeCommand(words, redirections, next), end: at + next.length }
  }

  /** Never empty but at the text's end or before an operator. */
  #word(from: number): ShellWord {
    let at = from
    let text = ''
    while (at < this.#text.length) {
      const plain = this.#match(/[^ \t\r\n"'\\$`;&|<>()]+/y, at)
      if (plain !== '') {
        text += plain
        at += plain.length
        continue
      }
      const character = this.#text[at] ?? ''
      if (/[ \t\r\n;&|<>()]/.test(character)) break
      const part = this.#special(character, at)
      text += part.text
      at = part.end
    }
    return { text, start: from + this.#offset, end: at + this.#offset }
  }

  #special(character: string, at: number): { readonly text: string; readonly end: number } {
    if (character === '\\') return { text: (this.#text[at + 1] ?? '').replace('\n', ''), end: at + 2 }
    if (character === "'") {
      const end = this.#text.indexOf("'", at + 1)
      return end < 0 ? { text: this.#text.slice(at + 1), end: this.#text.length } : { text: this.#text.slice(at + 1, end), end: end + 1 }
    }
    if (character === '"') return this.#doubleQuoted(at)
    if (character === '`') return this.#substitution(at, at + 1, this.#closingBacktick(at + 1))
    if (this.#text.startsWith('$(', at)) return this.#substitution(at, at + 2, this.#closingParenthesis(at + 2))
    if (this.#text.startsWith('${', at)) {
      const end = this.#text.indexOf('}', at)
      return end < 0 || end - at > 4096 ? { text: '$', end: at + 1 } : { text: this.#text.slice(at, end + 1), end: end + 1 }
    }
    return { text: character, end: at + 1 }
  }

  #doubleQuoted(from: number): { readonly text: string; readonly end: number } {
    let at = from + 1
    let text = ''
    while (at < this.#text.length) {
      const plain = this.#match(/[^"\\$`]+/y, at)
      text += plain
      at += plain.length
      const character = this.#text[at] ?? ''
      if (character === '"') return { text, end: at + 1 }
      if (character === '') break
      const part = character === '\\' && !/["\\$`\n]/.test(this.#text[at + 1] ?? '') ? { text: '\\', end: at + 1 } : this.#special(character, at)
      text += part.text
      at = part.end
    }
    return { text, end: this.#text.length }
  }

  #substitution(from: number, start: number, end: number): { readonly text: string; readonly end: number } {
    this.#nested.push({ text: this.#text.slice(start, end), start: start + this.#offset })
    return { text: this.#text.slice(from, end + 1), end: end + 1 }
  }

  #closingBacktick(from: number): number {
    const end = this.#text.indexOf('`', from)
    return end < 0 ? this.#text.length : end
  }

  /** Quotes within are not looked into but for skipping them. */
  #closingParenthesis(from: number): number {
    let open = 1
    let at = from
    while (at < this.#text.length) {
      at += this.#match(/(?:[^()'"\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/y, at).length
      if (this.#text[at] === '(') open++
      else if (this.#text[at] === ')' && --open === 0) return at
      at++
    }
    return this.#text.length
  }

  #match(pattern: RegExp, at: number): string {
    pattern.lastIndex = at
    return pattern.exec(this.#text)?.[0] ?? ''
  }
}

function makeCommand(all: readonly ShellWord[], redirections: readonly Redirection[], next: string): ShellCommand | undefined {
  let first = 0
  let wrapper = false
  for (; first < all.length; first++) {
    const text = all[first]?.text ?? ''
    if (WRAPPERS.has(baseName(text))) wrapper = true
    else if (!RESERVED.has(text) && !/^[A-Za-z_]\w*\+?=/.test(text) && !(wrapper && text.startsWith('-'))) break
  }
  const program = all[first]
  if (program === undefined && redirections.length === 0) return undefined
  return { program: baseName(program?.text ?? ''), words: all.slice(first + 1), redirections, next }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
