/** What people do by Git and on the web: it happens at once, is judged by GitHub's rules, and is no request. */
import { execFile } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Files, Level, Person, Pushed, PushOptions } from './api.ts'
import type { HostedActions } from './actions.ts'
import type { Checks } from './checks.ts'
import type { Comments } from './comments.ts'
import type { ObjectKind, TreeEntry } from './git-objects.ts'
import type { Pulls } from './pulls.ts'
import type { StoredRelease } from './releases.ts'
import { findRepository, fullName, fullRef, makeRepository, moveRef, putCommit, reaches, repositoryJson, roleOf, signatureOf, treeOf } from './world.ts'
import type { Account, Json, Repository, World } from './world.ts'

export interface Parts {
  readonly world: World
  readonly pulls: Pulls
  readonly checks: Checks
  readonly comments: Comments
  readonly hosted: HostedActions
  readonly tokenOf: (account: Account) => string
  /** A repository has another name now. */
  readonly renamed: (from: string, to: string) => void
  readonly release: (
    repository: Repository,
    by: Account,
    fields: { readonly tag: string; readonly name: string | null; readonly body: string | null; readonly isDraft: boolean; readonly isPrerelease: boolean },
  ) => Promise<StoredRelease>
}

const MOST_OUTPUT_BYTES = 2 ** 31 - 1
const run = promisify(execFile)

/** Files of a change, as entries of a tree. */
export function putEntries(repository: Repository, files: Files): ReadonlyMap<string, TreeEntry | null> {
  const { objects } = repository
  return new Map(
    Object.entries(files).map(([path, file]) => {
      if (file === null) return [path, null]
      const blob = (content: string | Buffer): string => objects.put('blob', Buffer.from(content))
      if (typeof file === 'string' || Buffer.isBuffer(file)) return [path, { path, mode: '100644', id: blob(file) }]
      if ('program' in file) return [path, { path, mode: '100755', id: blob(file.program) }]
      if ('link' in file) return [path, { path, mode: '120000', id: blob(file.link) }]
      return [path, { path, mode: '160000', id: file.submodule }]
    }),
  )
}

