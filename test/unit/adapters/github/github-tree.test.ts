import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { byteCache } from '../../../../adapters/github/byte-cache.ts'
import { gitObjects, type GitObjectCache } from '../../../../adapters/github/git-objects.ts'
import { githubClient } from '../../../../adapters/github/github-client.ts'
import { githubTree } from '../../../../adapters/github/github-tree.ts'
import { githubTransport } from '../../../../adapters/github/transport.ts'
import { openFolder } from '../../../../adapters/repository-tree/open.ts'
import type { RepositoryTree } from '../../../../pipeline/ports/repository-tree.ts'
import { describeRepositoryTreeContract } from '../../../contract/repository-tree.ts'
import { git, makeRepository } from '../../../support/layout.ts'
import type { MemoryFile } from '../../../support/memory-tree.ts'
import { objectId, scriptedGithub, type ScriptedAnswer, type ScriptedGithub, type ScriptedRequest } from './scripted-github.ts'

let parent = ''
let folder = ''
let servers: ScriptedGithub[] = []
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ctss-test-'))
  folder = join(parent, 'plugin')
})
afterEach(async () => {
  rmSync(parent, { recursive: true })
  for (const server of servers) await server[Symbol.asyncDispose]()
  servers = []
})

const cache = (): GitObjectCache => ({ commits: byteCache(2 ** 20), trees: byteCache(2 ** 24), blobs: byteCache(2 ** 24) })

/** GitHub's Git data of a repository on this machine. */
function gitData(repository: string): (request: ScriptedRequest) => ScriptedAnswer {
  const raw = (...args: string[]): Buffer => execFileSync('git', args, { cwd: repository, maxBuffer: 2 ** 26 })
  return ({ line, headers }) => {
    const [, kind, id = ''] = /\/git\/(\w+)\/([0-9a-f]{40})/.exec(line) ?? []
    if (kind === 'commits') return { body: { sha: id, message: 'first', tree: { sha: raw('rev-parse', `${id}^{tree}`).toString().trim() } } }
    if (kind === 'trees') return { body: { sha: id, truncated: false, tree: listTree(raw('ls-tree', '-r', '-t', '-l', '-z', id)) } }
    const content = raw('cat-file', 'blob', id)
    if (/raw/.test(headers.accept ?? '')) return { body: content }
    return { body: { sha: id, encoding: 'base64', content: content.toString('base64').replace(/.{60}/g, '$&\n'), size: content.length } }
  }
}

function listTree(output: Buffer): readonly object[] {
  return output
    .toString()
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [, mode, type, sha, size, path] = /^(\d+) (\w+) (\w+) +(\S+)\t([^]*)$/.exec(line) ?? []
      return { path, mode, type, sha, ...(type === 'blob' && { size: Number(size) }) }
    })
}

interface Opened {
  readonly tree: RepositoryTree
  readonly server: ScriptedGithub
}

async function open(
  answer: (request: ScriptedRequest) => ScriptedAnswer,
  commit: string,
  { inFolder, kept = cache() }: { readonly inFolder?: string; readonly kept?: GitObjectCache } = {},
): Promise<Opened> {
  const server = await scriptedGithub(answer)
  servers.push(server)
  const send = githubTransport({ pause: async () => undefined })
  const client = githubClient({ baseUrl: server.url, owner: 'sky-lab', repository: 'plugin', asker: 'app' }, send)
  const objects = gitObjects(client, send, kept, '1/2')
  return { tree: githubTree({ objects, repository: 'https://github.com/sky-lab/plugin', commit, ...(inFolder !== undefined && { folder: inFolder }) }), server }
}

async function openRepository(
  files: Readonly<Record<string, MemoryFile>>,
  options: Parameters<typeof open>[2] = {},
): Promise<Opened & { readonly commit: string }> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  makeRepository(folder, files)
  const commit = git(folder, 'rev-parse', 'HEAD')
  return { ...(await open(gitData(folder), commit, options)), commit }
}

