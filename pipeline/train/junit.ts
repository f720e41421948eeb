import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { EvaluationTest } from '../../schemas/generated/types.ts'
import type { Reading } from './evaluation.ts'

const NESTING = 32
const NAME_CHARACTERS = 300
const MESSAGE_CHARACTERS = 2000
/** The kinds of evaluation tests that a class name or suite may carry; `standard` is the rest. */
const CATEGORIES = ['domain', 'slice', 'failure_mode', 'template'] as const
/** XML's own five; a document that declares others is refused. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const ARRAYS = new Set(['testsuite', 'testcase', 'properties', 'property', 'failure', 'error', 'skipped'])
const ATTRIBUTES = '@'
const TEXT = '#text'

const parser = new XMLParser({
  ignoreAttributes: false,
  attributesGroupName: ATTRIBUTES,
  attributeNamePrefix: '',
  textNodeName: TEXT,
  alwaysCreateTextNode: true,
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: NESTING,
  isArray: (name, _path, _leaf, isAttribute) => !isAttribute && ARRAYS.has(name),
})

type Node = Readonly<Record<string, unknown>>

/**
 * Reads a JUnit XML file of a stranger: entities beyond XML's own five, document types and deep nesting are refused; long texts are cut.
 * A test's category is its property `category`, else the suite's, else what its class name or suite name says, else `standard`.
 */
export function readJunit(content: Buffer): Reading<EvaluationTest[]> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content)
    if (/<!DOCTYPE/i.test(text)) return refused('a document type declaration (<!DOCTYPE) is not read')
    const valid = XMLValidator.validate(text)
    if (valid !== true) return refused(`line ${valid.err.line}: ${valid.err.msg}`)
    const document: unknown = parser.parse(text)
    const suites = suitesOf(asNode(document))
    return suites.length === 0 ? refused('it has no <testsuite>') : { kind: 'read', value: suites.flatMap((suite) => testsOf(suite)) }
  } catch (cause) {
    return refused(cause instanceof Error ? cause.message : String(cause))
  }
}

function suitesOf(node: Node): readonly Node[] {
  const direct = children(node, 'testsuite')
  const wrapped = 'testsuites' in node ? suitesOf(asNode(node['testsuites'])) : []
  return [...direct, ...direct.flatMap((suite) => suitesOf(suite)), ...wrapped]
}

function testsOf(suite: Node): EvaluationTest[] {
  return children(suite, 'testcase').map((test) => {
    const wrong = ending(test)
    const message = wrong?.message.slice(0, MESSAGE_CHARACTERS)
    return {
      name: [attribute(test, 'classname'), attribute(test, 'name')].filter(Boolean).join('.').slice(0, NAME_CHARACTERS) || 'unnamed',
      category: categoryOf(test, suite),
      outcome: wrong?.outcome ?? 'passed',
      seconds: secondsOf(attribute(test, 'time')),
      ...(message && { message }),
    }
  })
}

function ending(test: Node): { outcome: 'failed' | 'error' | 'skipped'; message: string } | undefined {
  for (const [tag, outcome] of [
    ['error', 'error'],
    ['failure', 'failed'],
    ['skipped', 'skipped'],
  ] as const) {
    const [first] = children(test, tag)
    if (first) return { outcome, message: attribute(first, 'message') || textOf(first[TEXT]) }
  }
  return undefined
}

function categoryOf(test: Node, suite: Node): string {
  const declared = property(test, 'category') || property(suite, 'category')
  if (declared) return declared.slice(0, NAME_CHARACTERS)
  const names = `${attribute(test, 'classname')}.${attribute(suite, 'name')}`.toLowerCase()
  return CATEGORIES.find((category) => names.includes(category) || names.includes(category.replace('_', '-'))) ?? 'standard'
}

function property(node: Node, name: string): string {
  const found = children(node, 'properties')
    .flatMap((properties) => children(properties, 'property'))
    .find((one) => attribute(one, 'name') === name)
  return found ? attribute(found, 'value') || textOf(found[TEXT]) : ''
}

function children(node: Node, name: string): readonly Node[] {
  const found = node[name]
  return Array.isArray(found) ? found.map((child: unknown) => asNode(child)) : []
}

function attribute(node: Node, name: string): string {
  return textOf(asNode(node[ATTRIBUTES])[name])
}

/** Some writers put a thousands separator into times. */
function secondsOf(text: string): number {
  const seconds = Number(text.replaceAll(',', ''))
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? decode(value) : ''
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (whole: string, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function refused(reason: string): Reading<never> {
  return { kind: 'refused', reason }
}
