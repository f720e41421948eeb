/** Git's own objects, with Git's own ids, kept in memory: what a repository and its forks share. */
import { createHash } from 'node:crypto'
import { structuredPatch } from 'diff'

export type ObjectKind = 'blob' | 'tree' | 'commit' | 'tag'

export interface GitObject {
  readonly kind: ObjectKind
  readonly content: Buffer
}

/** `040000` a folder, `100644` and `100755` files, `120000` a link, `160000` a submodule. */
export interface TreeEntry {
  readonly mode: string
  /** A name in its folder, or a whole path where a tree was flattened. */
  readonly path: string
  readonly id: string
}

/** Who, and when: RFC 3339 with the offset that it was written with. */
export interface Signature {
  readonly name: string
  readonly email: string
  readonly date: string
}

export interface Commit {
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: Signature
  readonly committer: Signature
  readonly message: string
}

export interface Tag {
  readonly object: string
  readonly kind: ObjectKind
  readonly tag: string
  readonly tagger: Signature
  readonly message: string
}

export interface FileChange {
  readonly path: string
  readonly status: 'added' | 'removed' | 'modified'
  readonly before: TreeEntry | undefined
  readonly after: TreeEntry | undefined
}

/** A file's change as GitHub shows it; `lines` are those of the new file that the diff shows, with its context of three. */
export interface FileDiff extends FileChange {
  readonly additions: number
  readonly deletions: number
  readonly patch: string | undefined
  readonly lines: ReadonlySet<number>
}

export type GitObjects = ReturnType<typeof gitObjects>

const FOLDER = '040000'

