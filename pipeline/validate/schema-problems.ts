import type { ErrorObject } from 'ajv'

import { error } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { isMapping, listOf, mappingOf, textOf, textsOf, valueOf } from './lenient.ts'
import { alternatives, closestWord, quote, writePath } from './words.ts'
import type { DocumentPath, YamlSource } from './yaml-source.ts'

/** What messages are made from. */
interface SchemaNode {
  readonly description: string | undefined
  readonly properties: readonly string[]
  /** What each branch of an `anyOf` or `oneOf` asks for, when it is a choice between keys. */
  readonly choices: readonly (readonly string[])[]
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'nothing',
}

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
    // Paths in the schema begin anew in each definition, so the place in the document must agree too.
    const isBranch = (item: ErrorObject): boolean => item.schemaPath.startsWith(`${choice.schemaPath}/`) && item.instancePath.startsWith(choice.instancePath)
    const isAboutType = (item: ErrorObject): boolean => item.instancePath === choice.instancePath && ['type', 'const', 'enum'].includes(item.keyword)
    const value = valueAt(source.value, parsePointer(choice.instancePath))
    const hasInside = isMapping(value) && schemaNode(schema, parsePointer(choice.instancePath)).choices.length === 0
    const inside = hasInside ? left.filter((item) => isBranch(item) && !isAboutType(item)) : []
    return left.filter((item) => (item === choice ? inside.length === 0 : !isBranch(item) || inside.includes(item)))
  }, errors)
}

function describe(item: ErrorObject, source: YamlSource, schema: unknown): Problem | undefined {
  const path = parsePointer(item.instancePath)
  const name = path.length === 0 ? source.file : `\`${writePath(path)}\``
  const value = valueAt(source.value, path)
  const node = schemaNode(schema, path)
  const here = (code: string, message: string, suggestion?: string): Problem =>
    error(code, message, { place: source.place(path), ...(suggestion !== undefined && { suggestion }) })

  // Said by the propertyNames error that goes with it.
  if (item.propertyName !== undefined) return undefined
  switch (item.keyword) {
    case 'additionalProperties':
      return unknownKey(String(item.params['additionalProperty']), path, node, source)
    case 'required':
      return error('CTSS-C006', `${name} needs the key \`${item.params['missingProperty']}\`.`, { place: source.place(path, 'key') })
    case 'type':
      return wrongType(item.params['type'], path, value, name, source)
    case 'enum':
      return wrongWord(item.params['allowedValues'], value, name, here)
    case 'const':
      return here('CTSS-C008', `${name} must be ${quote(item.params['allowedValue'])}, not ${quote(value)}.`)
    case 'pattern':
      return here('CTSS-C008', `${name}: ${quote(value)} is not allowed.`, node.description)
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return here(
        'CTSS-C009',
        Number(item.params['limit']) === 1
          ? `${name} must not be empty.`
          : `${name} must have at least ${item.params['limit']} ${item.keyword === 'minLength' ? 'characters' : 'entries'}.`,
        node.description,
      )
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return here('CTSS-C009', `${name} must have at most ${item.params['limit']} ${item.keyword === 'maxLength' ? 'characters' : 'entries'}.`)
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return here('CTSS-C009', `${name} is ${quote(value)} and must be ${item.params['comparison']} ${item.params['limit']}.`)
    case 'propertyNames':
      return error('CTSS-C008', `${quote(item.params['propertyName'])} cannot be a key of ${name}.`, {
        place: source.place([...path, String(item.params['propertyName'])], 'key'),
        ...(node.description !== undefined && { suggestion: node.description }),
      })
    case 'anyOf':
    case 'oneOf':
      return noChoice(node, name, value, here)
    default:
      return here('CTSS-C008', `${name} ${item.message ?? 'is not allowed'}.`)
  }
}

function unknownKey(key: string, path: DocumentPath, { properties: known }: SchemaNode, source: YamlSource): Problem {
  const meant = closestWord(key, known)
  const where = path.length === 0 ? source.file : `\`${writePath(path)}\``
  const suggestion = meant === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`
  return error('CTSS-C005', `${where} knows no key \`${key.slice(0, 100)}\`.`, { place: source.place([...path, key], 'key'), suggestion })
}

