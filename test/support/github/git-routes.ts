/** Git data, branches, commits, contents and activity. */
import { kindOf, type FileDiff, type ObjectKind, type Signature, type TreeEntry } from './git-objects.ts'
import { created, FORBIDDEN, invalid, NO_CONTENT, NOT_FOUND, ok, page, text, type Handlers, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import { authorOf, fullName, fullRef, moveRef, nodeId, putCommit, resolveCommit, roleOf, signatureOf, simpleUser, treeOf } from './world.ts'
import type { Json, Repository, World } from './world.ts'

/** A tree of more entries is shown cut off. */
const MOST_ENTRIES = 100_000
const MOST_FILES = 300
const WORKFLOW = /^\.github\/workflows\//

/** A commit as the Git data API shows it. */
export function gitCommitJson(world: World, repository: Repository, id: string): Json {
  const { tree, parents, author, committer, message } = repository.objects.commit(id)
  const own = `${world.url}/repos/${fullName(repository)}`
  const html = `${world.url}/${fullName(repository)}/commit`
  return {
    sha: id,
    node_id: nodeId('Commit', 0),
    url: `${own}/git/commits/${id}`,
    html_url: `${html}/${id}`,
    author: inUtc(author),
    committer: inUtc(committer),
    message: message.replace(/\n$/, ''),
    tree: { sha: tree, url: `${own}/git/trees/${tree}` },
    parents: parents.map((sha) => ({ sha, url: `${own}/git/commits/${sha}`, html_url: `${html}/${sha}` })),
    verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
  }
}

/** A commit as the commits API shows it. */
export function commitJson(world: World, repository: Repository, id: string): Json {
  const { author, committer } = repository.objects.commit(id)
  const { node_id, message, tree, verification, html_url, parents } = gitCommitJson(world, repository, id)
  const own = `${world.url}/repos/${fullName(repository)}`
  const user = (signature: Signature): Json | null => {
    const account = authorOf(world, signature)
    return account === undefined ? null : simpleUser(world, account)
  }
  return {
    sha: id,
    node_id,
    html_url,
    parents,
    url: `${own}/commits/${id}`,
    comments_url: `${own}/commits/${id}/comments`,
    commit: { author: inUtc(author), committer: inUtc(committer), message, tree, verification, comment_count: 0, url: `${own}/git/commits/${id}` },
    author: user(author),
    committer: user(committer),
  }
}

/** A changed file as pull requests, commits and comparisons show it. */
export function fileJson(world: World, repository: Repository, commit: string, { path, status, before, after, additions, deletions, patch }: FileDiff): Json {
  const html = `${world.url}/${fullName(repository)}`
  return {
    sha: (after ?? before)?.id ?? null,
    filename: path,
    status,
    additions,
    deletions,
    changes: additions + deletions,
    blob_url: `${html}/blob/${commit}/${encodePath(path)}`,
    raw_url: `${html}/raw/${commit}/${encodePath(path)}`,
    contents_url: `${world.url}/repos/${fullName(repository)}/contents/${encodePath(path)}?ref=${commit}`,
    ...(patch !== undefined && { patch }),
  }
}

/** Moves a ref as somebody asks for it by the API. */
function moveAsAsked(world: World, { hosted, identity }: Request, ref: string, sha: string): LocalAnswer | undefined {
  const added = workflowsAdded(hosted, sha)
  if (added !== undefined && identity.permissions !== undefined && identity.permissions['workflows'] !== 'write')
    return invalid(`refusing to allow a GitHub App to create or update workflow \`${added}\` without \`workflows\` permission`)
  moveRef(world, hosted, ref, sha, identity.account)
  return undefined
}

/** A workflow that no ref of the repository has so far. */
function workflowsAdded({ objects, refs }: Repository, sha: string): string | undefined {
  const list = (id: string): readonly TreeEntry[] => {
    const commit = objects.peel(id)
    return commit === undefined ? [] : [...objects.flatten(treeOf(objects, commit)).values()].filter(({ path }) => WORKFLOW.test(path))
  }
  const known = new Set([...refs.values()].flatMap(list).map(({ path, id }) => `${path} ${id}`))
  return list(sha).find(({ path, id }) => !known.has(`${path} ${id}`))?.path
}

/** The handlers. */
export function gitHandlers(world: World): Handlers {
  const own = ({ hosted }: Request): string => `${world.url}/repos/${fullName(hosted)}`
  const refJson = (request: Request, ref: string, id: string): Json => {
    const kind = request.hosted.objects.get(id)?.kind ?? 'commit'
    return { ref, node_id: nodeId('Ref', 0), url: `${own(request)}/git/${ref}`, object: { type: kind, sha: id, url: `${own(request)}/git/${kind}s/${id}` } }
  }
  const entryJson = (request: Request, entry: TreeEntry): Json => {
    const type = kindOf(entry)
    const { mode, path, id } = entry
    const size = type === 'blob' ? { size: request.hosted.objects.read(id, 'blob')?.length ?? 0 } : {}
    return { path, mode, type, sha: id, ...size, ...(type !== 'commit' && { url: `${own(request)}/git/${type}s/${id}` }) }
  }
  const treeJson = (request: Request, id: string, isRecursive: boolean): Json => {
    const { objects } = request.hosted
    const walk = (tree: string, below: string): readonly TreeEntry[] =>
      objects.entries(tree).flatMap((entry) => {
        const here = { ...entry, path: `${below}${entry.path}` }
        return isRecursive && kindOf(entry) === 'tree' ? [here, ...walk(entry.id, `${here.path}/`)] : [here]
      })
    const entries = walk(id, '')
    const tree = entries.slice(0, MOST_ENTRIES).map((entry) => entryJson(request, entry))
    return { sha: id, url: `${own(request)}/git/trees/${id}`, tree, truncated: entries.length > MOST_ENTRIES }
  }
  const branchJson = (request: Request, name: string, id: string): Json => ({
    name,
    commit: { ...commitJson(world, request.hosted, id) },
    protected: false,
    protection_url: `${own(request)}/branches/${name}/protection`,
    _links: { self: `${own(request)}/branches/${name}`, html: `${world.url}/${fullName(request.hosted)}/tree/${name}` },
    protection: { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
  })
  const contentJson = (request: Request, { path, mode, id }: TreeEntry, ref: string, isWhole: boolean): Json => {
    const kind = kindOf({ path, mode, id })
    const content = kind === 'blob' ? (request.hosted.objects.read(id, 'blob') ?? Buffer.alloc(0)) : Buffer.alloc(0)
    const api = `${own(request)}/contents/${encodePath(path)}?ref=${ref}`
    const html = `${world.url}/${fullName(request.hosted)}/${kind}/${ref}/${encodePath(path)}`
    return {
      type: kind === 'tree' ? 'dir' : kind === 'commit' ? 'submodule' : mode === '120000' ? 'symlink' : 'file',
      ...(mode === '120000' && { target: content.toString('utf8') }),
      name: path.split('/').at(-1) ?? '',
      path,
      sha: id,
      size: content.length,
      url: api,
      html_url: html,
      git_url: `${own(request)}/git/${kind}s/${id}`,
      download_url: kind === 'blob' ? `${world.url}/${fullName(request.hosted)}/raw/${ref}/${encodePath(path)}` : null,
      ...(isWhole && kind === 'blob' && mode !== '120000' && { content: inLines(content), encoding: 'base64' }),
      _links: { self: api, git: `${own(request)}/git/${kind}s/${id}`, html },
    }
  }
  const commitFiles = (request: Request, change: (files: Map<string, TreeEntry>) => void): LocalAnswer | { readonly commit: string } => {
    const { hosted, identity } = request
    const branch = text(request, 'branch') ?? hosted.defaultBranch
    const head = hosted.refs.get(fullRef(branch))
    if (head === undefined && hosted.refs.size > 0) return { status: 404, body: { message: `Branch ${branch} not found` } }
    const files = head === undefined ? new Map<string, TreeEntry>() : hosted.objects.flatten(treeOf(hosted.objects, head))
    change(files)
    const fields = { tree: hosted.objects.putFiles(files.values()), parents: head === undefined ? [] : [head], message: text(request, 'message') ?? '' }
    const commit = putCommit(world, hosted, identity.account, fields)
    return moveAsAsked(world, request, fullRef(branch), commit) ?? { commit }
  }

  const compare = (request: Request, basehead: string): LocalAnswer => {
    const { hosted } = request
    const [from = '', to = ''] = basehead.split('...')
    // `owner:branch` is that of a fork.
    const resolve = (name: string): string | undefined => {
      const [owner, ref] = name.includes(':') ? name.split(':') : [undefined, name]
      const place =
        owner === undefined
          ? hosted
          : [...world.repositories.values()].find((one) => one.objects === hosted.objects && !one.isDeleted && one.owner.login === owner)
      return place && resolveCommit(place, ref ?? '')
    }
    const [base, head] = [resolve(from), resolve(to)]
    if (base === undefined || head === undefined) return NOT_FOUND
    const { objects } = hosted
    const common = objects.mergeBase(base, head)
    if (common === undefined) return { status: 404, body: { message: `No common ancestor between ${from} and ${to}.` } }
    const [before, after] = [objects.ancestors(base), objects.ancestors(head)]
    const ahead = [...after].filter((id) => !before.has(id)).toReversed()
    const behind = [...before].filter((id) => !after.has(id)).length
    const status = ahead.length > 0 ? (behind > 0 ? 'diverged' : 'ahead') : behind > 0 ? 'behind' : 'identical'
    const html = `${world.url}/${fullName(hosted)}/compare/${basehead}`
    const perPage = Number(request.url.searchParams.get('per_page') ?? 250)
    const start = (Number(request.url.searchParams.get('page') ?? 1) - 1) * perPage
    return ok({
      url: `${own(request)}/compare/${basehead}`,
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: commitJson(world, hosted, base),
      merge_base_commit: commitJson(world, hosted, common),
      status,
      ahead_by: ahead.length,
      behind_by: behind,
      total_commits: ahead.length,
      commits: ahead.slice(start, start + perPage).map((id) => commitJson(world, hosted, id)),
      files: objects
        .diff(treeOf(objects, common), treeOf(objects, head))
        .slice(0, MOST_FILES)
        .map((file) => fileJson(world, hosted, head, file)),
    })
  }

  return {
    'git/get-ref': (request, ref = '') => {
      const id = request.hosted.refs.get(`refs/${ref}`)
      return id === undefined ? NOT_FOUND : ok(refJson(request, `refs/${ref}`, id))
    },
    'git/list-matching-refs': (request, prefix = '') =>
      ok([...request.hosted.refs].filter(([ref]) => ref.startsWith(`refs/${prefix}`)).map(([ref, id]) => refJson(request, ref, id))),
    'git/create-ref': (request) => {
      const [ref, sha] = [text(request, 'ref') ?? '', text(request, 'sha') ?? '']
      const { refs, objects } = request.hosted
      if (!/^refs\/[^/]+\/.+/.test(ref)) return invalid('Reference name must start with "refs/" and contain at least two slashes.')
      if (refs.has(ref)) return invalid('Reference already exists')
      if (objects.peel(sha) === undefined) return invalid('Object does not exist')
      return moveAsAsked(world, request, ref, sha) ?? created(refJson(request, ref, sha))
    },
    'git/update-ref': (request, name = '') => {
      const [ref, sha] = [`refs/${name}`, text(request, 'sha') ?? '']
      const { refs, objects } = request.hosted
      const before = refs.get(ref)
      if (before === undefined) return invalid('Reference does not exist')
      const commit = objects.peel(sha)
      if (commit === undefined) return invalid('Object does not exist')
      if (request.body['force'] !== true && !objects.ancestors(commit).has(objects.peel(before) ?? '')) return invalid('Update is not a fast forward')
      return moveAsAsked(world, request, ref, sha) ?? ok(refJson(request, ref, sha))
    },
    'git/delete-ref': ({ hosted, identity }, name = '') => {
      if (!hosted.refs.has(`refs/${name}`)) return invalid('Reference does not exist')
      moveRef(world, hosted, `refs/${name}`, undefined, identity.account)
      return NO_CONTENT
    },
    'git/get-commit': ({ hosted }, id = '') => (hosted.objects.read(id, 'commit') === undefined ? NOT_FOUND : ok(gitCommitJson(world, hosted, id))),
    'git/create-commit': (request) => {
      const { hosted, identity, body } = request
      const { objects } = hosted
      const [tree, parents] = [text(request, 'tree') ?? '', (body['parents'] ?? []) as readonly string[]]
      if (objects.read(tree, 'tree') === undefined) return invalid('Tree SHA does not exist')
      if (parents.some((id) => objects.read(id, 'commit') === undefined)) return invalid('Parent SHA does not exist or is not a commit object')
      const author = { ...signatureOf(world, identity.account), ...(body['author'] as Partial<Signature> | undefined) }
      const committer = { ...author, ...(body['committer'] as Partial<Signature> | undefined) }
      return created(gitCommitJson(world, hosted, objects.putCommit({ tree, parents, author, committer, message: text(request, 'message') ?? '' })))
    },
    'git/get-tree': (request, name = '') => {
      const { objects } = request.hosted
      const commit = resolveCommit(request.hosted, name)
      const id = objects.read(name, 'tree') === undefined ? commit && treeOf(objects, commit) : name
      return id === undefined ? NOT_FOUND : ok(treeJson(request, id, request.url.searchParams.has('recursive')))
    },
    'git/create-tree': (request) => {
      const { objects } = request.hosted
      const base = text(request, 'base_tree')
      const baseTree = base === undefined ? undefined : objects.read(base, 'tree') === undefined ? undefined : base
      if (base !== undefined && baseTree === undefined) return invalid('base_tree is not a valid tree oid')
      const files = baseTree === undefined ? new Map<string, TreeEntry>() : objects.flatten(baseTree)
      for (const item of request.body['tree'] as readonly {
        readonly path: string
        readonly mode: string
        readonly sha?: string | null
        readonly content?: string
      }[]) {
        const { path, mode, sha, content } = item
        if (path.startsWith('/') || path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git'))
          return invalid(`tree.path contains a malformed path component`)
        const below = [...files.keys()].filter((file) => file.startsWith(`${path}/`))
        for (const file of below) files.delete(file)
        if (sha === null) {
          if (!files.delete(path) && below.length === 0) return invalid('GitRPC::BadObjectState')
          continue
        }
        const id = content === undefined ? (sha ?? '') : objects.put('blob', Buffer.from(content))
        const kind = objects.get(id)?.kind
        if (mode !== '160000' && kind !== (mode === '040000' ? 'tree' : 'blob'))
          return invalid(`tree.sha ${id} is not a valid ${mode === '040000' ? 'tree' : 'blob'}`)
        if (mode === '040000') for (const [inner, entry] of objects.flatten(id, `${path}/`)) files.set(inner, entry)
        else files.set(path, { path, mode, id })
      }
      return created(treeJson(request, objects.putFiles(files.values()), false))
    },
    'git/get-blob': (request, id = '') => {
      const content = request.hosted.objects.read(id, 'blob')
      if (content === undefined) return NOT_FOUND
      if (/raw/.test(String(request.headers['accept']))) return { status: 200, body: content, headers: { 'content-type': 'application/vnd.github.raw' } }
      return ok({
        sha: id,
        node_id: nodeId('Blob', 0),
        size: content.length,
        url: `${own(request)}/git/blobs/${id}`,
        content: inLines(content),
        encoding: 'base64',
      })
    },
    'git/create-blob': (request) => {
      const content = Buffer.from(text(request, 'content') ?? '', text(request, 'encoding') === 'base64' ? 'base64' : 'utf8')
      const sha = request.hosted.objects.put('blob', content)
      return created({ sha, url: `${own(request)}/git/blobs/${sha}` })
    },
    'git/get-tag': (request, id = '') => (request.hosted.objects.read(id, 'tag') === undefined ? NOT_FOUND : ok(tagJson(request, id))),
    'git/create-tag': (request) => {
      const { hosted, identity, body } = request
      const [object, kind] = [text(request, 'object') ?? '', (text(request, 'type') ?? 'commit') as ObjectKind]
      if (hosted.objects.get(object)?.kind !== kind) return invalid('Object does not exist')
      const tagger = { ...signatureOf(world, identity.account), ...(body['tagger'] as Partial<Signature> | undefined) }
      return created(
        tagJson(request, hosted.objects.putTag({ object, kind, tag: text(request, 'tag') ?? '', tagger, message: text(request, 'message') ?? '' })),
      )
    },
    'repos/list-branches': (request) =>
      page(
        request,
        branchesOf(request.hosted).map(([name, sha]) => ({ name, commit: { sha, url: `${own(request)}/commits/${sha}` }, protected: false })),
      ),
    'repos/get-branch': (request, name = '') => {
      const id = request.hosted.refs.get(`refs/heads/${name}`)
      return id === undefined ? { status: 404, body: { message: 'Branch not found' } } : ok(branchJson(request, name, id))
    },
    'repos/list-tags': (request) =>
      page(
        request,
        [...request.hosted.refs].flatMap(([ref, id]) => {
          const sha = request.hosted.objects.peel(id)
          if (!ref.startsWith('refs/tags/') || sha === undefined) return []
          const name = ref.slice('refs/tags/'.length)
          const archive = (kind: string): string => `${own(request)}/${kind}/${ref}`
          return [
            {
              name,
              commit: { sha, url: `${own(request)}/commits/${sha}` },
              zipball_url: archive('zipball'),
              tarball_url: archive('tarball'),
              node_id: nodeId('Ref', 0),
            },
          ]
        }),
      ),
    'repos/list-commits': (request) => {
      const { hosted, url } = request
      const head = resolveCommit(hosted, url.searchParams.get('sha') ?? 'HEAD')
      if (head === undefined) return hosted.refs.size === 0 ? { status: 409, body: { message: 'Git Repository is empty.' } } : NOT_FOUND
      const path = url.searchParams.get('path')
      const touches = (id: string): boolean => {
        if (path === null) return true
        const { tree, parents } = hosted.objects.commit(id)
        const before = parents[0] === undefined ? undefined : treeOf(hosted.objects, parents[0])
        return hosted.objects.changes(before, tree).some((change) => change.path === path || change.path.startsWith(`${path}/`))
      }
      return page(
        request,
        [...hosted.objects.ancestors(head)].filter(touches).map((id) => commitJson(world, hosted, id)),
      )
    },
    'repos/get-commit': (request, name = '') => {
      const { hosted } = request
      const id = resolveCommit(hosted, name)
      if (id === undefined || hosted.objects.read(id, 'commit') === undefined) return invalid(`No commit found for SHA: ${name}`)
      const { tree, parents } = hosted.objects.commit(id)
      const files = hosted.objects.diff(parents[0] === undefined ? undefined : treeOf(hosted.objects, parents[0]), tree)
      const sum = (one: 'additions' | 'deletions'): number => files.reduce((total, file) => total + file[one], 0)
      const stats = { additions: sum('additions'), deletions: sum('deletions'), total: sum('additions') + sum('deletions') }
      return ok({ ...commitJson(world, hosted, id), stats, files: files.slice(0, MOST_FILES).map((file) => fileJson(world, hosted, id, file)) })
    },
    'repos/compare-commits-with-basehead': (request, basehead = '') => compare(request, basehead),
    'repos/compare-commits': (request, base = '', head = '') => compare(request, `${base}...${head}`),
    'repos/list-branches-for-head-commit': ({ hosted }, commit = '') => {
      if (hosted.objects.peel(commit) === undefined) return invalid(`No commit found for SHA: ${commit}`)
      const names = [...hosted.refs].flatMap(([ref, id]) => (id === commit && ref.startsWith('refs/heads/') ? [ref.slice('refs/heads/'.length)] : []))
      return ok(names.map((name) => ({ name, commit: { sha: commit, url: `${world.url}/repos/${fullName(hosted)}/commits/${commit}` }, protected: false })))
    },
    'repos/list-activities': (request) => {
      const { searchParams } = request.url
      const wanted = {
        ref: searchParams.get('ref'),
        actor: searchParams.get('actor'),
        type: searchParams.get('activity_type'),
        isOldestFirst: searchParams.get('direction') === 'asc',
      }
      const moves = request.hosted.moves.filter(
        ({ ref, by, kind }) =>
          // Tags have no activity.
          ref.startsWith('refs/heads/') &&
          (wanted.ref === null || fullRef(wanted.ref) === ref) &&
          (wanted.actor === null || wanted.actor === by.login) &&
          (wanted.type === null || wanted.type === kind),
      )
      return page(
        request,
        (wanted.isOldestFirst ? moves : moves.toReversed()).map(({ id, before, commit, ref, at, kind, by }) => ({
          id,
          node_id: nodeId('PSH', id),
          before,
          after: commit,
          ref,
          timestamp: at,
          activity_type: kind,
          actor: simpleUser(world, by),
        })),
      )
    },
    'repos/get-content': (request, path = '') => {
      const { hosted } = request
      const ref = request.url.searchParams.get('ref') ?? hosted.defaultBranch
      const commit = resolveCommit(hosted, ref)
      if (commit === undefined) return { status: 404, body: { message: `No commit found for the ref ${ref}` } }
      const clean = path.replace(/^\/|\/$/g, '')
      const found = entryAt(hosted, treeOf(hosted.objects, commit), clean)
      if (found === undefined) return NOT_FOUND
      if (kindOf(found) === 'tree') {
        const below = clean === '' ? '' : `${clean}/`
        return ok(hosted.objects.entries(found.id).map((entry) => contentJson(request, { ...entry, path: `${below}${entry.path}` }, ref, false)))
      }
      if (/raw/.test(String(request.headers['accept'])) && kindOf(found) === 'blob')
        return { status: 200, body: hosted.objects.read(found.id, 'blob'), headers: { 'content-type': 'application/vnd.github.raw' } }
      return ok(contentJson(request, { ...found, path: clean }, ref, true))
    },
    'repos/create-or-update-file-contents': (request, path = '') => {
      const { hosted } = request
      const branch = text(request, 'branch') ?? hosted.defaultBranch
      const head = hosted.refs.get(fullRef(branch))
      const clean = path
      const old = head === undefined ? undefined : entryAt(hosted, treeOf(hosted.objects, head), clean)
      if (old !== undefined && text(request, 'sha') === undefined) return invalid(`Invalid request.\n\n"sha" wasn't supplied.`)
      if (old !== undefined && text(request, 'sha') !== old.id) return { status: 409, body: { message: `${clean} does not match ${text(request, 'sha')}` } }
      const id = hosted.objects.put('blob', Buffer.from(text(request, 'content') ?? '', 'base64'))
      const done = commitFiles(request, (files) => void files.set(clean, { path: clean, mode: old?.mode ?? '100644', id }))
      if ('status' in done) return done
      const content = contentJson(request, { path: clean, mode: '100644', id }, branch, false)
      return { status: old === undefined ? 201 : 200, body: { content, commit: gitCommitJson(world, hosted, done.commit) } }
    },
    'repos/delete-file': (request, path = '') => {
      const clean = path
      const done = commitFiles(request, (files) => void files.delete(clean))
      return 'status' in done ? done : ok({ content: null, commit: gitCommitJson(world, request.hosted, done.commit) })
    },
    'repos/get-collaborator-permission-level': ({ hosted }, login = '') => {
      const account = world.accounts.get(login.toLowerCase())
      if (account === undefined) return NOT_FOUND
      // What other actions have met (actions-cool/check-user-permission).
      if (account.kind === 'Bot') return { status: 404, body: { message: `${account.login} is not a user` } }
      const level = roleOf(hosted, account.login)
      const rights = {
        admin: level === 'admin',
        maintain: level === 'admin',
        push: level === 'admin' || level === 'write',
        triage: level === 'admin' || level === 'write',
        pull: level !== undefined,
      }
      return ok({
        permission: level ?? 'none',
        role_name: level ?? 'none',
        user: { ...simpleUser(world, account), permissions: rights, role_name: level ?? 'none' },
      })
    },
    'repos/check-collaborator': ({ hosted }, login = '') => (hosted.roles.has(login.toLowerCase()) ? NO_CONTENT : NOT_FOUND),
    // Nothing below a ref is merged by machines here.
    'repos/merge': () => FORBIDDEN,
  }

  function tagJson(request: Request, id: string): Json {
    const { object, kind, tag, tagger, message } = request.hosted.objects.tag(id)
    return {
      node_id: nodeId('Tag', 0),
      tag,
      sha: id,
      url: `${own(request)}/git/tags/${id}`,
      message: message.replace(/\n$/, ''),
      tagger: inUtc(tagger),
      object: { sha: object, type: kind, url: `${own(request)}/git/${kind}s/${object}` },
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    }
  }
}

/** Branches by name. */
export function branchesOf({ refs }: Repository): readonly (readonly [string, string])[] {
  return [...refs]
    .filter(([ref]) => ref.startsWith('refs/heads/'))
    .map(([ref, id]): readonly [string, string] => [ref.slice('refs/heads/'.length), id])
    .sort(([one], [other]) => (one < other ? -1 : 1))
}

/** What lies at a path; links are not followed. */
export function entryAt({ objects }: Repository, tree: string, path: string): TreeEntry | undefined {
  let at: TreeEntry = { path: '', mode: '040000', id: tree }
  for (const name of path.split('/').filter((part) => part !== '')) {
    const found: TreeEntry | undefined = kindOf(at) === 'tree' ? objects.entries(at.id).find((entry) => entry.path === name) : undefined
    if (found === undefined) return undefined
    at = found
  }
  return at
}

function inUtc({ name, email, date }: Signature): Signature {
  return { name, email, date: new Date(date).toISOString().replace('.000Z', 'Z') }
}

/** Base64 as GitHub writes it, 60 characters a line. */
function inLines(content: Buffer): string {
  return content.toString('base64').replace(/.{60}/g, '$&\n')
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
