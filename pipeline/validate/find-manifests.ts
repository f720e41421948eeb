import type { RepositoryTree } from '../ports/repository-tree.ts'
import type { TreeIndex } from '../tree.ts'
import { mappingOf, textOf, valueOf } from './lenient.ts'
import { makeManifest } from './manifest-spans.ts'
import { readBody } from './sage/body.ts'
import { textFile } from './text-file.ts'

/** The Portal reads the first alone (sage-gui CreateApp.tsx L117-122); the others are what authors have. The first that a folder holds counts. */
export const MANIFEST_FILES = ['sage.yaml', 'sage.yml', 'sage.json'] as const

/** Names that a few authors gave to a second manifest; other things are called so too, so these must look like one. */
const SECOND_NAMES = ['plugin.yaml', 'plugin.yml'] as const

/** The largest public manifest has 4 KB; what is larger and called plugin.yaml is something else. */
const MAX_SECOND_BYTES = 32 * 1024

/** Folders of what others wrote. */
const FOREIGN = /(?:^|\/)(?:node_modules|site-packages|\.?venv|third_party|vendor)(?:\/|$)/

/** A repository with more is none of plugins. */
const MAX_MANIFESTS = 100

/** The manifest at the root; undefined: there is none. */
export function rootManifest({ entries, folders }: TreeIndex): string | undefined {
  return MANIFEST_FILES.find((name) => entries.has(name) || folders.has(name))
}

/** Every manifest of a repository, the root's first, then by path; at most 100. */
export async function findManifests(tree: RepositoryTree, index: TreeIndex): Promise<readonly string[]> {
  const byFolder = new Map<string, Set<string>>()
  for (const path of index.entries.keys()) {
    const slash = path.lastIndexOf('/')
    const [folder, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
    if (FOREIGN.test(folder) || ![...MANIFEST_FILES, ...SECOND_NAMES].some((candidate) => candidate === name)) continue
    byFolder.set(folder, (byFolder.get(folder) ?? new Set()).add(name))
  }
  const found: string[] = []
  let looked = 0
  for (const [folder, names] of [...byFolder].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (found.length >= MAX_MANIFESTS || looked >= MAX_MANIFESTS) break
    const inFolder = (name: string): string => (folder === '' ? name : `${folder}/${name}`)
    const first = MANIFEST_FILES.find((name) => names.has(name))
    if (first !== undefined) found.push(inFolder(first))
    for (const name of SECOND_NAMES) {
      if (!names.has(name)) continue
      looked += 1
      if (await looksLikeManifest(tree, inFolder(name))) found.push(inFolder(name))
    }
  }
  const root = rootManifest(index)
  return root === undefined || found.includes(root) ? found : [root, ...found]
}

async function looksLikeManifest(tree: RepositoryTree, path: string): Promise<boolean> {
  const content = await tree.read(path, MAX_SECOND_BYTES)
  if (content === undefined || content.length > MAX_SECOND_BYTES || !content.includes('architectures')) return false
  const parsed = readBody(content.toString('utf8'))
  if (!('value' in parsed) || parsed.value.type !== 'dict') return false
  const { value } = makeManifest(textFile(path, ''), parsed.value)
  return textOf(value, 'name') !== '' && valueOf(mappingOf(value, 'source'), 'architectures') !== undefined
}
