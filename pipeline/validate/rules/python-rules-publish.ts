import { fixProperty } from '../fixes/make-fix.ts'
import { partsOf } from '../python/expression.ts'
import type { Expression } from '../python/expression.ts'
import { publicationsOf, timeOf } from '../python/plugin-use.ts'
import type { Publication } from '../python/plugin-use.ts'
import { runTimeModules } from '../python/program.ts'
import { isOlder, pywaggleOf, SINCE } from '../python/pywaggle.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { spanOf } from '../python/syntax.ts'
import type { Finding, RepositoryFacts, RepositoryRule } from '../rule.ts'
import type { TextFile } from '../text-file.ts'
import { alternatives, quote } from '../words.ts'

const MAX_NAME = 128
/** About 2000-01-01 in nanoseconds: MIN_TIMESTAMP_NS of waggle-sensor/pywaggle, plugin.py. */
const MIN_TIMESTAMP = 946_706_400_000_000_000

function program(...body: readonly string[]): string {
  return ['from waggle.plugin import Plugin', '', 'with Plugin() as plugin:', ...body.map((line) => `    ${line}`), ''].join('\n')
}

function* publications(facts: RepositoryFacts): Iterable<Publication> {
  for (const module of runTimeModules(facts)) yield* publicationsOf(module)
}

function read({ module, call }: Publication, node: SyntaxNode): Expression {
  return module.read(node, call.scope)
}

const namesAreValid: RepositoryRule = {
  code: 'CTSS-P001',
  name: 'publish-name',
  severity: 'warning',
  title: 'A measurement has a name that pywaggle refuses when it is published.',
  reason:
    `pywaggle raises a ValueError when the line runs (since ${SINCE.names}), which ends most plugins. Older releases send it, and the Beehive takes no such name. ` +
    'A name is made of parts of a–z, 0–9 and `_`, joined by dots, with at most 128 characters; `upload` is reserved for files.',
  source: 'waggle-sensor/pywaggle, src/waggle/plugin/plugin.py, `raise_for_invalid_publish_name`.',
  example: {
    bad: { 'main.py': program('plugin.publish("anomaly-detector", 1)') },
    good: { 'main.py': program('plugin.publish("anomaly_detector", 1)') },
  },
  *check(facts) {
    for (const publication of publications(facts)) {
      const expression = publication.name === undefined ? undefined : read(publication, publication.name)
      const text = publication.module.text
      if (expression?.kind === 'text') yield* judgeName(expression, text)
      else if (expression?.kind === 'template') yield* judgeTemplate(expression, text)
    }
  },
}

function* judgeName(expression: Extract<Expression, { readonly kind: 'text' }>, text: TextFile): Iterable<Finding> {
  const { value, inner } = expression
  const place = text.place(expression)
  if (value === 'upload') {
    yield { place, message: 'The name "upload" is reserved for files.', suggestion: 'Send a file with plugin.upload_file(path), or choose another name.' }
    return
  }
  const isLong = value.length > MAX_NAME
  if (!isLong && /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/.test(value)) return
  const better = validName(value)
  const why = isLong ? `has ${value.length} characters, and may have ${MAX_NAME}` : value === '' ? 'is empty' : describeFault(value)
  yield {
    place,
    message: `The name ${quote(value)} ${why}: pywaggle refuses it (since ${SINCE.names}) when the line runs.`,
    suggestion:
      better === '' || better === 'upload'
        ? 'Write parts of a-z, 0-9 and _ joined by dots: env.temperature.'
        : `Write "${better}"; whoever reads the data has to ask for the new name.`,
    ...(inner !== undefined && better !== '' && better !== 'upload' && fixProperty(`rename it ${better}`, false, [text.replace(inner, better)])),
  }
}

function describeFault(name: string): string {
  const wrong = [...new Set(name.replace(/[a-z0-9_.]/g, ''))].slice(0, 8)
  if (wrong.length === 0) return 'has an empty part between its dots'
  const capitals = wrong.filter((character) => /[A-Z]/.test(character))
  if (capitals.length === wrong.length) return 'has capitals'
  const others = wrong
    .filter((character) => !/[A-Z]/.test(character))
    .map((character) => (character === ' ' ? 'a blank' : /\p{C}/u.test(character) ? 'a control character' : `"${character}"`))
  return `has ${alternatives([...(capitals.length > 0 ? ['capitals'] : []), ...others]).replace(' or ', ' and ')} in it`
}

/** The nearest name that is taken. */
function validName(name: string): string {
  return name
    .slice(0, MAX_NAME)
    .toLowerCase()
    .split('.')
    .map((part) => part.replace(/[^a-z0-9_]+/g, '_').replace(/^_+|_+$/g, ''))
    .filter((part) => part !== '')
    .join('.')
}

