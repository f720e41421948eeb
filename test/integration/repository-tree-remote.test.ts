import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openRemote } from '../../adapters/repository-tree/open.ts'
import { describeRepositoryTreeContract } from '../contract/repository-tree.ts'
import { git, layOut, makeRepository } from '../support/layout.ts'

let parent = ''
let source = ''
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ctss-test-'))
  source = join(parent, 'cloud-counter.git')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(parent, { recursive: true })
})

const open = (options: Parameters<typeof openRemote>[1] = {}) => openRemote(`file://${source}`, { parent, ...options })
const clones = () => readdirSync(parent).filter((name) => name.startsWith('ctss-clone-'))

describeRepositoryTreeContract('a clone', async (files) => {
  rmSync(source, { recursive: true, force: true })
  makeRepository(source, files)
  return (await open()).tree
})

describe('a Git repository elsewhere', () => {
  it('is opened at its default branch, without history, and removed afterwards', async () => {
    makeRepository(source, { a: 'first' })
    layOut(source, { a: 'second' })
    git(source, 'commit', '-qam', 'second')
    const commit = git(source, 'rev-parse', 'HEAD')
    {
      await using remote = await open()
      expect((await remote.tree.read('a', 100))?.toString()).toBe('second')
      expect(await remote.tree.subject()).toMatchObject({ repository: 'cloud-counter', commit, dirty: false, tags: [] })
      expect(git(join(parent, clones()[0]!), 'rev-list', '--all', '--count')).toBe('1')
    }
    expect(clones()).toStrictEqual([])
  })

  it('is opened at a branch, a tag or a commit, with the tags at it', async () => {
    makeRepository(source, { a: 'first' })
    const first = git(source, 'rev-parse', 'HEAD')
    git(source, 'tag', '1.0.0')
    git(source, 'tag', '-a', '-m', 'annotated', 'v1.0.0')
    git(source, 'checkout', '-q', '-b', 'next')
    layOut(source, { a: 'next' })
    git(source, 'commit', '-qam', 'next')
    for (const [ref, content] of [
      ['main', 'first'],
      ['next', 'next'],
      ['1.0.0', 'first'],
      ['v1.0.0', 'first'],
      [first, 'first'],
    ] as const) {
      await using remote = await open({ ref })
      expect([ref, (await remote.tree.read('a', 100))?.toString()]).toStrictEqual([ref, content])
      expect((await remote.tree.subject()).tags).toStrictEqual(content === 'first' ? ['1.0.0', 'v1.0.0'] : [])
    }
  })

  it.each(['nothing-of-that-name', '--upload-pack=touch x', '', 'a b'])('fails on the ref %j, which is not there', async (ref) => {
    makeRepository(source, { a: 'x' })
    await expect(open({ ref })).rejects.toMatchObject({ code: 'download-failed' })
    expect(clones()).toStrictEqual([])
  })

  it('fails when it is empty or not there', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('cannot be cloned') })
    git(parent, 'init', '-q', '--bare', source)
    await expect(open()).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('is empty') })
  })

  it.each(['ext::sh -c touch% ran', 'ext::sh', '--upload-pack=x', '-oProxyCommand=x', 'fd::17', '/etc', 'transport::https://x', 'https://example.org/a b'])(
    'refuses %j, which is no URL of a repository',
    async (url) => {
      await expect(openRemote(url, { parent })).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('not the URL') })
    },
  )

  it('never shows the credentials of its URL', async () => {
    const error: unknown = await openRemote('http://user:secret@127.0.0.1:9/o/r.git', { parent }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'download-failed', message: expect.not.stringContaining('secret') })
  })

  it('runs no hook and no filter, and fetches no submodule', async () => {
    const mark = join(parent, 'ran')
    makeRepository(source, {
      a: 'x',
      '.gitattributes': 'a filter=evil\n',
      '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ext::touch ${mark}\n\tupdate = !touch ${mark}\n`,
    })
    layOut(source, { '.git/hooks/post-checkout': { program: `#!/bin/sh\ntouch ${mark}\n` } })
    await using remote = await open()
    expect(await remote.tree.subject()).toMatchObject({ dirty: false })
    expect(existsSync(mark)).toBe(false)
  })

  it('refuses what would unpack to more than the limit, and what is larger than it', async () => {
    makeRepository(source, { zeros: Buffer.alloc(3_000_000) })
    await expect(open({ limitBytes: 1_000_000 })).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('larger than 1 MiB') })
    expect(clones()).toStrictEqual([])
  })

  it('refuses a tree of trees that unpacks to millions of files', async () => {
    makeRepository(source, { f: 'x' })
    // Ten levels of ten names for the same tree: a few hundred bytes, ten thousand million files.
    let object = git(source, 'hash-object', '-w', 'f')
    for (let level = 0; level < 10; level++) {
      const kind = level === 0 ? '100644 blob' : '040000 tree'
      const listing = Array.from({ length: 10 }, (_, index) => `${kind} ${object}\td${index}\n`).join('')
      object = execFileSync('git', ['mktree'], { cwd: source, input: listing, encoding: 'utf8' }).trim()
    }
    const commit = git(source, 'commit-tree', '-m', 'bomb', object)
    git(source, 'reset', '-q', '--soft', commit)
    await expect(open()).rejects.toMatchObject({ name: 'Failure' })
    expect(clones()).toStrictEqual([])
  })

  it('stops when it is told to', async () => {
    makeRepository(source, { a: 'x' })
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    expect(clones()).toStrictEqual([])
  })

  it('needs Git on the machine', async () => {
    vi.stubEnv('PATH', join(parent, 'nothing'))
    await expect(open()).rejects.toMatchObject({ code: 'missing-tool' })
  })
})