describeRepositoryTreeContract("a commit in GitHub's trees", async (files) => (await openRepository(files)).tree)

const FILES = {
  'sage.yaml': 'name: x\n',
  'apps/counter/main.py': 'x',
  'apps/counter/up': { link: '../../sage.yaml' },
  'apps/counter/own': { link: 'main.py' },
  'apps-z': 'y',
  model: `version https://git-lfs.github.com/spec/v1\noid sha256:${'1'.repeat(64)}\nsize 12345\n`,
} as const

describe('a commit at GitHub', () => {
  it.each(['', 'apps/counter'])('is what a checkout of it is, in the folder %j', async (inFolder) => {
    const { tree, commit } = await openRepository(FILES, { inFolder })
    const clone = join(parent, 'clone')
    git(parent, 'clone', '-q', `file://${folder}`, clone)
    git(clone, 'checkout', '-q', '--detach', commit)
    git(clone, 'branch', '-q', '-D', 'main')
    git(clone, 'remote', 'set-url', 'origin', 'git@github.com:sky-lab/plugin.git')
    const checkout = await openFolder(join(clone, inFolder))
    const { described: _described, ...expected } = await checkout.subject()
    expect(await tree.subject()).toStrictEqual(expected)
    expect(expected).toMatchObject({ repository: 'https://github.com/sky-lab/plugin', dirty: false, commit })
    expect(await tree.entries()).toStrictEqual(await checkout.entries())
    expect(await tree.digest()).toBe(await checkout.digest())
    const paths = (await tree.entries()).map(({ path }) => path)
    const [one, other] = [join(parent, 'one'), join(parent, 'other')]
    for (const [place, source] of [
      [one, tree],
      [other, checkout],
    ] as const) {
      mkdirSync(place)
      await source.materialise(paths, place)
    }
    expect(new Set(readdirSync(one, { recursive: true, encoding: 'utf8' }))).toStrictEqual(new Set(readdirSync(other, { recursive: true, encoding: 'utf8' })))
    expect(existsSync(join(one, 'up'))).toBe(false)
  })

  it('takes two calls for its entries and one for each file, and none when it is known', async () => {
    const kept = cache()
    const { tree, server, commit } = await openRepository({ a: 'x', b: 'y', same: 'x' }, { kept })
    await Promise.all([tree.entries(), tree.subject(), tree.digest()])
    for (const path of ['a', 'b', 'same', 'a']) await tree.read(path, 100)
    expect(server.lines().map((line) => line.replace(/[0-9a-f]{40}/, 'ID'))).toEqual([
      'GET /repos/sky-lab/plugin/git/commits/ID',
      'GET /repos/sky-lab/plugin/git/trees/ID?recursive=true',
      'GET /repos/sky-lab/plugin/git/blobs/ID',
      'GET /repos/sky-lab/plugin/git/blobs/ID',
    ])
    const again = await open(gitData(folder), commit, { kept })
    expect((await again.tree.read('a', 100))?.toString()).toBe('x')
    expect(again.server.requests).toEqual([])
  })

  it('hands out a copy, so that nobody changes what is kept', async () => {
    const { tree } = await openRepository({ a: 'x' })
    ;(await tree.read('a', 100))?.fill('y')
    expect((await tree.read('a', 100))?.toString()).toBe('x')
  })

  it('fetches only the beginning of a large file where no more is wanted', async () => {
    const { tree, server } = await openRepository({ large: Buffer.alloc(3 * 2 ** 20, 'x') })
    expect((await tree.read('large', 1000))?.equals(Buffer.alloc(1001, 'x'))).toBe(true)
    expect(server.requests.at(-1)?.headers.accept).toMatch(/raw/)
    expect((await tree.read('large', 2 ** 22))?.length).toBe(3 * 2 ** 20)
  })

  it('has no files where the commit has none', async () => {
    const { tree } = await openRepository({})
    expect(await tree.entries()).toEqual([])
  })

  it('asks again after a failure', async () => {
    const { commit } = await openRepository({ a: 'x' })
    const data = gitData(folder)
    let isDown = true
    const { tree } = await open((request) => (isDown ? { status: 403, body: { message: 'no' } } : data(request)), commit)
    await expect(tree.entries()).rejects.toMatchObject({ code: 'forge-refused', suggestion: expect.stringContaining('contents: read') as string })
    isDown = false
    expect(await tree.entries()).toHaveLength(1)
  })

  it.each([404, 409, 422])('is refused where GitHub does not know it (%i)', async (status) => {
    const { tree } = await open(() => ({ status, body: { message: 'No commit found' } }), 'a'.repeat(40))
    await expect(tree.entries()).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('no commit') as string })
  })

  it('says so when the beginning of a large file is refused', async () => {
    const { commit } = await openRepository({ large: Buffer.alloc(2 ** 21, 'x') })
    const data = gitData(folder)
    const { tree } = await open((request) => (/raw/.test(request.headers.accept ?? '') ? { status: 403, body: {} } : data(request)), commit)
    await expect(tree.read('large', 10)).rejects.toMatchObject({ code: 'forge-refused' })
  })

  it('stops when it is told to', async () => {
    const { commit } = await openRepository({ a: 'x' })
    const server = await scriptedGithub(gitData(folder))
    servers.push(server)
    const controller = new AbortController()
    const send = githubTransport({ signal: controller.signal })
    const client = githubClient({ baseUrl: server.url, owner: 'o', repository: 'r' }, send)
    const tree = githubTree({ objects: gitObjects(client, send, cache(), ''), repository: 'x', commit, signal: controller.signal })
    await tree.entries()
    controller.abort()
    await expect(tree.read('a', 10)).rejects.toMatchObject({ code: 'cancelled' })
    await expect(tree.materialise(['a'], parent)).rejects.toMatchObject({ code: 'cancelled' })
  })
})

