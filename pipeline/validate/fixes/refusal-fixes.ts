import type { Fix } from '../../../schemas/generated/types.ts'
import type { ManifestFacts, ManifestFile } from '../rule.ts'
import { MANIFEST_KEYS, SOURCE_KEYS } from '../sage/facts.ts'
import type { Refusal } from '../sage/judge-submission.ts'
import type { PythonValue } from '../sage/python-value.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { meantArchitecture } from './architecture-names.ts'
import { membersOf, valueAt } from './document-nodes.ts'
import { INPUT_VOCABULARY, meantInputType } from './input-words.ts'
import { makeFix } from './make-fix.ts'
import { misspelledKeys } from './misspelled-keys.ts'
import { isNearlyName, isPluginName, spellName } from './plugin-names.ts'
import { survivesPortal } from './portal-survival.ts'
import { deleteEntry, insertEntry, joinList, plainText, quoteValue, renameKey, replaceValue, writeList } from './yaml-edits.ts'

/** Texts of the catalogue that Sage stores as they are, comma separated by convention. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(['description', 'keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license'])

/** Where Sage wants a text, below `source`. */
const SOURCE_TEXTS: ReadonlySet<string> = new Set(['url', 'branch', 'tag', 'directory', 'dockerfile'])

/** Keys whose value may be left out, and may not be nothing. */
const OPTIONAL: ReadonlySet<string> = new Set(['inputs', 'resources', 'metadata'])

/** The text that mends what Sage, or the Portal, refuses; undefined when there is none that is certain to be meant, or to keep the rest as it is. */
export function fixRefusal(refusal: Refusal, facts: ManifestFacts): Fix | undefined {
  const { path, part } = refusal
  const [top, second, third] = path
  if (path.length === 0) return undefined
  if (part === 'key') return fixKey(path, facts)
  const found = valueAt(facts.manifest.python, path)
  const recovered = path.length === 1 || (path.length === 2 && top === 'source') ? recoverMissing(path, facts) : undefined
  if (recovered !== undefined) return recovered
  if (path.length === 1 && OPTIONAL.has(String(top)) && found?.type === 'NoneType')
    return makeFix(`delete the empty ${top}`, true, deleteEntry(facts.manifest, path))
  if (path.length === 1) return fixTop(String(top), found, facts)
  if (top === 'source' && second === 'architectures') return fixArchitectures(path, found, facts.manifest)
  if (top === 'source' && path.length === 2) return fixSource(String(second), found, facts)
  if (top === 'inputs' && typeof second === 'number') return fixInput(path, third, found, facts.manifest)
  return top === 'source' && second === 'build_args' ? quoteFix(path, facts.manifest) : undefined
}

/** What is missing may be there under a misspelled name, or in the wrong place; the same edit then mends both. */
function recoverMissing(path: DocumentPath, { manifest }: ManifestFacts): Fix | undefined {
  const parent = valueAt(manifest.python, path.slice(0, -1))
  const field = String(path.at(-1))
  if (parent?.type !== 'dict' || membersOf(parent).byKey.has(field)) return undefined
  for (const [key, meant] of misspelledKeys(parent, path.length === 1 ? { words: MANIFEST_KEYS } : { words: SOURCE_KEYS }))
    if (meant === field) return renameFix(manifest, [...path.slice(0, -1), key], field)
  return path.length === 2 ? moveIntoSource(field, manifest) : undefined
}

function renameFix(manifest: ManifestFile, path: DocumentPath, key: string): Fix | undefined {
  return makeFix(`rename ${path.at(-1)} to ${key}`, true, renameKey(manifest, path, key))
}

function fixKey(path: DocumentPath, { manifest }: ManifestFacts): Fix | undefined {
  const key = String(path.at(-1))
  const parent = valueAt(manifest.python, path.slice(0, -1))
  const vocabulary = path.length === 1 ? { words: MANIFEST_KEYS } : path.length === 3 && path[0] === 'inputs' ? INPUT_VOCABULARY : undefined
  if (parent?.type !== 'dict' || vocabulary === undefined) return undefined
  const meant = misspelledKeys(parent, vocabulary).get(key)
  if (meant !== undefined) return renameFix(manifest, path, meant)
  return (path.length === 1 ? moveIntoSource(key, manifest) : undefined) ?? makeFix('delete it', false, deleteEntry(manifest, path))
}

/** A key of `source` that stands beside it instead of below. */
function moveIntoSource(key: string, manifest: ManifestFile): Fix | undefined {
  const value = valueAt(manifest.python, [key])
  if (!(SOURCE_KEYS as readonly string[]).includes(key) || value?.type !== 'str') return undefined
  const [insertion, deletion] = [insertEntry(manifest, ['source'], key, value.value), deleteEntry(manifest, [key])]
  return insertion === undefined || deletion === undefined ? undefined : makeFix('move it below source', true, [...deletion, ...insertion])
}

