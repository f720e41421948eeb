import YAML from 'portal-yaml'
import type { PortalFacts } from '../rule.ts'
import { quote } from '../words.ts'
import { describeType, valueOf } from './judge-submission.ts'
import type { Refusal } from './judge-submission.ts'
import { TOO_MUCH } from './portal.ts'
import type { Parsed, PythonDict, PythonEntry, PythonText, PythonValue } from './python-value.ts'
import { pythonTruth } from './python-words.ts'
import { explainYaml, mappingSuggestion } from './yaml-words.ts'

type Explanation = Pick<Refusal, 'code' | 'path' | 'message'> & Partial<Pick<Refusal, 'start' | 'found' | 'suggestion'>>

/** Why the Portal sends nothing: its parser's words, or V8's about `form.source.url = url`, as an author needs them. */
export function explainPortal(words: string, written: Parsed, text: string): Refusal {
  const explanation = explain(words, written, text)
  return { sage: `portal: ${words}`, status: 0, accident: false, ...explanation }
}

const DISABLED = 'so the Portal cannot use the manifest, and its Register button stays disabled.'

function explain(words: string, written: Parsed, text: string): Explanation {
  const dict = 'value' in written && written.value.type === 'dict' ? written.value : undefined
  if (words === 'no name')
    return {
      code: 'CTSS-M016',
      path: ['name'],
      message: `The plugin has no name, ${DISABLED}`,
      suggestion: 'Add name: with lower-case letters, digits, - and _.',
    }
  if (words === TOO_MUCH) return { code: 'CTSS-M011', path: [], message: `${words}.`, suggestion: 'Keep data out of it: a manifest has a few kilobytes.' }
  if (/^TypeError: Cannot (?:set properties of|create property)/.test(words)) return dict === undefined ? explainNoMapping(written, text) : explainSource(dict)
  // Python names the place, and its faults have to be mended anyway.
  if ('error' in written) return { code: 'CTSS-M011', path: [], ...explainYaml(written.error, text) }
  const repeated = /^YAMLSemanticError: Map keys must be unique; "([^]*)" is repeated$/.exec(words)?.[1]
  if (repeated !== undefined) {
    const start = dict && findRepeated(dict)
    const message = `The key ${quote(repeated)} stands twice in one mapping: Sage would take the last, but the Portal refuses the file without a word.`
    return { code: 'CTSS-M011', path: [], ...(start !== undefined && { start }), message, suggestion: 'Delete one of the two.' }
  }
  const start = findPortalFault(text)
  const said = words.replace(/^YAML\w+: /, '').replace(/\s+/g, ' ')
  const message = `The Portal cannot read the manifest as YAML, and its Register button stays disabled: ${said.length > 200 ? `${said.slice(0, 199)}…` : said}.`
  return {
    code: 'CTSS-M011',
    path: [],
    ...(start !== undefined && { start }),
    message,
    suggestion: 'Look for a missing quote, a colon followed by a blank, or wrong indentation.',
  }
}

/** Where the Portal's parser stops. */
function findPortalFault(text: string): number | undefined {
  const [error] = YAML.parseDocument(text).errors
  let start = error?.source?.range?.start
  // It counts CR LF as one.
  if (start !== undefined) for (let at = text.indexOf('\r\n'); at >= 0 && at < start; at = text.indexOf('\r\n', at + 2)) start += 1
  return start
}

function explainNoMapping(written: Parsed, text: string): Explanation {
  if ('error' in written) return { code: 'CTSS-M010', path: [], ...explainYaml(written.error, text) }
  const found = written.value
  const isEmpty = !pythonTruth(found)
  return {
    code: 'CTSS-M012',
    path: [],
    found,
    message: isEmpty
      ? `The manifest is empty, ${DISABLED}`
      : `The manifest must be a mapping; the Portal sees ${describeType(found)}, and its Register button stays disabled.`,
    suggestion: mappingSuggestion(found),
  }
}

function explainSource(dict: PythonDict): Explanation {
  const found = valueOf(dict, 'source')
  const suggestion = 'Write source: and below it, indented, architectures: with a list such as [linux/amd64, linux/arm64].'
  if (found === undefined) return { code: 'CTSS-M029', path: ['source'], message: `There is no source, ${DISABLED}`, suggestion }
  const message = `The source must be a mapping; the Portal sees ${describeType(found)}, and its Register button stays disabled.`
  return { code: 'CTSS-M030', path: ['source'], found, message, suggestion }
}

/** Where a key stands again. */
function findRepeated(root: PythonDict): number | undefined {
  const seen = new Set<PythonValue>()
  const pending: PythonValue[] = [root]
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (seen.has(value)) continue
    seen.add(value)
    if (value.type === 'dict') {
      const [again] = value.duplicates
      if (again !== undefined) return again.start
      for (const { value: below } of value.entries) pending.push(below)
    } else if ('items' in value) pending.push(...value.items)
  }
  return undefined
}

/** What the Portal would make of a mapping, could it read it: only for finding out what else is wrong. */
export function fillIn(value: PythonValue, { user, url, branch }: PortalFacts): PythonDict | undefined {
  if (value.type !== 'dict') return undefined
  const filled = withText(value, 'namespace', user)
  const source = valueOf(filled, 'source')
  if (source?.type !== 'dict') return filled
  const withUrl = withText(source, 'url', url)
  const given = valueOf(withUrl, 'branch')
  return withValue(filled, 'source', given !== undefined && pythonTruth(given) ? withUrl : withText(withUrl, 'branch', branch))
}

function withText(dict: PythonDict, key: string, text: string): PythonDict {
  return withValue(dict, key, makeText(text))
}

function withValue(dict: PythonDict, key: string, value: PythonValue): PythonDict {
  const others = dict.entries.filter((entry) => entry.key.type !== 'str' || entry.key.value !== key)
  const entry: PythonEntry = { key: makeText(key), value }
  return { ...dict, entries: [...others, entry] }
}

function makeText(value: string): PythonText {
  return { type: 'str', value, style: 'plain', start: 0, end: 0 }
}
