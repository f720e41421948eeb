/** GitHub's own OpenAPI document as a judge of requests and answers, and as a filler of what an answer lacks. `scripts/prune-openapi.ts` makes the document. */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: unknown
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly allOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}
interface Parameter {
  readonly $ref?: string
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Schema
  readonly 'x-multi-segment'?: boolean
}
interface Body {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}
interface Operation {
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: Body
  readonly responses?: Readonly<Record<string, Body>>
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>> & { readonly parameters?: readonly Parameter[] }>>
  readonly webhooks: Readonly<Record<string, Schema | undefined>>
  readonly components: unknown
}

/** One operation that GitHub knows. */
export interface Route {
  readonly method: string
  readonly operation: Operation
  readonly parameters: readonly Parameter[]
  readonly pattern: RegExp
  readonly literalLength: number
}

export interface JudgedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Parsed JSON; undefined for anything else. */
  readonly body: unknown
  readonly contentType: string | undefined
}

const URI = /^[a-z][a-z0-9+.-]*:[^\s[\]]+$/i
const PLAINEST_ADDRESS = 'https://github.invalid/'
const METHODS = ['get', 'put', 'post', 'patch', 'delete']
const DOCUMENT = 'github'
const document = amend(JSON.parse(brotliDecompressSync(readFileSync(new URL('openapi.json.br', import.meta.url))).toString('utf8')) as Document)
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  logger: false,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/, uri: URI },
})
ajv.addSchema({ $id: DOCUMENT, components: document.components })
const validators = new Map<string, ValidateFunction>()
const routes = listRoutes()

/** The operation that GitHub would carry out; the most literal path wins: `/releases/latest` before `/releases/{release_id}`. */
export function findRoute(method: string, path: string): Route | undefined {
  const { pathname } = new URL(path, 'http://github.invalid')
  return routes.find((route) => route.method === method && route.pattern.test(pathname))
}

/** What GitHub would not understand of a request; unknown names, which it would ignore, are typing errors of ours, and count. */
export function checkRequest(route: Route | undefined, { method, path, body, contentType }: JudgedRequest): readonly string[] {
  const { pathname, searchParams } = new URL(path, 'http://github.invalid')
  if (route === undefined) return [`no such operation: ${method} ${pathname}`]
  return [...checkQuery(route, searchParams), ...checkBody(route, body, contentType)]
}

/** What is wrong with an answer; nothing where the document keeps no answer of this operation. */
export function checkAnswer(route: Route, status: number, body: unknown): readonly string[] {
  const schema = answerSchema(route, status)
  if (schema === undefined) return []
  const validate = validatorOf(`${route.operation.operationId}=${status}`, schema)
  return validate(body) ? [] : describe(validate.errors)
}

/** An answer with all that GitHub would never leave out: the plainest values, on which no test may lean. */
export function completeAnswer(route: Route, status: number, body: unknown): unknown {
  const schema = answerSchema(route, status)
  return schema === undefined ? body : complete(schema, body)
}

/**
 * Where GitHub and its document are known to differ, GitHub is right: `head.repo` and `head.user` of a pull request are null when the fork or its owner is gone (as the
 * document itself says of webhooks), and `created` of runs is a range of dates (https://docs.github.com/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax#query-for-dates).
 */
function amend(raw: Document): Document {
  const { schemas, parameters } = raw.components as {
    readonly schemas: Readonly<Record<string, { readonly properties: Readonly<Record<string, { readonly properties: Record<string, unknown> }>> }>>
    readonly parameters: Readonly<Record<string, { schema: unknown }>>
  }
  for (const name of ['pull-request', 'pull-request-simple'])
    for (const side of ['repo', 'user']) {
      const properties = schemas[name]?.properties['head']?.properties
      if (properties !== undefined) properties[side] = { anyOf: [properties[side], { type: 'null' }] }
    }
  const { created } = parameters
  if (created !== undefined) created.schema = { type: 'string' }
  return raw
}

