/** A text with values in place of its variables. */
export interface Expanded {
  readonly text: string
  /** Variables that have no value, and stand for nothing. */
  readonly missing: readonly string[]
}

const MAX_DEPTH = 8
const MAX_LENGTH = 4096

/**
 * Puts values in place of variables as the builder does (BuildKit's shell/lex.go): `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME-word}`,
 * `${NAME:+word}`, `${NAME+word}`. Undefined: it uses another operator, or the text grows beyond measure.
 */
export function expand(text: string, values: ReadonlyMap<string, string>, depth = 0): Expanded | undefined {
  if (!text.includes('$')) return { text: unescape(text), missing: [] }
  const missing: string[] = []
  const parts: string[] = []
  let length = 0
  let at = 0
  while (at < text.length) {
    const part = nextPart(text, at, values, depth)
    if (part === undefined) return undefined
    parts.push(part.text)
    for (const name of part.missing) missing.push(name)
    length += part.text.length
    if (length > MAX_LENGTH) return undefined
    at = part.end
  }
  return { text: parts.join(''), missing: [...new Set(missing)] }
}

type Part = Expanded & { readonly end: number }

function nextPart(text: string, at: number, values: ReadonlyMap<string, string>, depth: number): Part | undefined {
  if (text[at] === '\\' && at + 1 < text.length) return { text: text[at + 1] ?? '', missing: [], end: at + 2 }
  if (text[at] !== '$') {
    const next = text.slice(at + 1).search(/[$\\]/)
    const end = next < 0 ? text.length : at + 1 + next
    return { text: text.slice(at, end), missing: [], end }
  }
  if (text[at + 1] === '{') return bracedPart(text, at, values, depth)
  const name = /^[A-Za-z_]\w*/.exec(text.slice(at + 1, at + 257))?.[0]
  if (name === undefined) return { text: '$', missing: [], end: at + 1 }
  const value = values.get(name)
  return { text: value ?? '', missing: value === undefined ? [name] : [], end: at + 1 + name.length }
}

function bracedPart(text: string, at: number, values: ReadonlyMap<string, string>, depth: number): Part | undefined {
  if (depth >= MAX_DEPTH) return undefined
  const end = closingBrace(text, at + 2)
  const match = end === undefined ? null : /^([A-Za-z_]\w*)(?:(:?[-+])([\s\S]*))?$/.exec(text.slice(at + 2, end))
  if (end === undefined || match === null) return undefined
  const [, name = '', operator, word = ''] = match
  const value = values.get(name)
  if (operator === undefined) return { text: value ?? '', missing: value === undefined ? [name] : [], end: end + 1 }
  const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'))
  if (operator.endsWith('-') && isSet) return { text: value, missing: [], end: end + 1 }
  if (operator.endsWith('+') && !isSet) return { text: '', missing: [], end: end + 1 }
  const expanded = expand(word, values, depth + 1)
  return expanded && { ...expanded, end: end + 1 }
}

/** Where a brace is closed, with those that are opened in between. */
function closingBrace(text: string, from: number): number | undefined {
  let open = 1
  for (let at = from; at < Math.min(text.length, from + 4096); at++) {
    if (text[at] === '{') open++
    else if (text[at] === '}' && --open === 0) return at
  }
  return undefined
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1')
}

/** Without the quotes around words or parts of them; a quote behind a backslash is none. */
export function unquote(text: string): string {
  return text.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\./gs, (whole, double: string | undefined, single: string | undefined) => double ?? single ?? whole)
}
