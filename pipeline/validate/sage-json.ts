import { listOf, mappingOf, textOf, valueOf } from './lenient.ts'
import type { Mapping } from './lenient.ts'

/** Keys that today's manifest takes over from the old dialects as they are. */
const KEPT = [
  'namespace',
  'name',
  'version',
  'description',
  'keywords',
  'authors',
  'collaborators',
  'homepage',
  'funding',
  'license',
  'inputs',
  'resources',
  'metadata',
  'arguments',
  'baseCommand',
  'depends_on',
  'testing',
]

const SOURCE_KEYS = ['url', 'branch', 'tag', 'architectures', 'directory', 'dockerfile', 'build_args']

/**
 * Today's manifest of a `sage.json` in one of its four dialects:
 * A (2020) `architecture` and `source: "url#branch#./Dockerfile"` · B (Virtual Waggle) `sources: [{architectures, build_args}]` ·
 * C (first ECR) `sources: [{name, url, branch, …}]`, `owner` · D today's keys as JSON. `id` and `owner` mean nothing any more.
 */
export function convertSageJson(document: Mapping): Mapping {
  if (isToday(document)) return document
  const source = { ...splitSource(textOf(document, 'source')), ...firstSource(document) }
  const architectures = listOf(document, 'architecture')
  const converted = {
    ...pick(document, KEPT),
    source: { ...(architectures.length > 0 && { architectures }), ...source },
  }
  return dropEmpty(converted)
}

function isToday(document: Mapping): boolean {
  return Array.isArray(valueOf(mappingOf(document, 'source'), 'architectures')) && valueOf(document, 'sources') === undefined
}

function firstSource(document: Mapping): Mapping {
  const [first] = listOf(document, 'sources')
  return pick(first, SOURCE_KEYS)
}

/** `https://…/repository.git#master#./Dockerfile`; the last two parts may be missing. */
function splitSource(text: string): Mapping {
  const [url, branch, dockerfile] = text.split('#')
  return { ...(url && { url }), ...(branch && { branch }), ...(dockerfile && { dockerfile: dockerfile.replace(/^\.\//, '') }) }
}

function pick(document: unknown, keys: readonly string[]): Mapping {
  return Object.fromEntries(keys.map((key) => [key, valueOf(document, key)] as const).filter(([, value]) => value !== undefined))
}

/** The old tools wrote `""` for what is not there. */
function dropEmpty(document: Mapping): Mapping {
  return Object.fromEntries(Object.entries(document).filter(([key, value]) => value !== '' || key === 'description'))
}