/** One person. */
export function makePerson({ world, pulls, checks, comments, hosted, tokenOf, renamed, release }: Parts, account: Account): Person {
  const { login } = account
  const open = (name: string, level: Level): Repository => {
    const repository = findRepository(world, name)
    if (repository === undefined) throw new Error(`there is no repository ${name}`)
    // A bot is an app that somebody has installed, and gave the right to write.
    const role = account.kind === 'Bot' ? 'write' : roleOf(repository, login)
    if (!reaches(role, level)) throw new Error(`${login} may not ${level} in ${name}`)
    if (level !== 'read' && repository.isArchived) throw new Error(`${name} is archived`)
    return repository
  }
  const pullOf = (name: string, number: number) => {
    const pull = pulls.must(open(name, 'read'), number)
    if (!pulls.mayChange(pull, account)) throw new Error(`${login} may not change pull request ${number} of ${name}`)
    return pull
  }
  const pushEntries = (
    repository: Repository,
    branch: string,
    entries: ReadonlyMap<string, TreeEntry | null>,
    { message = 'change', onto, isWhole = false }: PushOptions,
  ): Pushed => {
    const ref = fullRef(branch)
    const parent = onto ?? repository.refs.get(ref) ?? repository.refs.get(`refs/heads/${repository.defaultBranch}`)
    const files = parent === undefined || isWhole ? new Map<string, TreeEntry>() : repository.objects.flatten(treeOf(repository.objects, parent))
    for (const [path, entry] of entries) {
      if (entry === null) files.delete(path)
      else files.set(path, entry)
    }
    const tree = repository.objects.putFiles(files.values())
    return moveRef(world, repository, ref, putCommit(world, repository, account, { tree, parents: parent === undefined ? [] : [parent], message }), account)
  }
  const comment = async (repository: Repository, id: number): Promise<Json> => {
    const found = await comments.find(repository, id)
    if (found === undefined) throw new Error(`there is no comment ${id} in ${fullName(repository)}`)
    const isOwn = (found['user'] as { readonly login?: string } | null)?.login === login
    if (!isOwn && !reaches(roleOf(repository, login), 'write')) throw new Error(`${login} may not change comment ${id}`)
    return found
  }
  const emitRepository = (repository: Repository, action: string, more: Json = {}): void =>
    world.emit('repository', { action, ...more }, { repository, by: account })
  const refresh = async (repository: Repository, from: string): Promise<void> => {
    renamed(from, fullName(repository))
    repository.upstream = await world.upstream.ask('GET', `/repos/${fullName(repository)}`, login)
    world.names.set(fullName(repository).toLowerCase(), repository.id)
  }

  return {
    login,
    token: tokenOf(account),
    async push(name, branch, files, options = {}) {
      const repository = open(name, 'write')
      return pushEntries(repository, branch, putEntries(repository, files), options)
    },
    async pushFolder(name, branch, folder, options = {}) {
      const repository = open(name, 'write')
      return pushEntries(repository, branch, await readFolder(repository, folder), { ...options, isWhole: true })
    },
    async pushRef(name, ref, commit) {
      const repository = open(name, 'write')
      if (repository.objects.peel(commit) === undefined) throw new Error(`${name} has no commit ${commit}`)
      return moveRef(world, repository, ref, commit, account)
    },
    async mirror(name, folder, ref = 'HEAD', to) {
      const repository = open(name, 'write')
      const git = async (...args: readonly string[]): Promise<string> => (await run('git', args, { cwd: folder, maxBuffer: MOST_OUTPUT_BYTES })).stdout.trim()
      const [id, symbolic] = [await git('rev-parse', ref), await git('rev-parse', '--symbolic-full-name', ref)]
      const ids = (await git('rev-list', '--objects', '--no-object-names', id)).split('\n')
      if (!ids.includes(id)) ids.push(id)
      await readObjects(repository, folder, ids)
      return moveRef(world, repository, to === undefined ? symbolic : fullRef(to), id, account)
    },
    async deleteRef(name, ref) {
      const repository = open(name, 'write')
      if (!repository.refs.has(fullRef(ref))) throw new Error(`${name} has no ${ref}`)
      return moveRef(world, repository, fullRef(ref), undefined, account)
    },
    async tag(name, tag, { commit, message = tag, isAnnotated = false } = {}) {
      const repository = open(name, 'write')
      const target = commit ?? repository.refs.get(`refs/heads/${repository.defaultBranch}`)
      if (target === undefined || repository.objects.peel(target) === undefined) throw new Error(`${name} has no commit ${target}`)
      const { objects } = repository
      const id = isAnnotated ? objects.putTag({ object: target, kind: 'commit', tag, tagger: signatureOf(world, account), message: `${message}\n` }) : target
      return moveRef(world, repository, `refs/tags/${tag}`, id, account)
    },
    async openPull(name, { head, base, title = `change ${head}`, body, isDraft }) {
      const pull = await pulls.open(open(name, 'read'), account, { head, base, title, body, isDraft })
      if (typeof pull === 'string') throw new Error(`no pull request of ${head}: ${pull}`)
      return { number: pull.number, head: pull.head }
    },
    closePull: async (name, number) => pulls.close(pullOf(name, number), account),
    async reopenPull(name, number) {
      const refused = await pulls.reopen(pullOf(name, number), account)
      if (refused !== undefined) throw new Error(refused)
    },
    editPull: async (name, number, change) => pulls.edit(pullOf(name, number), account, change),
    readyForReview: async (name, number) => pulls.setDraft(pullOf(name, number), account, false),
    convertToDraft: async (name, number) => pulls.setDraft(pullOf(name, number), account, true),
    async mergePull(name, number) {
      const commit = pulls.merge(pulls.must(open(name, 'write'), number), account)
      if (commit === undefined) throw new Error(`pull request ${number} cannot be merged`)
      return { commit }
    },
    async enqueue(name, number) {
      const entry = pulls.enqueue(pulls.must(open(name, 'write'), number), account)
      if (entry === undefined) throw new Error(`pull request ${number} cannot be merged`)
      return { branch: entry.ref.slice('refs/heads/'.length), commit: entry.commit }
    },
    dequeue: async (name, branch, isMerged) => pulls.dequeue(open(name, 'write'), branch, isMerged, account),
    async openIssue(name, title, body = '') {
      const repository = open(name, 'read')
      const issue = await world.upstream.ask('POST', `/repos/${fullName(repository)}/issues`, login, { title, body })
      return { number: Number(issue['number']) }
    },
    async comment(name, number, body) {
      const made = await comments.create(open(name, 'read'), number, account, body)
      if (made === undefined) throw new Error(`there is no ${number} in ${name}`)
      return { id: Number(made['id']) }
    },
    async editComment(name, id, body) {
      const repository = open(name, 'read')
      await comments.edit(repository, await comment(repository, id), account, body)
    },
    async deleteComment(name, id) {
      const repository = open(name, 'read')
      await comments.remove(repository, await comment(repository, id), account)
    },
    pressButton: async (name, id, identifier) => checks.press(open(name, 'write'), id, identifier, account),
    rerequestCheck: async (name, id) => checks.rerequestRun(open(name, 'write'), id, account),
    rerequestSuite: async (name, id) => checks.rerequestSuite(open(name, 'write'), id, account),
    async fork(name, newName) {
      const parent = open(name, 'read')
      const upstream = await world.upstream.ask('POST', `/repos/${fullName(parent)}/forks`, login, { name: newName ?? parent.name })
      const fields = {
        id: Number(upstream['id']),
        owner: account,
        name: newName ?? parent.name,
        isPrivate: parent.isPrivate,
        defaultBranch: parent.defaultBranch,
      }
      const fork = makeRepository(world, { ...fields, upstream, parent, roles: new Map() })
      for (const [ref, id] of parent.refs) if (/^refs\/(?:heads|tags)\//.test(ref)) fork.refs.set(ref, id)
      return fullName(fork)
    },
    async renameRepository(name, newName) {
      const repository = open(name, 'admin')
      const [from, whole] = [repository.name, fullName(repository)]
      await world.upstream.ask('PATCH', `/repos/${fullName(repository)}`, login, { name: newName })
      repository.name = newName
      await refresh(repository, whole)
      emitRepository(repository, 'renamed', { changes: { repository: { name: { from } } } })
      return fullName(repository)
    },
    async transferRepository(name, owner) {
      const repository = open(name, 'admin')
      const [from, whole] = [repository.owner, fullName(repository)]
      await world.upstream.ask('POST', `/repos/${fullName(repository)}/transfer`, login, { new_owner: owner })
      const to = world.accounts.get(owner.toLowerCase())
      if (to === undefined) throw new Error(`nobody is called ${owner}`)
      repository.owner = to
      await refresh(repository, whole)
      const { login: fromLogin, id } = from
      const was = { login: fromLogin, id, node_id: '', url: `${world.url}/orgs/${fromLogin}` }
      emitRepository(repository, 'transferred', { changes: { owner: { from: from.kind === 'User' ? { user: was } : { organization: was } } } })
      return fullName(repository)
    },
    async archiveRepository(name) {
      const repository = open(name, 'admin')
      repository.isArchived = true
      emitRepository(repository, 'archived')
    },
    async unarchiveRepository(name) {
      const repository = findRepository(world, name)
      if (repository === undefined || roleOf(repository, login) !== 'admin') throw new Error(`${login} may not admin in ${name}`)
      repository.isArchived = false
      emitRepository(repository, 'unarchived')
    },
    async deleteRepository(name) {
      const repository = open(name, 'admin')
      const before = repositoryJson(world, repository)
      emitRepository(repository, 'deleted', { repository: before })
      await world.upstream.ask('DELETE', `/repos/${fullName(repository)}`, login)
      repository.isDeleted = true
    },
    async release(name, tag, { title, body, isDraft = false, isPrerelease = false } = {}) {
      const repository = open(name, 'write')
      const { id } = await release(repository, account, { tag, name: title ?? null, body: body ?? null, isDraft, isPrerelease })
      return { id }
    },
    cancelRun: async (name, id) => hosted.cancel(open(name, 'write'), id),
    rerun: async (name, id) => hosted.rerun(open(name, 'write'), id),
  }
}

async function readFolder(repository: Repository, folder: string, below = ''): Promise<Map<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>()
  for (const name of await readdir(join(folder, below))) {
    if (name === '.git') continue
    const path = join(below, name)
    const facts = await lstat(join(folder, path))
    if (facts.isDirectory()) for (const [inner, entry] of await readFolder(repository, folder, path)) entries.set(inner, entry)
    else if (facts.isSymbolicLink())
      entries.set(path, { path, mode: '120000', id: repository.objects.put('blob', Buffer.from(await readlink(join(folder, path)))) })
    else if (facts.isFile())
      entries.set(path, {
        path,
        mode: (facts.mode & 0o111) === 0 ? '100644' : '100755',
        id: repository.objects.put('blob', await readFile(join(folder, path))),
      })
  }
  return entries
}