interface Item {
  readonly path: string
  readonly mode?: string
  readonly content?: string
  readonly id?: string
}

/** Git's id of one folder, as whoever makes such a tree computes it. */
function treeOf(items: readonly Item[]): string {
  return objectId(
    'tree',
    Buffer.concat(
      items.flatMap(({ path, mode = '100644', content = '', id = objectId('blob', content) }) => [
        Buffer.from(`${mode.replace(/^0/, '')} ${path.split('/').at(-1)}\0`),
        Buffer.from(id, 'hex'),
      ]),
    ),
  )
}

async function openForged(root: string, items: readonly Item[], more: object = {}): Promise<RepositoryTree> {
  const answer = ({ line }: ScriptedRequest): ScriptedAnswer => {
    if (line.includes('/commits/')) return { body: { message: '', tree: { sha: root } } }
    const tree = items.map(({ path, mode = '100644', content = '', id = objectId('blob', content) }) => ({ path, mode, sha: id, size: content.length }))
    if (line.includes('/trees/')) return { body: { truncated: false, tree, ...more } }
    const found = items.find(({ content = '', id = objectId('blob', content) }) => line.includes(id))
    return { body: { encoding: 'base64', content: Buffer.from(found?.content ?? '').toString('base64') } }
  }
  return (await open(answer, 'c'.repeat(40))).tree
}

