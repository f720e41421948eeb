import { STR } from './pyyaml-node.ts'
import { resolveTag } from './pyyaml-resolver.ts'
import type { PortalFields } from './portal.ts'
import type { Parsed, PythonDict, PythonEntry, PythonText, PythonValue, Span } from './python-value.ts'

/** The span of what stands nowhere in the text. */
export const NOWHERE: Span = { start: -1, end: -1 }

/** What yaml 1.10.3 takes for null, a bool or a number (YAML 1.2, section 10.3.2, with its own spellings). */
const CORE_WORDS =
  /^(?:~|[Nn]ull|NULL|[Tt]rue|TRUE|[Ff]alse|FALSE|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+|[-+]?\.inf|\.nan|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)e[-+]?[0-9]+|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*))$/i

/** Texts that yaml 1.10.3 writes in quotes, besides those that it would read as something else. */
const NEEDS_QUOTES = /^$|^[ ,[\]{}#&*!|>'"%@`]|^[?-]$|^[?-] |: | #|[ :]$/

/** Characters that both parsers take as they are: no control characters, no other line breaks, no wide spaces. */
const ORDINARY = /^[ -~¡-\u167F\u1681-\u1FFF\u2010-\u2027\u2030-\u205E\u2060-\u2FFF\u3001-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD\u{10000}-\u{10FFFF}]*$/u
const PLAIN_BEGIN = /^[A-Za-z0-9_./<(~$+=\u0080-\uFFFF]/
/** Inside of brackets, fewer signs are beyond doubt. */
const PLAIN_IN_FLOW = /^[A-Za-z0-9_./][A-Za-z0-9_./@<>()+= -]*$/
/** Never a number, a bool, or a name of JavaScript's. */
const KEY = /^[A-Za-z_][A-Za-z0-9_./-]{0,99}$/
/** Names that objects of JavaScript have before anything is set. */
const INHERITED = {}
const INT = /^(?:0|-?[1-9][0-9]{0,14})$/
const FLOAT = /^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}$/

/**
 * What the Portal's reader and writer make of a manifest where that needs no trial: block mappings and lists, brackets on one line, scalars on one line without
 * escapes and tags, which both take for the same and which are read back as written. Undefined: the long way has to tell.
 */
export function plainPortalValue(text: string, fields: PortalFields, value: PythonValue): Parsed | { readonly refused: string } | undefined {
  if (value.type !== 'dict') return undefined
  const root = new PlainWalk(text).document(value)
  const [user, url, branch] = [portalText(fields.user), portalText(fields.url), portalText(fields.branch)]
  const source = root && entryOf(root, 'source')?.value
  if (root === undefined || source?.type !== 'dict' || user === undefined || url === undefined || branch === undefined) return undefined
  const name = entryOf(root, 'name')?.value
  if (user.value === '' || name === undefined || !isTruthy(text, name)) return { refused: 'no name' }
  const ownBranch = entryOf(source, 'branch')?.value
  const withUrl = set(source, 'url', url)
  const filled = ownBranch !== undefined && isTruthy(text, ownBranch) ? withUrl : set(withUrl, 'branch', branch)
  return { value: set(set(root, 'source', filled), 'namespace', user) }
}

function entryOf({ entries }: PythonDict, name: string): PythonEntry | undefined {
  return entries.find(({ key }) => key.type === 'str' && key.value === name)
}

/** Sets a key as JavaScript does: in its place, or last. */
function set(dict: PythonDict, name: string, value: PythonValue): PythonDict {
  const own = entryOf(dict, name)
  const entries =
    own === undefined
      ? [...dict.entries, { key: { type: 'str', value: name, style: 'plain', ...NOWHERE } as const, value }]
      : dict.entries.map((entry) => (entry === own ? { key: own.key, value } : entry))
  return { ...dict, entries }
}

/** A text that comes back as it is. */
function portalText(value: string): PythonText | undefined {
  return comesBack(value) ? { type: 'str', value, style: 'plain', ...NOWHERE } : undefined
}

/** Whether PyYAML reads the same text where yaml 1.10.3 has written it: in quotes, or plain and nothing else to PyYAML. */
function comesBack(value: string): boolean {
  if (!ORDINARY.test(value)) return false
  // Long lines in quotes are broken by UTF-16 units, in the middle of a character if need be.
  if (NEEDS_QUOTES.test(value) || CORE_WORDS.test(value)) return !/[\uD800-\uDFFF]/.test(value)
  return resolveTag(value) === STR
}

/** Whether JavaScript takes for true what the Portal's reader made of this. `no` is a text to it. */
function isTruthy(text: string, value: PythonValue): boolean {
  if (value.type === 'NoneType') return false
  if (value.type === 'str') return value.value !== ''
  if (value.type === 'int') return value.value !== 0n
  if (value.type === 'float') return value.value !== 0
  return value.type !== 'bool' || value.value || !/^false$/i.test(text.slice(value.start, value.end))
}

/** Walks a text together with the value that was read from it, and looks at every character once. */
class PlainWalk {
  readonly #text: string
  /** Up to here, all is ordinary. */
  #at = 0
  #isFlow = false

  constructor(text: string) {
    this.#text = text
  }

  document(root: PythonDict): PythonDict | undefined {
    if (this.#text.startsWith('---\n')) this.#at = 4
    const value = this.#dict(root)
    return value !== undefined && this.#skipTo(this.#text.length) ? value : undefined
  }

  /** What the value becomes; undefined when something in it is not ordinary. */
  #value(value: PythonValue): PythonValue | undefined {
    if (value.type === 'dict') return this.#inside(value, () => this.#dict(value))
    if (value.type === 'list') return this.#inside(value, () => this.#list(value))
    if (value.start === value.end && this.#isFlow) return undefined
    if (!this.#skipScalar(value)) return undefined
    if (value.type === 'str') return this.#isPlainText(value) ? value : undefined
    const { start, end } = value
    const written = this.#text.slice(start, end)
    if (value.type === 'bool') return /^[a-z]+$/i.test(written) ? value : undefined
    if (value.type === 'NoneType') return /^(?:~|[a-z]*)$/i.test(written) ? value : undefined
    if (value.type === 'int') return INT.test(written) ? value : undefined
    if (value.type !== 'float' || !FLOAT.test(written)) return undefined
    // JavaScript has one type of numbers: 1.0 is written as 1.
    return Number.isInteger(value.value) ? { type: 'int', value: BigInt(value.value), start, end } : value
  }

  #inside<Collection extends PythonValue>(value: Collection, walk: () => Collection | undefined): Collection | undefined {
    if (!this.#skipTo(value.start)) return undefined
    const opener = this.#text[value.start]
    if (opener !== '[' && opener !== '{') return this.#isFlow ? undefined : walk()
    const wasFlow = this.#isFlow
    this.#isFlow = true
    const walked = walk()
    const isClosed = this.#skipTo(value.end)
    this.#isFlow = wasFlow
    return isClosed ? walked : undefined
  }

  #dict(dict: PythonDict): PythonDict | undefined {
    if (dict.duplicates.length > 0) return undefined
    const entries: PythonEntry[] = []
    let isSame = true
    for (const entry of dict.entries) {
      const { key } = entry
      if (entry.alias !== undefined || entry.isMerged === true) return undefined
      if (key.type !== 'str' || !KEY.test(key.value) || CORE_WORDS.test(key.value) || key.value in INHERITED) return undefined
      if (!this.#skipScalar(key) || !this.#isPlainText(key)) return undefined
      const value = this.#value(entry.value)
      if (value === undefined) return undefined
      isSame &&= value === entry.value
      entries.push(value === entry.value ? entry : { key, value })
    }
    return isSame ? dict : { ...dict, entries }
  }

  #list(list: PythonValue & { readonly type: 'list' }): (PythonValue & { readonly type: 'list' }) | undefined {
    const items: PythonValue[] = []
    for (const item of list.items) {
      const value = this.#value(item)
      if (value === undefined) return undefined
      items.push(value)
    }
    return items.every((item, index) => item === list.items[index]) ? list : { ...list, items }
  }

  #isPlainText({ value, style, start, end }: PythonText): boolean {
    const written = this.#text.slice(start, end)
    if (style === 'plain') {
      if (written !== value || !PLAIN_BEGIN.test(value) || CORE_WORDS.test(value)) return false
      return this.#isFlow ? PLAIN_IN_FLOW.test(value) : ORDINARY.test(value)
    }
    const quoted = style === 'single' ? `'${value.replaceAll("'", "''")}'` : `"${value}"`
    return written === quoted && comesBack(value)
  }

  /** Over a scalar, and what stands before it. */
  #skipScalar({ start, end }: Span): boolean {
    if (!this.#skipTo(start)) return false
    this.#at = end
    return true
  }

  /** Over indicators, white space and comments; no line break where brackets are open. */
  #skipTo(end: number): boolean {
    const text = this.#text
    if (end < this.#at) return false
    let at = this.#at
    for (; at < end; at += 1) {
      const next = text[at + 1]
      switch (text.charAt(at)) {
        case ' ':
          break
        case '\r':
          if (next !== '\n' || this.#isFlow) return false
          break
        case '\n':
          if (this.#isFlow) return false
          break
        case '-':
          if (this.#isFlow || !(next === ' ' || next === '\n' || next === '\r' || next === undefined)) return false
          break
        case ':':
          if (!(next === ' ' || next === '\n' || next === '\r' || next === undefined)) return false
          break
        case ',':
        case '[':
        case ']':
        case '{':
        case '}':
          if (!this.#isFlow) return false
          break
        case '#': {
          const before = text[at - 1]
          if (this.#isFlow || !(before === ' ' || before === '\n' || before === undefined)) return false
          const lineEnd = text.indexOf('\n', at)
          at = (lineEnd === -1 ? text.length : lineEnd) - 1
          break
        }
        default:
          return false
      }
    }
    this.#at = end
    return at === end
  }
}