/** A webhook's action; empty where it has none. */
export function actionOf({ action }: Readonly<Record<string, unknown>>): string {
  return typeof action === 'string' ? action : ''
}

/** What is wrong with a webhook. */
export function checkWebhook(event: string, payload: Readonly<Record<string, unknown>>): readonly string[] {
  const schema = webhookSchema(event, payload)
  if (schema === undefined) return [`there is no webhook ${event} ${actionOf(payload)}`]
  const validate = validatorOf(`webhook ${event} ${actionOf(payload)}`, schema)
  return validate(payload) ? [] : describe(validate.errors)
}

/** A webhook with all that GitHub would never leave out: the plainest values, on which no test may lean. */
export function completeWebhook(event: string, payload: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const schema = webhookSchema(event, payload)
  return schema === undefined ? payload : (complete(schema, payload) as Readonly<Record<string, unknown>>)
}

function webhookSchema(event: string, { action }: Readonly<Record<string, unknown>>): Schema | undefined {
  const name = event.replaceAll('_', '-')
  return document.webhooks[typeof action === 'string' ? `${name}-${action.replaceAll('_', '-')}` : name]
}

function listRoutes(): readonly Route[] {
  return Object.entries(document.paths)
    .flatMap(([template, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method]
        if (operation === undefined) return []
        const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve)
        return [
          {
            method: method.toUpperCase(),
            operation,
            parameters,
            pattern: patternOf(template, parameters),
            literalLength: template.replace(/\{[^}]+\}/g, '').length,
          },
        ]
      }),
    )
    .toSorted((one, other) => other.literalLength - one.literalLength)
}

function patternOf(template: string, parameters: readonly Parameter[]): RegExp {
  const parts = template.split(/(\{[^}]+\})/).map((part) => {
    if (!part.startsWith('{')) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    const isMany = parameters.some((parameter) => parameter.in === 'path' && parameter.name === part.slice(1, -1) && parameter['x-multi-segment'])
    return isMany ? '(.+)' : '([^/]+)'
  })
  // GitHub's document gives the root folder no path of its own.
  return new RegExp(`^${parts.join('').replace(/\/contents\/\(\.\+\)$/, '/contents(?:/(.*))?')}$`)
}

function checkQuery({ operation, parameters }: Route, query: URLSearchParams): readonly string[] {
  const known = new Map(parameters.filter((parameter) => parameter.in === 'query').map((parameter) => [parameter.name, parameter]))
  const wrong = [...query].flatMap(([name, text]) => {
    const schema = known.get(name)?.schema
    if (schema === undefined) return [`query ${name}: unknown`]
    const validate = validatorOf(`${operation.operationId}?${name}`, schema)
    return validate(fromQuery(text, schema)) ? [] : describe(validate.errors).map((error) => `query ${name}: ${error}`)
  })
  return [...wrong, ...[...known.values()].filter(({ name, required }) => required && !query.has(name)).map(({ name }) => `query ${name}: missing`)]
}

/** What arrives as text; the schema says what was meant. */
function fromQuery(text: string, schema: Schema): unknown {
  const [type] = [resolve(schema).type].flat()
  if ((type === 'integer' || type === 'number') && text !== '') return Number(text)
  return type === 'boolean' ? ({ true: true, false: false }[text] ?? text) : text
}

function checkBody({ operation }: Route, body: unknown, contentType: string | undefined): readonly string[] {
  const content = operation.requestBody === undefined ? undefined : resolve(operation.requestBody).content
  const schema = content?.['application/json']?.schema
  if (schema === undefined) return body === undefined || content !== undefined ? [] : ['body: there must be none']
  if (contentType !== undefined && !contentType.startsWith('application/json')) return [`body: ${contentType} is no JSON`]
  const validate = validatorOf(operation.operationId, schema)
  const wrong = validate(body ?? {}) ? [] : describe(validate.errors)
  return [...wrong, ...unknownNames(schema, body)].map((error) => `body: ${error}`)
}