function* judgeTemplate(expression: Extract<Expression, { readonly kind: 'template' }>, text: TextFile): Iterable<Finding> {
  const known = expression.parts.filter((part) => part !== undefined)
  const fault = known.find((part) => /[^a-z0-9_.]/.test(part))
  if (fault === undefined) return
  yield {
    place: text.place(expression),
    message: `The name ${quote(expression.parts.map((part) => part ?? '…').join(''))} ${describeFault(fault)}: pywaggle refuses it (since ${SINCE.names}) whatever is filled in.`,
    suggestion: 'A name is made of parts of a-z, 0-9 and _ joined by dots; put texts like these into meta.',
  }
}

const valuesAreSimple: RepositoryRule = {
  code: 'CTSS-P002',
  name: 'publish-value',
  severity: 'warning',
  title: 'A value is published that is neither a number nor a text.',
  reason: `pywaggle raises a TypeError when the line runs (since ${SINCE.values}): it takes int, float and str. NumPy’s float64 is a float; its other types are not.`,
  source: 'waggle-sensor/pywaggle, src/waggle/plugin/plugin.py, `Plugin.__publish`.',
  example: {
    bad: { 'main.py': program('plugin.publish("cloud.boxes", [1, 2, 3])') },
    good: { 'main.py': `import json\n${program('plugin.publish("cloud.boxes", json.dumps([1, 2, 3]))')}` },
  },
  *check(facts) {
    if (isOlder(pywaggleOf(facts), SINCE.values)) return
    for (const publication of publications(facts)) {
      const kind = publication.value === undefined ? undefined : describeValue(publication, read(publication, publication.value))
      if (publication.value === undefined || kind === undefined) continue
      yield {
        place: publication.module.text.place(spanOf(publication.value)),
        message: `The value is ${kind.what}: pywaggle takes numbers and texts only (since ${SINCE.values}), and raises a TypeError when the line runs.`,
        suggestion: kind.cure,
      }
    }
  },
}

const NUMPY_SCALAR = /^numpy\.(?:float16|float32|longdouble|u?int(?:8|16|32|64)|bool_)$/
const NUMPY_ARRAY = /^numpy\.(?:array|asarray|zeros|ones|arange|linspace)$/

/** What is wrong with a value, and the cure; undefined: nothing, as far as one can tell. */
function describeValue({ module }: Publication, value: Expression): { readonly what: string; readonly cure: string } | undefined {
  if ('items' in value || value.kind === 'dict')
    return { what: `a ${value.kind}`, cure: 'Publish each value under its own name, or a text made with json.dumps().' }
  if (value.kind === 'none')
    return { what: 'None', cure: 'Publish nothing where there is no value, or a number that stands for it, and say so in meta ("missing").' }
  if (value.kind === 'bytes') return { what: 'bytes', cure: 'Write them into a file and send it with plugin.upload_file().' }
  const call = value.kind === 'call' ? module.callAt(value.node) : undefined
  const name = call === undefined ? '' : module.functionName(call)
  if (NUMPY_SCALAR.test(name)) return { what: `a ${name}`, cure: 'Convert it: float(value) or int(value).' }
  return NUMPY_ARRAY.test(name)
    ? { what: 'a NumPy array', cure: 'Publish each value under its own name, or a text made with json.dumps(array.tolist()).' }
    : undefined
}

const timestampsAreNanoseconds: RepositoryRule = {
  code: 'CTSS-P003',
  name: 'publish-timestamp',
  severity: 'warning',
  title: 'A timestamp is not an integer of nanoseconds.',
  reason: `pywaggle takes nanoseconds since 1970 as an int: a float is a TypeError, seconds or milliseconds are a ValueError (since ${SINCE.timestamps}), raised when the line runs.`,
  source: 'waggle-sensor/pywaggle, src/waggle/plugin/plugin.py, `Plugin.__publish` and MIN_TIMESTAMP_NS.',
  example: {
    bad: { 'main.py': `import time\n${program('plugin.publish("cloud.count", 1, timestamp=time.time())')}` },
    good: { 'main.py': `import time\n${program('plugin.publish("cloud.count", 1, timestamp=time.time_ns())')}` },
  },
  *check(facts) {
    if (isOlder(pywaggleOf(facts), SINCE.timestamps)) return
    for (const publication of publications(facts)) {
      const { timestamp, module, call } = publication
      const fault = timestamp === undefined ? undefined : timestampFault(publication, read(publication, timestamp))
      if (timestamp === undefined || fault === undefined) continue
      const isPlainCall = module.read(timestamp, call.scope).kind === 'call'
      yield {
        place: module.text.place(spanOf(timestamp)),
        message: `The timestamp is ${fault}: pywaggle takes nanoseconds since 1970 as an int (since ${SINCE.timestamps}).`,
        suggestion: `Write ${isPlainCall ? 'time.time_ns()' : 'int(seconds * 1e9)'}, or leave it out: pywaggle then takes the present time.`,
      }
    }
  },
}

