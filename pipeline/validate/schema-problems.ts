import type { ErrorObject } from 'ajv'

import { error } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { alternatives, closestWord, quote, writePath } from './words.ts'
import type { DocumentPath, YamlSource } from './yaml-source.ts'

/** A JSON Schema document, as far as messages are made from it. */
interface SchemaNode {
  readonly description?: string
  readonly properties?: Readonly<Record<string, unknown>>
}

const TYPE_WORDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', integer: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a mapping', null: 'nothing' }

/** A hostile file can have as many as it has keys; more are neither described nor read. */
const MAX_ERRORS = 200

/** Errors of an ajv validator in words, each at its line. `schema` is the document that the validator was compiled from. */
export function describeSchemaErrors(errors: readonly ErrorObject[], source: YamlSource, schema: unknown): readonly Problem[] {
  return withoutBranches(errors.slice(0, MAX_ERRORS), source, schema).flatMap((item) => describe(item, source, schema) ?? [])
}

/**
 * Of the errors below an `anyOf` or `oneOf` only one side matters: for a mapping, what is wrong inside it; for anything else, and for
 * choices between keys, the one error of the choice itself.
 */
function withoutBranches(errors: readonly ErrorObject[], source: YamlSource, schema: unknown): readonly ErrorObject[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  return choices.reduce((left, choice) => {
    const isBranch = (item: ErrorObject): boolean => item.schemaPath.startsWith(`${choice.schemaPath}/`)
    const isAboutType = (item: ErrorObject): boolean => item.instancePath === choice.instancePath && ['type', 'const', 'enum'].includes(item.keyword)
    const value = valueAt(source.value, parsePointer(choice.instancePath))
    const isMapping = typeof value === 'object' && value !== null && keysToChoose(choice, schema).length === 0
    const inside = isMapping ? left.filter((item) => isBranch(item) && !isAboutType(item)) : []
    return left.filter((item) => (item === choice ? inside.length === 0 : !isBranch(item) || inside.includes(item)))
  }, errors)
}

/** The keys that each branch of a choice asks for, when it is a choice between keys and nothing else. */
function keysToChoose(choice: ErrorObject, schema: unknown): readonly (readonly string[])[] {
  const branches = schemaValue(schema, choice.schemaPath)
  return Array.isArray(branches) ? branches.flatMap((branch) => requiredOf(branch)) : []
}

function describe(item: ErrorObject, source: YamlSource, schema: unknown): Problem | undefined {
  const path = parsePointer(item.instancePath)
  const name = path.length === 0 ? source.file : `\`${writePath(path)}\``
  const value = valueAt(source.value, path)
  const parent = schemaNode(schema, item.schemaPath.slice(0, item.schemaPath.lastIndexOf('/')))
  const here = (code: string, message: string, suggestion?: string): Problem => error(code, message, { place: source.place(path), ...(suggestion !== undefined && { suggestion }) })

  // Said by the propertyNames error that goes with it.
  if (item.propertyName !== undefined) return undefined
  switch (item.keyword) {
    case 'additionalProperties':
      return unknownKey(String(item.params['additionalProperty']), path, parent, source)
    case 'required':
      return error('missing-key', `${name} needs the key \`${item.params['missingProperty']}\`.`, { place: source.place(path, 'key') })
    case 'type':
      return wrongType(item.params['type'], path, value, name, source)
    case 'enum':
      return wrongWord(item.params['allowedValues'], value, name, here)
    case 'const':
      return here('not-allowed', `${name} must be ${quote(item.params['allowedValue'])}, not ${quote(value)}.`)
    case 'pattern':
      return here('not-allowed', `${name}: ${quote(value)} is not allowed.`, parent?.description)
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return here('too-short', Number(item.params['limit']) === 1 ? `${name} must not be empty.` : `${name} must have at least ${item.params['limit']} ${item.keyword === 'minLength' ? 'characters' : 'entries'}.`, parent?.description)
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return here('too-long', `${name} must have at most ${item.params['limit']} ${item.keyword === 'maxLength' ? 'characters' : 'entries'}.`)
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return here('out-of-range', `${name} is ${quote(value)} and must be ${item.params['comparison']} ${item.params['limit']}.`)
    case 'propertyNames':
      return error('not-allowed', `${quote(item.params['propertyName'])} cannot be a key of ${name}.`, { place: source.place([...path, String(item.params['propertyName'])], 'key'), ...(parent?.description !== undefined && { suggestion: parent.description }) })
    case 'anyOf':
    case 'oneOf':
      return noChoice(item, name, value, schema, here)
    default:
      return here('not-allowed', `${name} ${item.message ?? 'is not allowed'}.`)
  }
}

