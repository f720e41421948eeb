/**
 * `node scripts/prune-openapi.ts`: writes test/support/github/openapi.json.br, by which the stand-in for GitHub judges what we send.
 * It is GitHub's own OpenAPI document (github/rest-api-description, MIT) as Octokit publishes it in npm's `@octokit/openapi`, cut down: every request
 * that GitHub knows, so that "no such operation" is GitHub's word, but only the answers that we read; no prose, no examples.
 * The package unpacks to 450 MB, so its tarball is fetched by `npm pack`, and one file is taken out of it.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'

const VERSION = '23.0.2'
/** Of `generated/api.github.com.json` in that version. */
const SHA256 = '829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a'
const TARGET = new URL('../test/support/github/openapi.json.br', import.meta.url)
const NOTICE = 'MIT License, Copyright (c) 2020 Octokit contributors; cut down from @octokit/openapi, no prose, requests and some answers only'

/** Paths whose answers we read: they are judged, and completed, too. A new call of ours adds its path here. */
const ANSWERED = [
  /^\/app(?:\/|$)/,
  /^\/app-manifests\//,
  /^\/installation\/repositories$/,
  /^\/(?:repos\/\{owner\}\/\{repo\}|orgs\/\{org\}|users\/\{username\})\/installation$/,
  /^\/users\/\{username\}$/,
  /^\/rate_limit$/,
  /^\/repos\/\{owner\}\/\{repo\}\/(?:activity|branches|branches\/\{branch\}|check-runs|check-suites|commits|compare|contents|git|pulls|tags|forks)(?:\/(?!.*\/protection)|$)/,
  /^\/repos\/\{owner\}\/\{repo\}\/actions\/(?:runs|jobs|workflows|artifacts)(?:\/|$)/,
  /^\/repos\/\{owner\}\/\{repo\}\/issues(?:\/(?:comments\/\{comment_id\}\/reactions.*|\{issue_number\}\/reactions.*|\{issue_number\}))?$/,
  /^\/repos\/\{owner\}\/\{repo\}$/,
  /^\/repos\/\{owner\}\/\{repo\}\/issues\/(?:\{issue_number\}\/comments|comments\/\{comment_id\})$/,
  /^\/repos\/\{owner\}\/\{repo\}\/releases(?:\/\{release_id\}|\/tags\/\{tag\}|\/\{release_id\}\/assets|\/assets\/\{asset_id\})?$/,
  /^\/repos\/\{owner\}\/\{repo\}\/pulls(?:\/\{pull_number\})?$/,
  /^\/repos\/\{owner\}\/\{repo\}\/git\/(?:ref\/\{ref\}|refs|tags\/\{tag_sha\}|tags)$/,
  /^\/repos\/\{owner\}\/\{repo\}\/collaborators\/\{username\}\/permission$/,
  /^\/app\/installations\/\{installation_id\}\/access_tokens$/,
]
/** Events that the app listens to, or that the stand-in has to send; `check_run.requested_action` is `check-run-requested-action` there. */
const WEBHOOKS = new RegExp(
  `^(?:push|create|delete|ping|(?:${[
    'installation(?:-repositories|-target)?',
    'pull-request(?!-review)',
    'issue-comment',
    'issues-(?:opened|closed|edited)',
    'check-run',
    'check-suite',
    'merge-group',
    'repository-(?:archived|created|deleted|edited|privatized|publicized|renamed|transferred|unarchived)',
    'release',
    'workflow-run',
    'workflow-job',
    'workflow-dispatch',
    'member',
  ].join('|')})(?:-.*)?)$`,
)
const PROSE = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'tags', 'servers', 'title', 'headers', 'links', 'security'])

type Node = Record<string, unknown>

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nodeOf(value: unknown): Node {
  if (!isNode(value)) throw new TypeError('the OpenAPI document is of another shape than this script knows')
  return value
}

/** A copy without prose. Under `properties` the names are GitHub's, and one of them may be "title". */
function strip(value: unknown, isNameMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => strip(item))
  if (!isNode(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      // x-multi-segment says which parameters of a path may hold slashes.
      .filter(([name]) => isNameMap || name === 'x-multi-segment' || !(PROSE.has(name) || name.startsWith('x-')))
      .map(([name, member]) => [name, strip(member, !isNameMap && name === 'properties')]),
  )
}