/** An empty store. */
export function gitObjects() {
  const objects = new Map<string, GitObject>()

  const put = (kind: ObjectKind, content: Buffer): string => {
    const id = createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest('hex')
    objects.set(id, { kind, content })
    return id
  }
  const read = (id: string, kind: ObjectKind): Buffer | undefined => {
    const found = objects.get(id)
    return found?.kind === kind ? found.content : undefined
  }
  const must = (id: string, kind: ObjectKind): Buffer => {
    const content = read(id, kind)
    if (content === undefined) throw new Error(`there is no ${kind} ${id}`)
    return content
  }
  const entries = (tree: string): readonly TreeEntry[] => parseTree(must(tree, 'tree'))
  const commits = new Map<string, Commit>()
  const commit = (id: string): Commit => {
    const known = commits.get(id) ?? parseCommit(must(id, 'commit'))
    commits.set(id, known)
    return known
  }

  const flatten = (tree: string, below = ''): Map<string, TreeEntry> => {
    const files = new Map<string, TreeEntry>()
    for (const { mode, path, id } of entries(tree)) {
      if (mode !== FOLDER) files.set(`${below}${path}`, { mode, path: `${below}${path}`, id })
      else for (const [inner, entry] of flatten(id, `${below}${path}/`)) files.set(inner, entry)
    }
    return files
  }
  const putTree = (list: readonly TreeEntry[]): string => put('tree', writeTree(list))
  /** The tree of files by their whole paths. */
  const putFiles = (files: Iterable<TreeEntry>): string => {
    const here: TreeEntry[] = []
    const below = new Map<string, TreeEntry[]>()
    for (const entry of files) {
      const [first = '', ...rest] = entry.path.split('/')
      if (rest.length === 0) here.push(entry)
      else below.set(first, [...(below.get(first) ?? []), { ...entry, path: rest.join('/') }])
    }
    return putTree([...here, ...[...below].map(([path, list]) => ({ mode: FOLDER, path, id: putFiles(list) }))])
  }
  /** A commit and all before it, the newest first, each after all that come from it. */
  const ancestors = (head: string): ReadonlySet<string> => {
    const seen = new Set<string>()
    const waiting = [head]
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      if (seen.has(id) || read(id, 'commit') === undefined) continue
      seen.add(id)
      waiting.push(...commit(id).parents)
    }
    return seen
  }
  /** One of the newest commits that both come from. */
  const mergeBase = (one: string, other: string): string | undefined => {
    const known = ancestors(one)
    return [...ancestors(other)].find((id) => known.has(id))
  }
  const changes = (before: string | undefined, after: string): readonly FileChange[] => {
    const [old, young] = [before === undefined ? new Map<string, TreeEntry>() : flatten(before), flatten(after)]
    return [...new Set([...old.keys(), ...young.keys()])].sort().flatMap((path) => {
      const [was, is] = [old.get(path), young.get(path)]
      if (was?.id === is?.id && was?.mode === is?.mode) return []
      return [
        { path, status: was === undefined ? ('added' as const) : is === undefined ? ('removed' as const) : ('modified' as const), before: was, after: is },
      ]
    })
  }
  const textOf = (entry: TreeEntry | undefined): string | undefined => {
    if (entry === undefined) return ''
    const content = read(entry.id, 'blob')
    return content === undefined || content.includes(0) ? undefined : content.toString('utf8')
  }
  const diff = (before: string | undefined, after: string): readonly FileDiff[] =>
    changes(before, after).map((change) => {
      const [old, young] = [textOf(change.before), textOf(change.after)]
      if (old === undefined || young === undefined) return { ...change, additions: 0, deletions: 0, patch: undefined, lines: new Set<number>() }
      const { hunks } = structuredPatch(change.path, change.path, old, young, undefined, undefined, { context: 3 })
      const lines = new Set<number>()
      for (const { newStart, lines: shown } of hunks) {
        let line = newStart
        for (const text of shown) if (text.startsWith('+') || text.startsWith(' ')) lines.add(line++)
      }
      const count = (sign: string): number => hunks.flatMap((hunk) => hunk.lines).filter((line) => line.startsWith(sign)).length
      const patch = hunks.map((hunk) => [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`, ...hunk.lines].join('\n')).join('\n')
      return { ...change, additions: count('+'), deletions: count('-'), patch, lines }
    })
  /** The tree of both; undefined: they changed the same file differently. */
  const merge = (base: string | undefined, ours: string, theirs: string): string | undefined => {
    const [from, one, other] = [base === undefined ? new Map<string, TreeEntry>() : flatten(base), flatten(ours), flatten(theirs)]
    const merged: TreeEntry[] = []
    for (const path of new Set([...one.keys(), ...other.keys()])) {
      const same = (left: TreeEntry | undefined, right: TreeEntry | undefined): boolean => left?.id === right?.id && left?.mode === right?.mode
      const [was, left, right] = [from.get(path), one.get(path), other.get(path)]
      const kept = same(left, right) || same(was, right) ? left : same(was, left) ? right : null
      if (kept === null) return undefined
      if (kept !== undefined) merged.push(kept)
    }
    return putFiles(merged)
  }
  return {
    put,
    get: (id: string): GitObject | undefined => objects.get(id),
    all: (): Iterable<readonly [string, GitObject]> => objects,
    read,
    entries,
    commit,
    tag: (id: string): Tag => parseTag(must(id, 'tag')),
    flatten,
    putTree,
    putFiles,
    putCommit: (content: Commit): string => put('commit', writeCommit(content)),
    putTag: (content: Tag): string => put('tag', writeTag(content)),
    /** The commit that an id names, through tags. */
    peel(id: string): string | undefined {
      let at = id
      while (read(at, 'tag') !== undefined) at = parseTag(must(at, 'tag')).object
      return read(at, 'commit') === undefined ? undefined : at
    },
    ancestors,
    mergeBase,
    changes,
    diff,
    merge,
    /** An id by its first digits. */
    find: (prefix: string): string | undefined => [...objects.keys()].find((id) => id.startsWith(prefix)),
  }
}

/** Kind of what an entry of a tree names. */
export function kindOf({ mode }: TreeEntry): 'blob' | 'tree' | 'commit' {
  return mode === FOLDER ? 'tree' : mode === '160000' ? 'commit' : 'blob'
}

function parseTree(content: Buffer): readonly TreeEntry[] {
  const entries: TreeEntry[] = []
  for (let at = 0; at < content.length;) {
    const [space, zero] = [content.indexOf(0x20, at), content.indexOf(0, at)]
    const id = content.subarray(zero + 1, zero + 21).toString('hex')
    entries.push({ mode: content.toString('latin1', at, space).padStart(6, '0'), path: content.toString('utf8', space + 1, zero), id })
    at = zero + 21
  }
  return entries
}

function writeTree(entries: readonly TreeEntry[]): Buffer {
  // Git sorts folders as if their names ended in a slash.
  const keyOf = ({ mode, path }: TreeEntry): Buffer => Buffer.from(mode === FOLDER ? `${path}/` : path)
  const sorted = entries.toSorted((one, other) => Buffer.compare(keyOf(one), keyOf(other)))
  return Buffer.concat(sorted.flatMap(({ mode, path, id }) => [Buffer.from(`${mode.replace(/^0/, '')} ${path}\0`), Buffer.from(id, 'hex')]))
}

function parseHeaders(content: Buffer): { readonly fields: readonly (readonly [string, string])[]; readonly message: string } {
  const text = content.toString('utf8')
  const end = text.indexOf('\n\n')
  const fields = text
    .slice(0, end)
    .replace(/\n /g, '\0')
    .split('\n')
    .map((line): readonly [string, string] => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
  return { fields, message: text.slice(end + 2) }
}

function parseCommit(content: Buffer): Commit {
  const { fields, message } = parseHeaders(content)
  const all = (name: string): readonly string[] => fields.filter(([field]) => field === name).map(([, value]) => value)
  return {
    tree: all('tree')[0] ?? '',
    parents: all('parent'),
    author: parseSignature(all('author')[0] ?? ''),
    committer: parseSignature(all('committer')[0] ?? ''),
    message,
  }
}

function parseTag(content: Buffer): Tag {
  const { fields, message } = parseHeaders(content)
  const one = (name: string): string => fields.find(([field]) => field === name)?.[1] ?? ''
  return { object: one('object'), kind: one('type') as ObjectKind, tag: one('tag'), tagger: parseSignature(one('tagger')), message }
}

function parseSignature(text: string): Signature {
  const [, name = '', email = '', seconds = '0', sign = '+', hours = '00', minutes = '00'] = /^(.*) <(.*)> (\d+) ([+-])(\d\d)(\d\d)$/.exec(text) ?? []
  const offsetSeconds = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === '-' ? -1 : 1)
  const local = new Date((Number(seconds) + offsetSeconds) * 1000).toISOString().slice(0, 19)
  return { name, email, date: offsetSeconds === 0 ? `${local}Z` : `${local}${sign}${hours}:${minutes}` }
}

function writeSignature({ name, email, date }: Signature): string {
  const offset = /([+-]\d\d):(\d\d)$/.exec(date)
  return `${name} <${email}> ${Math.floor(Date.parse(date) / 1000)} ${offset === null ? '+0000' : `${offset[1]}${offset[2]}`}`
}

function writeCommit({ tree, parents, author, committer, message }: Commit): Buffer {
  const lines = [`tree ${tree}`, ...parents.map((id) => `parent ${id}`), `author ${writeSignature(author)}`, `committer ${writeSignature(committer)}`]
  return Buffer.from(`${lines.join('\n')}\n\n${message}`)
}

function writeTag({ object, kind, tag, tagger, message }: Tag): Buffer {
  return Buffer.from(`object ${object}\ntype ${kind}\ntag ${tag}\ntagger ${writeSignature(tagger)}\n\n${message}`)
}
