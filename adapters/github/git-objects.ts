import { createHash } from 'node:crypto'
import { Failure } from '../../pipeline/failure.ts'
import type { TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import { blobId } from '../repository-tree/blob-file.ts'
import { MAX_ENTRIES } from '../repository-tree/folder-listing.ts'
import { readCommit } from './app-answers.ts'
import { notUnderstood, readList, readMember, readObject, readText } from './answers.ts'
import type { ByteCache } from './byte-cache.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'
import type { Send } from './transport.ts'

/** An entry as a tree lists it: where a link points to stands in its blob. */
export type ListedEntry = Omit<TreeEntry, 'target'>

/** Git's objects by their ids, which never change: what was fetched once is kept. */
export interface GitObjects {
  /** Undefined: there is no such commit. */
  commit(id: string): Promise<{ readonly message: string; readonly tree: string } | undefined>
  /** Every file below a tree. `storage-unavailable`: more than 50,000; `storage-corrupt`: it is not the tree of this id, or cannot be checked out. */
  tree(id: string): Promise<readonly ListedEntry[]>
  /** A file whole; `storage-corrupt` when it is not the blob of this id. */
  blob(id: string): Promise<Buffer>
  /** The first bytes of a large file, unchecked: their id is that of the whole. */
  blobStart(id: string, bytes: number): Promise<Buffer>
}

/** What is kept of one repository's Git. */
export interface GitObjectCache {
  readonly commits: ByteCache<{ readonly message: string; readonly tree: string }>
  readonly trees: ByteCache<readonly ListedEntry[]>
  readonly blobs: ByteCache<Buffer>
}

const READ = 'contents: read'
/** What an entry of a tree takes in memory beside its path, estimated. */
const ENTRY_BYTES = 200

/** The objects of one repository at GitHub; `scope` keeps what is cached for it apart from what is cached for others. */
export function gitObjects(client: GithubClient, send: Send, cache: GitObjectCache, scope: string): GitObjects {
  const { octokit, place, ask, find } = client
  return {
    async commit(id) {
      const known = cache.commits.get(`${scope} ${id}`)
      if (known !== undefined) return known
      const call = { what: `show the commit ${id}`, permission: READ }
      const isNone = (cause: unknown): boolean => [404, 409, 422].includes(statusOf(cause) ?? 0)
      const commit = await find(call, () => octokit.rest.git.getCommit({ ...place, commit_sha: id }), readCommit, isNone)
      if (commit !== undefined) cache.commits.set(`${scope} ${id}`, commit, commit.message.length * 2)
      return commit
    },
    async tree(id) {
      const known = cache.trees.get(`${scope} ${id}`)
      if (known !== undefined) return known
      const call = { what: `list the files of the tree ${id}`, permission: READ }
      // Git's own tree without a file, which GitHub does not keep.
      const entries =
        id === EMPTY_TREE
          ? []
          : await ask(
              call,
              () => octokit.rest.git.getTree({ ...place, tree_sha: id, recursive: 'true' }),
              (data) => readTree(data, id),
            )
      cache.trees.set(
        `${scope} ${id}`,
        entries,
        entries.reduce((sum, { path }) => sum + path.length * 2 + ENTRY_BYTES, 0),
      )
      return entries
    },
    async blob(id) {
      const known = cache.blobs.get(`${scope} ${id}`)
      if (known !== undefined) return known
      const call = { what: `show the file ${id}`, permission: READ }
      const content = await ask(call, () => octokit.rest.git.getBlob({ ...place, file_sha: id }), readBlob)
      if (blobId(content) !== id) throw new Failure('storage-corrupt', `GitHub answered with another file than ${id}`)
      cache.blobs.set(`${scope} ${id}`, content, content.length)
      return content
    },
    async blobStart(id, bytes) {
      const call = { what: `show the file ${id}`, permission: READ }
      const path = [place.owner, place.repo, 'git', 'blobs', id].map(encodeURIComponent).join('/')
      const headers = { accept: 'application/vnd.github.raw+json', 'user-agent': 'ctss' }
      const response = await send(`${client.options.baseUrl}/repos/${path}`, { headers }, { cutBytes: bytes })
      if (response.status === 200) return Buffer.from(await response.arrayBuffer())
      throw new Failure('forge-refused', `GitHub refused to ${call.what} (${response.status})`, {
        suggestion: `The app needs the permission \`${READ}\` there.`,
      })
    },
  }
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

interface Node {
  readonly path: string
  readonly mode: string
  readonly id: string
  readonly bytes: number
}

/** Entries of a tree that was listed whole, every folder of it checked against its id. */
function readTree(data: unknown, id: string): readonly ListedEntry[] {
  const answer = readObject(data, 'a tree')
  const items = readMember(answer, 'tree')
  if (!Array.isArray(items)) throw notUnderstood('a list `tree`')
  if (answer['truncated'] === true || items.length > 2 * MAX_ENTRIES) throw tooMany()
  const nodes = readList(items, readNode)
  checkIds(nodes, id)
  const files = nodes.filter(({ mode }) => mode !== '040000')
  if (files.length > MAX_ENTRIES) throw tooMany()
  return files.map(({ path, mode, id: blob, bytes }) => ({ path, mode: fileMode(mode, path), blob, bytes }))
}

function readNode(value: unknown): Node {
  const node = readObject(value, 'an entry of a tree')
  const [path, id, bytes] = [readText(node, 'path'), readText(node, 'sha'), node['size']]
  if (!/^[0-9a-f]{40}$/.test(id)) throw notUnderstood('an id of Git')
  return { path, mode: readText(node, 'mode'), id, bytes: typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : 0 }
}

function fileMode(mode: string, path: string): ListedEntry['mode'] {
  // Git no longer makes group-writable files, and checks them out as plain ones.
  if (mode === '100664') return '100644'
  if (mode === '100644' || mode === '100755' || mode === '120000' || mode === '160000') return mode
  throw unusable(`${JSON.stringify(path.slice(0, 200))} has the mode ${mode.slice(0, 20)}, which Git does not know`)
}

/**
 * Every folder's id is the SHA-1 of its entries, so that names which JSON cannot hold, and a listing that was changed, are noticed. A name that Git itself
 * would not check out is refused, as is a file that is a folder, too.
 */
function checkIds(nodes: readonly Node[], root: string): void {
  const ids = new Map([['', root], ...nodes.flatMap(({ path, mode, id }) => (mode === '040000' ? [[path, id] as const] : []))])
  const children = new Map<string, { readonly name: string; readonly node: Node }[]>([...ids.keys()].map((path) => [path, []]))
  const seen = new Set<string>()
  for (const node of nodes) {
    const end = node.path.lastIndexOf('/')
    const [parent, name] = [node.path.slice(0, Math.max(0, end)), node.path.slice(end + 1)]
    if (name === '' || name === '.' || name === '..' || name.toLowerCase() === '.git' || name.includes('\0') || seen.has(node.path))
      throw unusable(`it holds the name ${JSON.stringify(node.path.slice(0, 200))}`)
    seen.add(node.path)
    const folder = children.get(parent)
    if (folder === undefined || end === 0) throw unusable(`${JSON.stringify(node.path.slice(0, 200))} lies in no folder`)
    folder.push({ name, node })
  }
  for (const [path, entries] of children) {
    if (treeId(entries) === ids.get(path)) continue
    throw unusable(`the names in ${path === '' ? 'its root' : JSON.stringify(path.slice(0, 200))} are not UTF-8, or the answer was changed on its way`)
  }
}

/** Git sorts by bytes, a folder as if its name ended in a slash. */
function treeId(entries: readonly { readonly name: string; readonly node: Node }[]): string {
  const sorted = entries
    .map(({ name, node: { mode, id } }) => ({ key: Buffer.from(mode === '040000' ? `${name}/` : name), name, mode, id }))
    .sort((one, other) => Buffer.compare(one.key, other.key))
  const content = Buffer.concat(sorted.flatMap(({ name, mode, id }) => [Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`), Buffer.from(id, 'hex')]))
  return createHash('sha1').update(`tree ${content.length}\0`).update(content).digest('hex')
}

function readBlob(value: unknown): Buffer {
  const blob = readObject(value, 'a file')
  const { content, encoding } = blob
  if (typeof content !== 'string' || (encoding !== 'base64' && encoding !== 'utf-8')) throw notUnderstood('a text `content`')
  return Buffer.from(content, encoding)
}

function tooMany(): Failure {
  return new Failure('storage-unavailable', `The repository holds more than ${MAX_ENTRIES.toLocaleString('en')} files.`, {
    suggestion: 'Keep data and models out of Git: name them in ctss.yaml by address and sha256.',
  })
}

function unusable(why: string): Failure {
  return new Failure('storage-corrupt', `The commit cannot be checked out: ${why}.`, { suggestion: 'Give the files other names, and push again.' })
}
