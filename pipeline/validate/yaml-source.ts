import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node, Pair, YAMLError } from 'yaml'

import { error } from '../problem.ts'
import type { Place, Problem } from '../problem.ts'
import { textFile } from './text-file.ts'
import { quote } from './words.ts'

export type DocumentPath = readonly (string | number)[]

/** A parsed YAML or JSON file that remembers where everything stands. */
export interface YamlSource {
  readonly file: string
  /** What JSON could hold; never an alias, a date, NaN or an infinity. */
  readonly value: unknown
  /** Where a key or its value stands; of what is missing, where its parent does. */
  place(path: DocumentPath, part?: 'key' | 'value'): Place
  /** A scalar as it is written, without quotes: `1.10` for a number that would print as 1.1. */
  written(path: DocumentPath): string | undefined
}

export interface ParsedYaml {
  /** Undefined: it cannot be read; the problems say why. */
  readonly source: YamlSource | undefined
  readonly problems: readonly Problem[]
}

/** Eight times what the ECR's own documentation allows; larger files are refused before they are parsed. */
export const MAX_FILE_BYTES = 256 * 1024

const MAX_DEPTH = 64
/** After aliases are followed. */
const MAX_NODES = 100_000
const MAX_SYNTAX_PROBLEMS = 10
const MAX_ALIASES = 1000

/** YAML 1.2's characters (section 5.1), which are PyYAML's too. */
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

/**
 * Reads a YAML file that may be hostile: too long, not UTF-8, a bomb of aliases, nested without end, keys twice, several documents.
 * All of that is problems; nothing is thrown.
 */
export function parseYaml(file: string, content: Buffer): ParsedYaml {
  if (content.length > MAX_FILE_BYTES) {
    return refuse(
      error('CTSS-C002', `${file} is larger than 256 KiB and was not read.`, {
        place: { file },
        suggestion: 'Keep data out of it: a pipeline file has a few kilobytes.',
      }),
    )
  }
  const text = decode(content)
  if (text === undefined)
    return refuse(error('CTSS-C001', `${file} is not UTF-8 text.`, { place: { file }, suggestion: 'Save it as UTF-8 without other encodings.' }))
  const forbidden = FORBIDDEN_CHARACTER.exec(text)
  if (forbidden !== null) return refuse(forbiddenCharacter(file, text, forbidden))
  const source = textFile(file, text)
  const makePlace = (start: number, end = start): Place => source.place({ start, end })
  // Keys are compared below, as the package's own check is quadratic. Too deep a nesting is one of its errors.
  const parsed = parseDocument(text, { uniqueKeys: false, prettyErrors: false, merge: true })
  if (parsed.errors.length > 0)
    return { source: undefined, problems: parsed.errors.slice(0, MAX_SYNTAX_PROBLEMS).map((problem) => syntaxProblem(file, problem, makePlace)) }
  const problems = inspectTree(file, parsed, makePlace)
  if (problems.length > 0) return { source: undefined, problems: problems.slice(0, MAX_SYNTAX_PROBLEMS) }
  return resolve(file, parsed, makePlace)
}

function refuse(problem: Problem): ParsedYaml {
  return { source: undefined, problems: [problem] }
}

function decode(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return undefined
  }
}

function forbiddenCharacter(file: string, text: string, { 0: character, index }: RegExpExecArray): Problem {
  const name = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  const before = text.slice(0, index).split('\n')
  const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
  return error('CTSS-C001', `${file} holds the character ${name}, which YAML does not allow.`, {
    place,
    suggestion: 'Delete it, or write it as an escape in double quotes.',
  })
}

/** The package's words are for programmers; the frequent mistakes get ours. */
const SYNTAX_WORDS: Readonly<Record<string, { readonly message: string; readonly suggestion?: string }>> = {
  MULTIPLE_DOCS: { message: 'The file holds several YAML documents.', suggestion: 'Keep one, and delete the line with ---.' },
  TAB_AS_INDENT: { message: 'A tab is used for indentation, which YAML does not allow.', suggestion: 'Use spaces.' },
  BAD_INDENT: { message: 'The indentation does not fit the lines above.', suggestion: 'Indent the entries of one mapping or list alike.' },
  DUPLICATE_KEY: { message: 'The same key stands twice in one mapping.' },
  UNEXPECTED_TOKEN: { message: 'This is not YAML.', suggestion: 'Quote texts that begin with special characters or hold ": " or " #".' },
  RESOURCE_EXHAUSTION: { message: 'It is nested too deeply.' },
}

function syntaxProblem(file: string, { code, message, pos }: YAMLError, makePlace: (start: number, end?: number) => Place): Problem {
  const words = SYNTAX_WORDS[code]
  return error('CTSS-C001', words?.message ?? `${file}: ${message}`, {
    place: makePlace(pos[0]),
    ...(words?.suggestion !== undefined && { suggestion: words.suggestion }),
  })
}

function tooDeep(file: string, place: Place): Problem {
  return error('CTSS-C001', `${file} is nested more than ${MAX_DEPTH} levels deep.`, { place })
}