describe('a hostile tree', () => {
  it.each(['..', '.', '.git', '.GIT', 'a\0b'])('with the name %j is refused', async (path) => {
    const items = [{ path, content: 'x' }]
    await expect((await openForged(treeOf(items), items)).entries()).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('name') as string,
    })
  })

  it.each<readonly [string, readonly Item[]]>([
    [
      'with a name twice',
      [
        { path: 'a', content: 'x' },
        { path: 'a', content: 'y' },
      ],
    ],
    ['with a path from the root of the machine', [{ path: '/etc', content: 'x' }]],
    ['with a file in no folder', [{ path: 'a/b', content: 'x' }]],
    [
      'with a file below a link',
      [
        { path: 'a', mode: '120000', content: '/tmp' },
        { path: 'a/b', content: 'x' },
      ],
    ],
    ['with a mode that Git does not know', [{ path: 'a', mode: '100600', content: 'x' }]],
  ])('%s is refused', async (_, items) => {
    await expect((await openForged(treeOf(items), items)).entries()).rejects.toMatchObject({ code: 'storage-corrupt', retryable: false })
  })

  it('is refused where a folder is not what its id says', async () => {
    const inner = [{ path: 'a/b', content: 'x' }]
    const folderItem = { path: 'a', mode: '040000', id: treeOf(inner) }
    const root = treeOf([folderItem])
    expect(await (await openForged(root, [folderItem, ...inner])).entries()).toHaveLength(1)
    for (const items of [[folderItem, { path: 'a/b', content: 'y' }], [folderItem, { path: 'a/\ufffd', content: 'x' }], [folderItem], []])
      await expect((await openForged(root, items)).entries()).rejects.toMatchObject({
        code: 'storage-corrupt',
        message: expect.stringContaining('UTF-8') as string,
      })
  })

  it('is refused where a file is not what its id says', async () => {
    const items = [{ path: 'a', content: 'x', id: objectId('blob', 'y') }]
    await expect((await openForged(treeOf(items), items)).read('a', 10)).rejects.toMatchObject({ code: 'storage-corrupt' })
  })

  it('is refused where it is too large to be listed', async () => {
    const one = [{ path: 'a', content: 'x' }]
    const truncated = await openForged(treeOf(one), one, { truncated: true })
    await expect(truncated.entries()).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('50,000') as string })
    const items = Array.from({ length: 50_001 }, (_, index) => ({ path: String(index).padStart(6, '0'), id: 'a'.repeat(40) }))
    await expect((await openForged(treeOf(items), items)).entries()).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('of links alone costs no more than a few calls', async () => {
    const items = Array.from({ length: 65 }, (_, index) => ({ path: String(index).padStart(3, '0'), mode: '120000', content: `target ${index}` }))
    await expect((await openForged(treeOf(items), items)).entries()).rejects.toMatchObject({ message: expect.stringContaining('64 symbolic links') as string })
    const fewer = items.slice(1)
    expect(await (await openForged(treeOf(fewer), fewer)).entries()).toHaveLength(64)
  })

  it('leads nowhere by a link that no file system takes', async () => {
    const items = [
      { path: 'long', mode: '120000', content: 'x'.repeat(5000) },
      { path: 'nul', mode: '120000', content: 'a\0b' },
    ]
    const tree = await openForged(treeOf(items), items)
    expect((await tree.entries()).map(({ target }) => target)).toEqual([undefined, undefined])
    expect(await tree.read('nul', 10)).toBeUndefined()
    await tree.materialise(['long', 'nul'], parent)
    expect(readdirSync(parent)).toEqual([])
  })

  it('with the modes of old is what Git checks out', async () => {
    const items = [{ path: 'a', mode: '100664', content: 'x' }]
    expect(await (await openForged(treeOf(items), items)).entries()).toMatchObject([{ path: 'a', mode: '100644' }])
  })

  it.each([{}, { tree: {} }, { tree: [{}] }, { tree: [{ path: 'a', mode: '100644', sha: 'x' }] }, []])('is not taken from %j', async (body) => {
    const { tree } = await open(({ line }) => ({ body: line.includes('/commits/') ? { message: '', tree: { sha: 'a'.repeat(40) } } : body }), 'c'.repeat(40))
    await expect(tree.entries()).rejects.toMatchObject({ code: 'forge-unavailable' })
  })
})