function timestampFault({ module, call }: Publication, value: Expression): string | undefined {
  if (value.kind === 'text' || value.kind === 'template') return 'a text'
  if (value.kind === 'number') {
    if (value.value === 0) return undefined // taken as "now"
    return value.isInteger ? (value.value < MIN_TIMESTAMP ? `${value.value}, which is before the year 2000` : undefined) : 'a float'
  }
  const time = timeOf(module, value, call.scope)
  if (time === undefined) return undefined
  if (!time.isInteger) return time.scale === 1 ? 'a float of seconds' : 'a float'
  return time.scale < 1e8
    ? `in ${time.scale === 1 ? 'seconds' : time.scale === 1e3 ? 'milliseconds' : time.scale === 1e6 ? 'microseconds' : 'another unit'}`
    : undefined
}

const metaIsText: RepositoryRule = {
  code: 'CTSS-P004',
  name: 'publish-meta',
  severity: 'warning',
  title: 'A value of meta is not a text.',
  reason: `pywaggle takes a dict of texts, and raises a TypeError when the line runs (since ${SINCE.meta}).`,
  source: 'waggle-sensor/pywaggle, src/waggle/plugin/plugin.py, `valid_meta`.',
  example: {
    bad: { 'main.py': program('plugin.publish("cloud.count", 1, meta={"camera": 1})') },
    good: { 'main.py': program('plugin.publish("cloud.count", 1, meta={"camera": "1"})') },
  },
  *check(facts) {
    if (isOlder(pywaggleOf(facts), SINCE.meta)) return
    for (const publication of publications(facts)) if (publication.meta !== undefined) yield* judgeMeta(publication, read(publication, publication.meta))
  },
}

const KINDS: Readonly<Partial<Record<Expression['kind'], string>>> = {
  number: 'a number',
  boolean: 'a boolean',
  none: 'None',
  bytes: 'bytes',
  list: 'a list',
  tuple: 'a tuple',
  set: 'a set',
  dict: 'a dict',
}
/** Built-in functions whose result is no text. */
const NO_TEXT = new Set(['int', 'float', 'len', 'bool', 'round', 'abs', 'list', 'dict', 'time.time', 'time.time_ns'])

function* judgeMeta(publication: Publication, meta: Expression): Iterable<Finding> {
  const { module, call } = publication
  if (meta.kind !== 'dict') {
    const what = KINDS[meta.kind] ?? (meta.kind === 'text' ? 'a text' : undefined)
    if (what !== undefined)
      yield { place: module.text.place(meta), message: `meta is ${what}, and has to be a dict of texts.`, suggestion: 'Write meta={"camera": "top"}.' }
    return
  }
  for (const [key, node] of meta.entries.slice(0, 100)) {
    const value = module.read(node, call.scope)
    const called = value.kind === 'call' ? module.callAt(value.node) : undefined
    const result = called !== undefined && NO_TEXT.has(module.functionName(called)) ? `what ${module.functionName(called)}() gives` : undefined
    const what = KINDS[value.kind] ?? result
    if (what === undefined) continue
    const name = module.read(key, call.scope)
    const written = module.text.text.slice(node.from, node.to)
    yield {
      place: module.text.place(spanOf(node)),
      message: `${name.kind === 'text' ? `meta ${quote(name.value)}` : 'A value of meta'} is ${what}: pywaggle takes texts only (since ${SINCE.meta}).`,
      suggestion: 'Make it a text: str(value), or a literal in quotes.',
      ...fixProperty('make it a text', false, [
        module.text.replace(spanOf(node), value.kind === 'number' || value.kind === 'boolean' ? `"${written}"` : `str(${written})`),
      ]),
    }
  }
}

const scopesAreKnown: RepositoryRule = {
  code: 'CTSS-P005',
  name: 'publish-scope',
  severity: 'warning',
  title: 'A measurement is published with a scope that no node knows.',
  reason: 'The node hands on what is for `node`, `beehive` or `all`. A message with another scope is taken, and goes nowhere.',
  source: 'waggle-sensor/wes-data-sharing-service, main.py L197-206; pywaggle does not check it.',
  example: {
    bad: { 'main.py': program('plugin.publish("cloud.count", 1, scope="cloud")') },
    good: { 'main.py': program('plugin.publish("cloud.count", 1, scope="beehive")') },
  },
  *check(facts) {
    for (const publication of publications(facts)) {
      const scope = publication.scope === undefined ? undefined : read(publication, publication.scope)
      const [known] = scope?.kind === 'text' ? partsOf(scope) : []
      if (scope === undefined || known === undefined || ['all', 'node', 'beehive'].includes(known)) continue
      yield {
        place: publication.module.text.place(scope),
        message: `No node knows the scope ${quote(known)}: the message goes nowhere.`,
        suggestion: 'Write "all", "beehive" or "node".',
      }
    }
  },
}

/** Rules about what a plugin publishes. */
export const PUBLISH_RULES: readonly RepositoryRule[] = [namesAreValid, valuesAreSimple, timestampsAreNanoseconds, metaIsText, scopesAreKnown]