/** What the parser lets through and the rest of us does not want to meet: depth, keys that are no texts or stand twice, tags of other languages. */
function inspectTree(file: string, document: Document.Parsed, makePlace: (start: number, end?: number) => Place): readonly Problem[] {
  const problems: Problem[] = document.warnings.slice(0, MAX_SYNTAX_PROBLEMS).map((warning) =>
    error('CTSS-C001', `${file}: ${warning.message}`, {
      place: makePlace(warning.pos[0]),
      suggestion: 'Write plain values; tags such as !!binary mean nothing here.',
    }),
  )
  const pending: { node: unknown; depth: number }[] = [{ node: document.contents, depth: 0 }]
  let aliases = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, depth } = next
    if (depth > MAX_DEPTH) return [tooDeep(file, placeOfNode(node, makePlace))]
    // The package looks each of them up among all anchors.
    if (isAlias(node) && ++aliases > MAX_ALIASES) return [unresolvable(file, `more than ${MAX_ALIASES} aliases`)]
    if (isSeq(node)) for (const item of node.items) pending.push({ node: item, depth: depth + 1 })
    if (!isMap(node)) continue
    const seen = new Set<string>()
    for (const pair of node.items) {
      pending.push({ node: pair.value, depth: depth + 1 })
      const problem = inspectKey(pair, seen, makePlace)
      if (problem !== undefined) problems.push(problem)
    }
  }
  return problems
}

function inspectKey(pair: Pair, seen: Set<string>, makePlace: (start: number, end?: number) => Place): Problem | undefined {
  if (!isScalar(pair.key))
    return error('CTSS-C001', 'A key must be plain text, not a list, a mapping or an alias.', { place: placeOfNode(pair.key ?? pair.value, makePlace) })
  // Merge keys are symbols here, and may stand several times.
  if (typeof pair.key.value === 'symbol') return undefined
  const key = String(pair.key.value)
  if (seen.has(key)) {
    return error('CTSS-C003', `The key ${quote(key)} stands twice in one mapping.`, {
      place: placeOfNode(pair.key, makePlace),
      suggestion: 'Delete one of the two.',
    })
  }
  seen.add(key)
  return undefined
}

function placeOfNode(node: unknown, makePlace: (start: number, end?: number) => Place): Place {
  if (!isNodeWithRange(node)) return makePlace(0)
  // Of a list or a mapping only the beginning: a mark over half a file helps nobody.
  return isScalar(node) || isAlias(node) ? makePlace(node.range[0], node.range[1]) : makePlace(node.range[0])
}

function isNodeWithRange(node: unknown): node is Node & { range: [number, number, number] } {
  return (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range !== undefined && node.range !== null
}

function resolve(file: string, document: Document.Parsed, makePlace: (start: number, end?: number) => Place): ParsedYaml {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (thrown) {
    // The package throws plain errors here for what only shows when aliases are followed; they are about the file, never about us.
    return refuse(unresolvable(file, thrown instanceof Error ? thrown.message : 'unknown'))
  }
  const wrong = measure(value)
  if (wrong === 'too large') {
    const message = `${file} holds more than ${MAX_NODES.toLocaleString('en')} values, or aliases that go round in circles.`
    return refuse(error('CTSS-C002', message, { place: { file }, suggestion: 'Keep data out of it.' }))
  }
  if (wrong === 'not finite')
    return refuse(error('CTSS-C007', `${file} holds NaN or an infinity, which JSON cannot hold.`, { place: { file }, suggestion: 'Quote it.' }))
  return { source: makeSource(file, value, document, makePlace), problems: [] }
}

function unresolvable(file: string, detail: string): Problem {
  return error('CTSS-C002', `${file} cannot be read because of its aliases (*name) or merge keys (<<): they grow without bound, or name what is not there.`, {
    place: { file },
    detail,
    suggestion: 'Write the values out.',
  })
}

/** Walks the value as the schema's validator will, but gives up in time. */
function measure(value: unknown): 'too large' | 'not finite' | undefined {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }]
  let nodes = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (++nodes > MAX_NODES || next.depth > MAX_DEPTH) return 'too large'
    if (typeof next.value === 'number' && !Number.isFinite(next.value)) return 'not finite'
    if (typeof next.value !== 'object' || next.value === null) continue
    for (const item of Object.values(next.value)) pending.push({ value: item, depth: next.depth + 1 })
  }
  return undefined
}

function makeSource(file: string, value: unknown, document: Document.Parsed, makePlace: (start: number, end?: number) => Place): YamlSource {
  return {
    file,
    value,
    place(path, part = 'value') {
      const { key, node } = locate(document.contents, path)
      const isShort = isScalar(node) && isNodeWithRange(node) && node.range[1] > node.range[0]
      return placeOfNode((part === 'value' && isShort) || key === undefined ? node : key, makePlace)
    },
    written(path) {
      const { node, depth } = locate(document.contents, path)
      return depth === path.length && isScalar(node) ? node.source : undefined
    },
  }
}

/** The node at a path, or the nearest above it, and the key that leads to it. */
function locate(root: unknown, path: DocumentPath): { readonly key: unknown; readonly node: unknown; readonly depth: number } {
  let key: unknown
  let node = root
  for (const [depth, part] of path.entries()) {
    const found = isMap(node) ? node.items.find((pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(part)) : undefined
    if (found !== undefined) {
      key = found.key
      node = found.value
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      node = node.items[part]
      key = undefined
    } else {
      return { key, node, depth }
    }
  }
  return { key, node, depth: path.length }
}
