import { isMapping, listOf, textOf, valueOf } from '../lenient.ts'
import type { Mapping } from '../lenient.ts'
import type { ManifestFile } from '../rule.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { writeManifest } from './manifest-text.ts'
import { isTextPlace, writtenValues } from './written-values.ts'

/**
 * How plugins were described before today's `sage.yaml`:
 * A (2020) `architecture: []` and `source: "url#branch#./Dockerfile"` or a bare address ·
 * B (Virtual Waggle, 2020-21) `sources: [{architectures, build_args}]` ·
 * C (the first ECR, late 2020) `sources: [{name, url, branch, directory, dockerfile, build_args, architectures}]`, `owner` ·
 * A+B a text as `source` and a list as `sources`.
 * D, today's keys in JSON, needs no conversion: Sage takes it as it is.
 */
export type Dialect = 'A' | 'B' | 'C' | 'A+B'

/** Something that today's manifest has no place for. */
export interface DroppedPart {
  /** In the old document. */
  readonly path: DocumentPath
  readonly reason: string
  /** Whether it said something that is lost; false for empty values, and for what nobody reads any more. */
  readonly matters: boolean
}

export interface ConvertedManifest {
  readonly dialect: Dialect
  /** In today's keys. */
  readonly manifest: Mapping
  readonly dropped: readonly DroppedPart[]
  /** Texts are as they were written; false: what was written as `1.10` may stand there as 1.1. */
  readonly isCertain: boolean
  /** The `sage.yaml` to write. */
  readonly text: string
}

/** Keys that today's manifest takes as they are (sage-ecr config.py, valid_fields, without `source`). */
const KEPT = [
  'name',
  'namespace',
  'version',
  'description',
  'keywords',
  'authors',
  'collaborators',
  'funding',
  'license',
  'homepage',
  'resources',
  'inputs',
  'metadata',
  'frozen',
  'arguments',
  'baseCommand',
  'depends_on',
  'testing',
]

const SOURCE_KEYS = ['architectures', 'url', 'branch', 'tag', 'directory', 'dockerfile', 'build_args']

/** Keys that only the dead tools read. */
const OBSOLETE: Readonly<Record<string, string>> = {
  id: 'Virtual Waggle numbered plugins; nothing does today',
  owner: 'the ECR knows the owner by whoever registers the plugin',
}

/**
 * Today's manifest of one in an old dialect, recognised by shape, whatever the file is called. Undefined for one that has today's shape already
 * (dialect D among them), and for what is no known shape. `file` holds the value; without it nobody knows how its numbers were written.
 */
export function convertDialect(value: Mapping, file?: ManifestFile): ConvertedManifest | undefined {
  const dialect = recogniseDialect(value)
  if (dialect === undefined) return undefined
  const written = file === undefined ? { value, isCertain: areTexts(value) } : writtenValues(file)
  const dropped: DroppedPart[] = []
  const kept = convertTop(written.value, dropped)
  const manifest = { ...kept, source: convertSource(written.value, dropped) }
  return { dialect, manifest, dropped, isCertain: written.isCertain, text: writeManifest(manifest) }
}

/** Whether nothing but texts stands where Sage wants texts. */
function areTexts(value: unknown, path: DocumentPath = []): boolean {
  if (isTextPlace(path) && (typeof value === 'number' || typeof value === 'boolean')) return false
  // Nothing deeper is such a place: sources, its first, build_args, an argument.
  if (path.length > 3 || typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, item]) => areTexts(item, [...path, key]))
}

function recogniseDialect(value: Mapping): Dialect | undefined {
  const source = valueOf(value, 'source')
  const [first] = listOf(value, 'sources')
  const hasSources = isMapping(first)
  if (isMapping(source)) return undefined
  if (typeof source === 'string' && hasSources) return 'A+B'
  if (hasSources) return ['url', 'branch', 'directory', 'dockerfile', 'name'].some((key) => valueOf(first, key) !== undefined) ? 'C' : 'B'
  const isOld = listOf(value, 'architecture').length > 0 || (typeof source === 'string' && Number.isInteger(valueOf(value, 'id')))
  return isOld ? 'A' : undefined
}

function convertTop(value: Mapping, dropped: DroppedPart[]): Mapping {
  const kept: [string, unknown][] = []
  for (const [key, item] of Object.entries(value)) {
    if (key === 'source' || key === 'sources' || key === 'architecture') continue
    if (!KEPT.includes(key)) {
      const reason = Object.hasOwn(OBSOLETE, key) ? OBSOLETE[key] : undefined
      dropped.push({ path: [key], reason: reason ?? 'Sage refuses a manifest with this key', matters: reason === undefined })
    } else if (isEmpty(item) && key !== 'description') dropped.push({ path: [key], reason: 'it is empty', matters: false })
    else kept.push([key, item])
  }
  return Object.fromEntries(kept)
}

function convertSource(value: Mapping, dropped: DroppedPart[]): Mapping {
  const [first, ...others] = listOf(value, 'sources')
  const inner = isMapping(first) ? first : {}
  const own: [string, unknown][] = []
  for (const [key, item] of Object.entries(inner)) {
    const path = ['sources', 0, key]
    if (!SOURCE_KEYS.includes(key)) dropped.push({ path, reason: 'a plugin has one source today, which has no such key', matters: key !== 'name' })
    else if (isEmpty(item)) dropped.push({ path, reason: 'it is empty', matters: false })
    else own.push([key, item])
  }
  for (const position of others.keys()) dropped.push({ path: ['sources', position + 1], reason: 'a plugin has one source today', matters: true })
  const fromText = splitSource(textOf(value, 'source'), dropped)
  const architecture = listOf(value, 'architecture')
  const source: Mapping = { ...fromText, ...(architecture.length > 0 && { architectures: architecture }), ...Object.fromEntries(own) }
  const isOther = architecture.length > 0 && JSON.stringify(source['architectures']) !== JSON.stringify(architecture)
  if (isOther) dropped.push({ path: ['architecture'], reason: '`sources[0].architectures` says something else', matters: true })
  for (const [key, item] of Object.entries(fromText)) {
    if (item !== source[key]) dropped.push({ path: ['source'], reason: `\`sources[0].${key}\` says something else`, matters: true })
  }
  return Object.fromEntries(Object.entries(source).toSorted(([a], [b]) => SOURCE_KEYS.indexOf(a) - SOURCE_KEYS.indexOf(b)))
}

/** `https://…/repository.git#master#./Dockerfile`; the last two parts may be missing. On GitHub, what follows the repository is the folder. */
function splitSource(text: string, dropped: DroppedPart[]): Mapping {
  const [address = '', branch, dockerfile, ...more] = text.split('#')
  if (more.length > 0) dropped.push({ path: ['source'], reason: 'what follows the third # means nothing', matters: true })
  const folder = /^(https:\/\/github\.com\/[^/]+\/[^/]+)\/(?!tree\/|blob\/)([^/].*)$/.exec(address)
  return {
    ...(address !== '' && { url: folder?.[1] ?? address }),
    ...(branch && { branch }),
    ...(folder?.[2] !== undefined && { directory: folder[2] }),
    ...(dockerfile && { dockerfile: dockerfile.replace(/^\.\//, '') }),
  }
}

/** The old tools wrote `""`, `[]` or `{}` for what is not there. */
function isEmpty(value: unknown): boolean {
  return value === '' || value === null || (Array.isArray(value) && value.length === 0) || (isMapping(value) && Object.keys(value).length === 0)
}