/** OpenAPI 3.0 to JSON Schema: `nullable` becomes a type. */
function toJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJsonSchema)
  if (!isNode(value)) return value
  const { nullable, ...rest } = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJsonSchema(member)]))
  if (typeof nullable !== 'boolean') return nullable === undefined ? rest : { ...rest, nullable }
  if (!nullable) return rest
  if (typeof rest['type'] !== 'string') return { anyOf: [rest, { type: 'null' }] }
  const values: unknown = rest['enum']
  return { ...rest, type: [rest['type'], 'null'], ...(Array.isArray(values) && { enum: values.includes(null) ? values : [...(values as unknown[]), null] }) }
}

/** What GitHub sends for an event, by its name there. */
function pruneWebhooks(webhooks: Node): unknown {
  const kept = Object.entries(webhooks).filter(([name]) => WEBHOOKS.test(name))
  return strip(
    Object.fromEntries(
      kept.map(([name, item]) => {
        const content = nodeOf(nodeOf(nodeOf(nodeOf(item)['post'])['requestBody'])['content'])
        return [name, nodeOf(content['application/json'])['schema']]
      }),
    ),
    true,
  )
}

function prunePath(path: string, item: unknown): unknown {
  const isAnswered = ANSWERED.some((pattern) => pattern.test(path))
  return Object.fromEntries(
    Object.entries(nodeOf(item)).map(([name, operation]) => {
      if (!isNode(operation) || operation['responses'] === undefined) return [name, operation]
      const { responses, ...rest } = operation
      if (!isAnswered) return [name, rest]
      return [name, { ...rest, responses: Object.fromEntries(Object.entries(nodeOf(responses)).filter(([status]) => status.startsWith('2'))) }]
    }),
  )
}

/** The components that are within reach of a document's paths. */
function reachable(paths: unknown, components: Node): Node {
  const kept: Record<string, Node> = {}
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isNode(value)) return
    if (typeof value['$ref'] === 'string') keep(value['$ref'])
    Object.values(value).forEach(visit)
  }
  const keep = (reference: string): void => {
    const [kind = '', name = ''] = reference.split('/').slice(2)
    if (kept[kind]?.[name] !== undefined) return
    const found = strip(nodeOf(components[kind])[name])
    ;(kept[kind] ??= {})[name] = found
    visit(found)
  }
  visit(paths)
  return kept
}

function fetchDocument(): Node {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-openapi-'))
  try {
    execFileSync('npm', ['pack', `@octokit/openapi@${VERSION}`, '--silent', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    execFileSync('tar', ['xzf', join(folder, `octokit-openapi-${VERSION}.tgz`), '-C', folder, 'package/generated/api.github.com.json'])
    const content = readFileSync(join(folder, 'package/generated/api.github.com.json'))
    const sha256 = createHash('sha256').update(content).digest('hex')
    if (sha256 !== SHA256) throw new Error(`@octokit/openapi ${VERSION} is not what was recorded: sha256 ${sha256}, not ${SHA256}`)
    return nodeOf(JSON.parse(content.toString('utf8')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const document = fetchDocument()
const paths = strip(Object.fromEntries(Object.entries(nodeOf(document['paths'])).map(([path, item]) => [path, prunePath(path, item)])))
const webhooks = pruneWebhooks(nodeOf(document['x-webhooks']))
const pruned = { notice: NOTICE, version: VERSION, paths, webhooks, components: reachable([paths, webhooks], nodeOf(document['components'])) }
const text = JSON.stringify(toJsonSchema(pruned))
const compressed = brotliCompressSync(text, {
  params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
})
writeFileSync(TARGET, compressed)
process.stdout.write(
  `openapi.json.br: ${Object.keys(nodeOf(paths)).length} paths, ${Object.keys(nodeOf(webhooks)).length} webhooks, ${Math.round(text.length / 1000)} kB, ${Math.round(compressed.length / 1000)} kB compressed\n`,
)