/** Takes objects out of a local repository, byte by byte. */
async function readObjects(repository: Repository, folder: string, ids: readonly string[]): Promise<void> {
  const promise = promisify(execFile)('git', ['cat-file', '--batch'], { cwd: folder, encoding: 'buffer', maxBuffer: MOST_OUTPUT_BYTES })
  promise.child.stdin?.end(`${ids.join('\n')}\n`)
  const { stdout } = await promise
  for (let at = 0; at < stdout.length;) {
    const end = stdout.indexOf(10, at)
    const [id = '', kind = '', size = '0'] = stdout.toString('latin1', at, end).split(' ')
    const content = stdout.subarray(end + 1, end + 1 + Number(size))
    if (repository.objects.put(kind as ObjectKind, Buffer.from(content)) !== id) throw new Error(`${kind} ${id} is not what its id says`)
    at = end + 2 + Number(size)
  }
}

/** Writes the files of a commit into a folder. */
export async function writeFiles(repository: Repository, commit: string, folder: string): Promise<void> {
  const { objects } = repository
  for (const { path, mode, id } of objects.flatten(treeOf(objects, commit)).values()) {
    if (mode === '160000') continue
    const [target, content] = [join(folder, path), objects.read(id, 'blob') ?? Buffer.alloc(0)]
    await mkdir(dirname(target), { recursive: true })
    if (mode === '120000') await symlink(content.toString('utf8'), target)
    else await writeFile(target, content, { mode: mode === '100755' ? 0o755 : 0o644 })
  }
}