function unknownKey(key: string, path: DocumentPath, parent: SchemaNode | undefined, source: YamlSource): Problem {
  const known = Object.keys(parent?.properties ?? {})
  const meant = closestWord(key, known)
  const where = path.length === 0 ? source.file : `\`${writePath(path)}\``
  const suggestion = meant === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`
  return error('unknown-key', `${where} knows no key \`${key.slice(0, 100)}\`.`, { place: source.place([...path, key], 'key'), ...(known.length > 0 && { suggestion }) })
}

function wrongType(type: unknown, path: DocumentPath, value: unknown, name: string, source: YamlSource): Problem {
  const types = (Array.isArray(type) ? type : [type]).map(String)
  const wanted = alternatives(types.filter((word) => word !== 'null' || types.length === 1).map((word) => TYPE_WORDS[word] ?? word))
  const place = source.place(path)
  const written = source.written(path)
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean') && written !== undefined) {
    return error('not-quoted', `${name} must be text, but YAML reads ${written} as ${typeof value === 'number' ? `the number ${value}` : `${value}`}.`, { place, suggestion: `Quote it: "${written}".` })
  }
  return error('wrong-type', `${name} must be ${wanted}, not ${typeWord(value)}.`, { place, ...(listSuggestion(types, value)) })
}

function listSuggestion(types: readonly string[], value: unknown): { suggestion?: string } {
  if (types.includes('string') && Array.isArray(value)) return { suggestion: `Write one text, with commas: "${value.filter((item) => typeof item === 'string').join(', ').slice(0, 200)}".` }
  if (types.includes('array') && typeof value === 'string') return { suggestion: `Write a list: [${value.slice(0, 200)}].` }
  return {}
}

function wrongWord(allowed: unknown, value: unknown, name: string, here: (code: string, message: string, suggestion?: string) => Problem): Problem {
  const words = Array.isArray(allowed) ? allowed.map(String) : []
  const meant = typeof value === 'string' ? (SYNONYMS[value.toLowerCase()] ?? closestWord(value, words)) : undefined
  const isKnown = meant !== undefined && words.includes(meant)
  return here('not-allowed', `${name} must be ${alternatives(words)}, not ${quote(value)}.`, isKnown ? `Did you mean ${quote(meant)}?` : undefined)
}

/** Words that authors wrote for others (536 manifests of the years 2020 to 2026). */
const SYNONYMS: Readonly<Record<string, string>> = {
  bool: 'boolean', str: 'string', text: 'string', integer: 'int', number: 'float', file: 'File', path: 'File', 'string[]': 'string', list: 'string',
  amd64: 'linux/amd64', x86_64: 'linux/amd64', arm64: 'linux/arm64', aarch64: 'linux/arm64', 'linux/aarch64': 'linux/arm64', armv7: 'linux/arm/v7', 'linux/armv7': 'linux/arm/v7', 'linux/arm64/v8': 'linux/arm64', 'linux/x86_64': 'linux/amd64',
}

function noChoice(item: ErrorObject, name: string, value: unknown, schema: unknown, here: (code: string, message: string, suggestion?: string) => Problem): Problem {
  const required = keysToChoose(item, schema)
  const description = schemaNode(schema, item.schemaPath.slice(0, item.schemaPath.lastIndexOf('/')))?.description
  if (required.length === 0) return here('not-allowed', `${name}: ${quote(value)} is not allowed.`, description)
  const present = required.filter((keys) => keys.every((key) => typeof value === 'object' && value !== null && Object.hasOwn(value, key)))
  const words = alternatives(required.map((keys) => keys.map((key) => `\`${key}\``).join(' with ')))
  return present.length > 1 ? here('not-allowed', `${name} takes only one of ${words}.`) : here('missing-key', `${name} needs ${words}.`)
}

function requiredOf(branch: unknown): readonly (readonly string[])[] {
  const required = typeof branch === 'object' && branch !== null && 'required' in branch ? branch.required : undefined
  return Array.isArray(required) && typeof branch === 'object' && branch !== null && !('type' in branch) ? [required.map(String)] : []
}

function typeWord(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return TYPE_WORDS[typeof value] ?? typeof value
}

function parsePointer(pointer: string): DocumentPath {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>((found, part) => (typeof found === 'object' && found !== null ? Object.getOwnPropertyDescriptor(found, part)?.value : undefined), value)
}

function schemaValue(schema: unknown, pointer: string): unknown {
  return pointer.startsWith('#') ? valueAt(schema, parsePointer(decodeURIComponent(pointer.slice(1)))) : undefined
}

function schemaNode(schema: unknown, pointer: string): SchemaNode | undefined {
  const node = schemaValue(schema, pointer)
  return isSchemaNode(node) ? node : undefined
}

function isSchemaNode(node: unknown): node is SchemaNode {
  if (typeof node !== 'object' || node === null) return false
  return (!('description' in node) || typeof node.description === 'string') && (!('properties' in node) || (typeof node.properties === 'object' && node.properties !== null))
}