function fixTop(field: string, found: PythonValue | undefined, facts: ManifestFacts): Fix | undefined {
  const { manifest } = facts
  const path = [field]
  switch (field) {
    case 'name':
      return fixName(found, facts)
    case 'namespace':
      return fixNamespace(found, facts)
    case 'version':
      return found?.type === 'str' && found.value.includes('/')
        ? makeFix('write - for /', false, replaceValue(manifest, path, found.value.replaceAll('/', '-')))
        : quoteFix(path, manifest)
    default:
      if (!TEXT_FIELDS.has(field)) return undefined
      if (found?.type === 'list')
        return found.items.length === 0 ? emptyText(path, manifest) : makeFix('write one text with commas', true, joinList(manifest, path))
      return quoteFix(path, manifest)
  }
}

function emptyText(path: DocumentPath, manifest: ManifestFile): Fix | undefined {
  return path[0] === 'description' ? undefined : makeFix('write an empty text', true, replaceValue(manifest, path, ''))
}

/** Sage refuses the name, so that nobody uses it yet. */
function fixName(found: PythonValue | undefined, { manifest, repository }: ManifestFacts): Fix | undefined {
  const path = ['name']
  if (found === undefined || found.type === 'NoneType' || (found.type === 'str' && found.value === '')) {
    const own = (repository ?? '').replace(/\.git$/, '')
    const called = own.slice(own.lastIndexOf('/') + 1)
    const name = spellName(called)
    return name === undefined ? undefined : writeText(manifest, path, found, name, `name it ${name}, after the repository`, isNearlyName(called))
  }
  if (found.type !== 'str') {
    const written = plainText(manifest, path)
    return written === undefined || !isPluginName(written) ? undefined : makeFix('put it in quotes', false, quoteValue(manifest, path))
  }
  const name = spellName(found.value)
  if (name === undefined || name === found.value) return undefined
  return makeFix(`rename it to ${name}`, isNearlyName(found.value), replaceValue(manifest, path, name))
}

/** Where nobody says who registers the plugin, this user stands for it. */
const UNKNOWN_USER = 'local'

function fixNamespace(found: PythonValue | undefined, { manifest, portal }: ManifestFacts): Fix | undefined {
  const isMissing = found === undefined || found.type === 'NoneType' || (found.type === 'str' && found.value === '')
  if (portal.user === UNKNOWN_USER || !/^[a-z0-9]{4,30}$/.test(portal.user)) return undefined
  return writeText(manifest, ['namespace'], found, portal.user, `write your Sage user name, ${portal.user}`, isMissing)
}

function fixSource(key: string, found: PythonValue | undefined, facts: ManifestFacts): Fix | undefined {
  const { manifest, portal, repository } = facts
  const path = ['source', key]
  const isMissing = found === undefined || found.type === 'NoneType' || (found.type === 'str' && found.value === '')
  if (key === 'url' && isMissing) return repository === undefined ? undefined : writeText(manifest, path, found, portal.url, 'write this repository', true)
  if (key === 'branch' && isMissing) return writeText(manifest, path, found, portal.branch, `write the branch ${portal.branch}`, true)
  if (key === 'build_args' && found?.type === 'NoneType') return makeFix('delete the empty build_args', true, deleteEntry(manifest, path))
  return SOURCE_TEXTS.has(key) ? quoteFix(path, manifest) : undefined
}

/** Over what stands there, or as a new entry. */
function writeText(manifest: ManifestFile, path: DocumentPath, found: PythonValue | undefined, text: string, title: string, safe: boolean): Fix | undefined {
  const edits = found === undefined ? insertEntry(manifest, path.slice(0, -1), String(path.at(-1)), text) : replaceValue(manifest, path, text)
  return makeFix(title, safe && survivesPortal(text), edits)
}

function fixArchitectures(path: DocumentPath, found: PythonValue | undefined, manifest: ManifestFile): Fix | undefined {
  if (found?.type !== 'str' || found.value.length > 256) return undefined
  if (path.length === 3) {
    const meant = meantArchitecture(found.value)
    return meant === undefined ? undefined : makeFix(`write ${meant}`, true, replaceValue(manifest, path, meant))
  }
  const words = found.value.split(/[\s,;]+/).filter((word) => word !== '')
  const meant = words.flatMap((word) => meantArchitecture(word) ?? [])
  if (words.length === 0 || meant.length !== words.length) return undefined
  return makeFix('write a list', true, writeList(manifest, path.slice(0, 2), [...new Set(meant)]))
}

function fixInput(path: DocumentPath, key: string | number | undefined, found: PythonValue | undefined, manifest: ManifestFile): Fix | undefined {
  if (path.length !== 3 || key !== 'type') return quoteFix(path, manifest)
  const meant = found?.type === 'str' ? meantInputType(found.value) : undefined
  return meant && makeFix(`write ${meant.type}`, meant.isCertain, replaceValue(manifest, path, meant.type))
}

/** Quotes around what YAML reads as something else than the text that is wanted, where the Portal does not take them off again. */
function quoteFix(path: DocumentPath, manifest: ManifestFile): Fix | undefined {
  const written = plainText(manifest, path)
  const value = valueAt(manifest.python, path)
  if (written === undefined || value?.type === 'str' || value?.type === 'NoneType' || !survivesPortal(written)) return undefined
  return makeFix('put it in quotes', true, quoteValue(manifest, path))
}