function unknownNames(schema: Schema, value: unknown, at = ''): readonly string[] {
  const branches = branchesOf(schema)
  if (Array.isArray(value)) {
    const items = branches.find((branch) => branch.items)?.items
    return items ? value.flatMap((item: unknown, index) => unknownNames(items, item, `${at}/${index}`)) : []
  }
  if (typeof value !== 'object' || value === null) return []
  const known = Object.assign({}, ...branches.map(({ properties }) => properties ?? {})) as Readonly<Record<string, Schema>>
  if (Object.keys(known).length === 0) return []
  return Object.entries(value).flatMap(([name, member]) => (known[name] ? unknownNames(known[name], member, `${at}/${name}`) : [`${at}/${name} unknown`]))
}

function branchesOf(schema: Schema): readonly Schema[] {
  const own = resolve(schema)
  return [own, ...[...(own.allOf ?? []), ...(own.oneOf ?? []), ...(own.anyOf ?? [])].flatMap(branchesOf)]
}

function answerSchema({ operation }: Route, status: number): Schema | undefined {
  const answer = operation.responses?.[status]
  return answer && resolve(answer).content?.['application/json']?.schema
}

function validatorOf(key: string, schema: Schema): ValidateFunction {
  const validate = validators.get(key) ?? ajv.compile(withDocument(schema))
  validators.set(key, validate)
  return validate
}

/** References lead into the document, wherever the schema is used. */
function withDocument(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${DOCUMENT}#/`)) as object
}

function resolve<Node extends { readonly $ref?: string }>(node: Node): Node {
  if (node.$ref === undefined) return node
  const found = node.$ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)[name], document)
  return resolve(found as Node)
}

function describe(errors: readonly ErrorObject[] | null | undefined): readonly string[] {
  return (errors ?? []).map(({ instancePath, message, params }) => {
    const allowed = 'allowedValues' in params && Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(' | ')}` : ''
    return `${instancePath || '(root)'} ${message}${allowed}`
  })
}

function complete(schema: Schema, given: unknown): unknown {
  const own = resolve(schema)
  let value = given === undefined || (given === null && !allowsNull(own)) ? plainest(own) : given
  if (typeof value === 'string' && own.format === 'uri' && !URI.test(value)) return mendAddress(value)
  if (value === null || typeof value !== 'object') return value
  for (const part of own.allOf ?? []) value = complete(part, value)
  const branch = (own.oneOf ?? own.anyOf)?.find((candidate) => resolve(candidate).type !== 'null')
  if (branch !== undefined) value = complete(branch, value)
  if (Array.isArray(value)) return own.items === undefined ? value : value.map((item: unknown) => complete(own.items!, item))
  const filled: Record<string, unknown> = { ...(value as object) }
  for (const [name, member] of Object.entries(own.properties ?? {})) {
    const isRequired = own.required?.includes(name) === true
    if (filled[name] === null && !allowsNull(member) && !isRequired) delete filled[name]
    if (name in filled || isRequired) filled[name] = complete(member, filled[name])
  }
  return filled
}

/** emulate writes `[bot]` into addresses as it is, and leaves some empty. */
function mendAddress(value: string): string {
  return value === '' ? PLAINEST_ADDRESS : value.replaceAll('[', '%5B').replaceAll(']', '%5D')
}

function allowsNull(schema: Schema): boolean {
  const own = resolve(schema)
  return [own.type].flat().includes('null') || [...(own.oneOf ?? []), ...(own.anyOf ?? [])].some(allowsNull)
}

function plainest(schema: Schema): unknown {
  const own = resolve(schema)
  if (allowsNull(own)) return null
  if (own.enum) return own.enum[0]
  const [branch] = own.oneOf ?? own.anyOf ?? []
  if (branch !== undefined) return plainest(branch)
  switch (String([own.type].flat()[0])) {
    case 'string':
      return own.format === 'date-time' ? '2026-01-01T00:00:00Z' : own.format === 'uri' ? PLAINEST_ADDRESS : ''
    case 'integer':
    case 'number':
      return own.minimum ?? 0
    case 'boolean':
      return false
    case 'array':
      return []
    default:
      return {}
  }
}