function wrongType(type: unknown, path: DocumentPath, value: unknown, name: string, source: YamlSource): Problem {
  const types = (Array.isArray(type) ? type : [type]).map(String)
  const wanted = alternatives(types.filter((word) => word !== 'null' || types.length === 1).map((word) => TYPE_WORDS[word] ?? word))
  const place = source.place(path)
  const written = source.written(path)
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean') && written !== undefined) {
    return error('CTSS-C007', `${name} must be text, but YAML reads ${written} as ${typeof value === 'number' ? `the number ${value}` : `${value}`}.`, {
      place,
      suggestion: `Quote it: "${written}".`,
    })
  }
  return error('CTSS-C007', `${name} must be ${wanted}, not ${typeWord(value)}.`, { place, ...listSuggestion(types, value) })
}

function listSuggestion(types: readonly string[], value: unknown): { suggestion?: string } {
  if (types.includes('string') && Array.isArray(value))
    return {
      suggestion: `Write one text, with commas: "${value
        .filter((item) => typeof item === 'string')
        .join(', ')
        .slice(0, 200)}".`,
    }
  if (types.includes('array') && typeof value === 'string') return { suggestion: `Write a list: [${value.slice(0, 200)}].` }
  return {}
}

function wrongWord(allowed: unknown, value: unknown, name: string, here: (code: string, message: string, suggestion?: string) => Problem): Problem {
  const words = Array.isArray(allowed) ? allowed.map(String) : []
  const meant = typeof value === 'string' ? closestWord(value, words) : undefined
  return here('CTSS-C008', `${name} must be ${alternatives(words)}, not ${quote(value)}.`, meant === undefined ? undefined : `Did you mean ${quote(meant)}?`)
}

function noChoice(
  { choices, description }: SchemaNode,
  name: string,
  value: unknown,
  here: (code: string, message: string, suggestion?: string) => Problem,
): Problem {
  if (choices.length === 0) return here('CTSS-C008', `${name}: ${quote(value)} is not allowed.`, description)
  const present = choices.filter((keys) => keys.every((key) => isMapping(value) && Object.hasOwn(value, key)))
  const words = alternatives(choices.map((keys) => keys.map((key) => `\`${key}\``).join(' with ')))
  return present.length > 1 ? here('CTSS-C008', `${name} takes only one of ${words}.`) : here('CTSS-C006', `${name} needs ${words}.`)
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
  return path.reduce<unknown>(
    (found, part) => (typeof found === 'object' && found !== null ? Object.getOwnPropertyDescriptor(found, part)?.value : undefined),
    value,
  )
}

/**
 * What the schema says about a place in the document: keywords of the property itself and of the definition that it refers to.
 * Found along the document's path, as an error's own schema path begins anew in each definition.
 */
function schemaNode(schema: unknown, path: DocumentPath): SchemaNode {
  const candidates = path.reduce<readonly unknown[]>(
    (found, part) => found.flatMap((node) => below(node, part)).flatMap((node) => expand(node, schema)),
    expand(schema, schema),
  )
  const alternativesOf = (node: unknown): readonly unknown[] => [...listOf(node, 'anyOf'), ...listOf(node, 'oneOf')]
  return {
    description: candidates.map((node) => textOf(node, 'description')).find((text) => text !== ''),
    properties: candidates.flatMap((node) => Object.keys(mappingOf(node, 'properties'))),
    choices: candidates
      .flatMap(alternativesOf)
      .filter((branch) => valueOf(branch, 'type') === undefined)
      .map((branch) => textsOf(branch, 'required').map(({ text }) => text))
      .filter((keys) => keys.length > 0),
  }
}

function below(node: unknown, part: string | number): readonly unknown[] {
  if (typeof part === 'number') return isMapping(valueOf(node, 'items')) ? [valueOf(node, 'items')] : []
  const property = valueOf(mappingOf(node, 'properties'), part) ?? valueOf(node, 'additionalProperties')
  return isMapping(property) ? [property] : []
}

/** A node, what it refers to in the same document, and the branches of its choices. */
function expand(node: unknown, schema: unknown): readonly unknown[] {
  const reference = /^#\/\$defs\/(\w+)$/.exec(textOf(node, '$ref'))?.[1]
  const referred = reference === undefined ? [] : expand(valueOf(mappingOf(schema, '$defs'), reference), schema)
  return [node, ...referred, ...listOf(node, 'anyOf').filter((branch) => valueOf(branch, 'properties') !== undefined)]
}
