import YAML from 'portal-yaml'
import type { PortalFacts } from '../rule.ts'
import { readBody } from './body.ts'
import { NOWHERE, plainPortalValue } from './portal-plain.ts'
import type { Parsed, PythonValue, Span } from './python-value.ts'

/** What the Portal sends to `POST /submit`, or why its Register button stays disabled. */
export type Sent = { readonly body: string } | { readonly refused: string }

/** The Portal's own fields. */
export type PortalFields = Pick<PortalFacts, 'user' | 'url' | 'branch'>

/**
 * What the Portal's reader may be asked to do, so that it answers in less than half a second; manifests have some hundred signs. It compares each key of a mapping with
 * all others, renames an anchor that is given again by trying names, and gives up on deep brackets only when its stack ends.
 */
const LIMITS = { signs: 12_000, colons: 3_000, anchors: 100, depth: 200 }

/** The words of a refusal that is ours. */
export const TOO_MUCH = 'The manifest is too large or too deep to find out what the Portal would make of it'

/**
 * What the Portal does to a manifest before it sends it (sage-gui 389e705, CreateApp.tsx L103-140 and 274-276), with its version of `yaml` (1.10.3).
 * `refused` has JavaScript's words. Texts that would keep that parser busy for seconds are refused in our own.
 */
export function sendFromPortal(text: string, { user, url, branch }: PortalFields): Sent {
  if (isTooMuch(text)) return { refused: TOO_MUCH }
  try {
    const form: Record<string, unknown> = { ...parse(text), namespace: user }
    const source = form['source'] as Record<string, unknown>
    source['url'] = url
    source['branch'] = source['branch'] || branch
    return form['namespace'] && form['name'] ? { body: YAML.stringify(form).toWellFormed() } : { refused: 'no name' }
  } catch (error) {
    return { refused: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

/** `YAML.parse`, without its warnings, which go to standard error. */
function parse(text: string): object {
  const document = YAML.parseDocument(text)
  const [error] = document.errors
  if (error !== undefined) throw error
  return document.toJSON() as object
}

/** Counts signs wherever they stand, comments included. */
function isTooMuch(text: string): boolean {
  let [signs, colons, anchors, open, run] = [0, 0, 0, 0, 0]
  for (let offset = 0; offset < text.length; offset += 1) {
    switch (text.charAt(offset)) {
      case '[':
      case '{':
        open += 1
        break
      case ']':
      case '}':
        open -= 1
        break
      case ':':
        colons += 1
        break
      case '&':
        anchors += 1
        break
      case '\n':
      case '\r':
        run = 0
        break
      case '-':
      case '?':
        // Each of them begins a collection in the one before it.
        run += text[offset + 1] === ' ' ? 1 : 0
        break
      case ',':
      case '*':
      case '!':
      case '%':
        break
      default:
        continue
    }
    signs += 1
    if (signs > LIMITS.signs || colons > LIMITS.colons || anchors > LIMITS.anchors || open > LIMITS.depth || run > LIMITS.depth) return true
  }
  return false
}

/**
 * What Sage's server reads when the Portal sends a manifest. `parsed` is what `loadPyYaml` makes of the same text. Ordinary manifests come through the Portal
 * with the values that they have, and keep their spans; all others go through the Portal's reader and writer, and have none.
 *
 * Spans are of `text`, as in `parsed`; where nothing of it stands (the Portal's own fields, and all that took the long way) they begin and end at -1:
 * look places up in `parsed`, by path.
 */
export function portalValue(text: string, fields: PortalFields, parsed: Parsed): Parsed | { readonly refused: string } {
  const plain = 'value' in parsed ? plainPortalValue(text, fields, parsed.value) : undefined
  if (plain !== undefined) return plain
  const sent = sendFromPortal(text, fields)
  if ('refused' in sent) return sent
  const read = readBody(sent.body)
  if ('value' in read) forgetPlaces(read.value)
  return read
}

/** Takes the spans off values that were just made; aliases make some of them stand in many places. */
function forgetPlaces(root: PythonValue): void {
  const unseen: PythonValue[] = [root]
  const seen = new Set<PythonValue>(unseen)
  const add = (value: PythonValue): void => {
    if (seen.has(value)) return
    seen.add(value)
    unseen.push(value)
  }
  for (const value of unseen) {
    Object.assign<Span, Span>(value, NOWHERE)
    if ('items' in value) value.items.forEach(add)
    if (value.type !== 'dict') continue
    value.duplicates.forEach(add)
    for (const entry of value.entries) {
      add(entry.key)
      add(entry.value)
      if (entry.alias !== undefined) Object.assign<Span, Span>(entry.alias, NOWHERE)
    }
  }
}
