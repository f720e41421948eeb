import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listByWalking } from '../../../../adapters/repository-tree/folder-listing.ts'
import { openFolder } from '../../../../adapters/repository-tree/open.ts'
import { describeRepositoryTreeContract } from '../../../contract/repository-tree.ts'
import { git, layOut, makeRepository } from '../../../support/layout.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

let parent = ''
let folder = ''
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ctss-test-'))
  folder = join(parent, 'cloud-counter')
  mkdirSync(folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(parent, { recursive: true })
})

const paths = async () => (await (await openFolder(folder)).entries()).map(({ path }) => path)
const subject = async () => (await openFolder(folder)).subject()

describeRepositoryTreeContract('memory', async (files) => memoryTree(files))
describeRepositoryTreeContract('a plain folder', async (files) => {
  rmSync(folder, { recursive: true })
  layOut(folder, files)
  return openFolder(folder)
})
describeRepositoryTreeContract('a commit in a Git working tree', async (files) => {
  rmSync(folder, { recursive: true })
  makeRepository(folder, files)
  return openFolder(folder)
})
describeRepositoryTreeContract('a Git working tree in which nothing is committed', async (files) => {
  rmSync(folder, { recursive: true })
  layOut(folder, files)
  git(folder, 'init', '-q')
  return openFolder(folder)
})

describe('a Git working tree', () => {
  it('holds tracked and untracked files, but neither ignored nor deleted ones', async () => {
    makeRepository(folder, { '.gitignore': '*.log\n!keep.log\nout/\n', tracked: 'x', gone: 'x', 'forced.log': 'x' })
    git(folder, 'add', '-f', 'forced.log')
    rmSync(join(folder, 'gone'))
    layOut(folder, { untracked: 'x', 'debug.log': 'x', 'keep.log': 'x', 'out/model.bin': 'x' })
    expect(await paths()).toStrictEqual(['.gitignore', 'forced.log', 'keep.log', 'tracked', 'untracked'])
  })

  it('takes what the folder holds now, not what is committed or staged', async () => {
    makeRepository(folder, { a: 'committed' })
    writeFileSync(join(folder, 'a'), 'staged')
    git(folder, 'add', 'a')
    writeFileSync(join(folder, 'a'), 'now')
    expect((await (await openFolder(folder)).read('a', 100))?.toString()).toBe('now')
  })

  it('has the blob ids that Git gives', async () => {
    makeRepository(folder, { a: 'x', 'b/run.sh': { program: 'y' }, link: { link: 'a' }, large: 'z'.repeat(300_000) })
    const listed = git(folder, 'ls-tree', '-r', 'HEAD').split('\n')
    const entries = await (await openFolder(folder)).entries()
    expect(entries.map(({ mode, blob, path }) => `${mode} blob ${blob}\t${path}`)).toStrictEqual(listed)
  })

  it('knows its branch, and its commit as Git describes it, unless the history is cut off', async () => {
    makeRepository(folder, { a: 'x' })
    git(folder, 'tag', '1.0.0')
    git(folder, 'checkout', '-q', '-b', 'side')
    git(folder, 'commit', '-q', '--allow-empty', '-m', 'later')
    const described = `1.0.0-1-g${git(folder, 'rev-parse', '--short', 'HEAD')}`
    expect(await subject()).toMatchObject({ branch: 'side', described })
    const shallow = join(parent, 'shallow')
    git(parent, 'clone', '-q', '--depth=1', `file://${folder}`, shallow)
    const cut = await (await openFolder(shallow)).subject()
    expect(cut.commit).toBe(git(folder, 'rev-parse', 'HEAD'))
    expect(cut).not.toHaveProperty('described')
    git(folder, 'checkout', '-q', '--detach')
    layOut(folder, { 'apps/one/sage.yaml': 'x' })
    expect(await (await openFolder(join(folder, 'apps/one'))).subject()).toMatchObject({ prefix: 'apps/one' })
    expect(await subject()).not.toHaveProperty('prefix')
    expect(await subject()).not.toHaveProperty('branch')
  })

  it('is clean when it is as committed, and dirty after any change', async () => {
    makeRepository(folder, { a: 'x', 'run.sh': 'y' })
    git(folder, 'tag', 'v1.0.0')
    git(folder, 'tag', '-a', '-m', 'annotated', '1.0.0')
    const commit = git(folder, 'rev-parse', 'HEAD')
    expect(await subject()).toMatchObject({ repository: 'cloud-counter', commit, dirty: false, tags: ['1.0.0', 'v1.0.0'] })
    const changes: readonly (() => void)[] = [
      () => writeFileSync(join(folder, 'a'), 'z'),
      () => writeFileSync(join(folder, 'new'), ''),
      () => rmSync(join(folder, 'a')),
      () => chmodSync(join(folder, 'run.sh'), 0o755),
      () => void git(folder, 'mv', 'a', 'b'),
    ]
    for (const change of changes) {
      change()
      expect(await subject()).toMatchObject({ commit, dirty: true })
      git(folder, 'reset', '-q', '--hard')
      git(folder, 'clean', '-fdq')
      expect(await subject()).toMatchObject({ dirty: false })
    }
  })

  it('counts content alone: neither time nor a rewrite of the same bytes changes anything', async () => {
    makeRepository(folder, { a: 'x' })
    const before = await subject()
    rmSync(join(folder, 'a'))
    writeFileSync(join(folder, 'a'), 'x')
    expect(await subject()).toStrictEqual(before)
  })

  it('notices a change of the same length in the same instant', async () => {
    makeRepository(folder, { a: 'x' })
    const before = await (await openFolder(folder)).digest()
    execFileSync('sh', ['-c', 'printf y > a && touch -d "2020-01-01" a'], { cwd: folder })
    expect(await (await openFolder(folder)).digest()).not.toBe(before)
  })

  it.each([
    ['https://github.com/o/r.git', 'https://github.com/o/r'],
    ['https://user:secret@github.com/o/r.git', 'https://github.com/o/r'],
    ['https://ghp_token@github.com/o/r', 'https://github.com/o/r'],
    ['git@github.com:o/r.git', 'https://github.com/o/r'],
    ['ssh://git:secret@example.org:2222/o/r.git/', 'https://example.org/o/r'],
    ['/home/somebody/private/r.git', 'r'],
  ])('names its remote %s as %s', async (remote, name) => {
    makeRepository(folder, { a: 'x' })
    git(folder, 'remote', 'add', 'origin', remote)
    expect((await subject()).repository).toBe(name)
  })

  it('has no commit before the first, and is dirty', async () => {
    git(folder, 'init', '-q')
    layOut(folder, { a: 'x' })
    expect(await subject()).toMatchObject({ repository: 'cloud-counter', commit: null, dirty: true, tags: [] })
  })

  it('opens a folder inside a repository by itself, with the repository’s commit', async () => {
    makeRepository(parent, { 'cloud-counter/sage.yaml': 'x', 'other/sage.yaml': 'y' })
    expect(await paths()).toStrictEqual(['sage.yaml'])
    expect(await subject()).toMatchObject({ commit: git(parent, 'rev-parse', 'HEAD'), dirty: false })
  })

  it('opens a folder that a repository around it ignores as a plain folder', async () => {
    makeRepository(parent, { '.gitignore': 'cloud-counter/\n' })
    layOut(folder, { a: 'x' })
    expect(await paths()).toStrictEqual(['a'])
    expect(await subject()).toMatchObject({ commit: null })
  })

  it('notes submodules without their files, and leaves out a stray clone', async () => {
    makeRepository(join(parent, 'library'), { 'lib.py': 'x' })
    makeRepository(folder, { a: 'x' })
    git(folder, 'submodule', '--quiet', 'add', join(parent, 'library'), 'lib')
    makeRepository(join(folder, 'stray'), { b: 'x' })
    const entries = await (await openFolder(folder)).entries()
    expect(entries.map(({ path, mode }) => [path, mode])).toStrictEqual([
      ['.gitmodules', '100644'],
      ['a', '100644'],
      ['lib', '160000'],
    ])
    expect(entries[2]?.blob).toBe(git(join(parent, 'library'), 'rev-parse', 'HEAD'))
    expect(await (await openFolder(folder)).read('lib/lib.py', 100)).toBeUndefined()
    await (await openFolder(folder)).materialise(['lib', 'a'], mkdtempSync(join(parent, 'out-')))
  })

  it('lists a file in a merge conflict once', async () => {
    makeRepository(folder, { a: 'x' })
    git(folder, 'checkout', '-q', '-b', 'side')
    layOut(folder, { a: 'side' })
    git(folder, 'commit', '-qam', 'side')
    git(folder, 'checkout', '-q', '-')
    layOut(folder, { a: 'main' })
    git(folder, 'commit', '-qam', 'main')
    expect(() => git(folder, 'merge', 'side')).toThrow(/CONFLICT|Command failed/)
    expect(await paths()).toStrictEqual(['a'])
  })

  it('is clean with files of Git LFS in the place of their pointers, and dirty when one of them is another', async () => {
    const content = Buffer.alloc(5000, 'model')
    const pointer = `version https://git-lfs.github.com/spec/v1\next-0-x sha256:abc\noid sha256:${createHash('sha256').update(content).digest('hex')}\nsize 5000\n`
    makeRepository(folder, { 'model.bin': pointer, 'other.bin': pointer, a: 'x' })
    layOut(folder, { 'model.bin': content })
    expect(await subject()).toMatchObject({ dirty: false })
    layOut(folder, { 'other.bin': content })
    expect(await subject()).toMatchObject({ dirty: false })
    layOut(folder, { 'other.bin': Buffer.alloc(5000, 'MODEL') })
    expect(await subject()).toMatchObject({ dirty: true })
    layOut(folder, { 'other.bin': content, a: 'y'.repeat(5000) })
    expect(await subject()).toMatchObject({ dirty: true })
    layOut(folder, { a: 'x'.repeat(2000) })
    git(folder, 'commit', '-qam', 'everything as it is')
    expect(await subject()).toMatchObject({ dirty: false })
    layOut(folder, { a: 'z' })
    expect(await subject()).toMatchObject({ dirty: true })
  })

  it('is dirty when more files differ than Git LFS would explain', async () => {
    const files = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`f${index}`, 'x']))
    makeRepository(folder, files)
    layOut(folder, Object.fromEntries(Object.keys(files).map((path) => [path, 'y'])))
    expect(await subject()).toMatchObject({ dirty: true })
  })

  it('follows a .git that is a file (a linked working tree)', async () => {
    makeRepository(join(parent, 'main'), { a: 'x' })
    rmSync(folder, { recursive: true })
    git(join(parent, 'main'), 'worktree', 'add', '-q', '--detach', folder)
    expect(await paths()).toStrictEqual(['a'])
    expect(await subject()).toMatchObject({ dirty: false })
  })
})

describe('a hostile repository', () => {
  it('runs nothing that its configuration names', async () => {
    const mark = join(parent, 'ran')
    layOut(parent, { 'evil.sh': { program: `#!/bin/sh\ntouch ${mark}\n` } })
    const evil = join(parent, 'evil.sh')
    makeRepository(folder, { a: 'x', '.gitattributes': '* filter=evil diff=evil\n' })
    const settings = [
      'core.fsmonitor',
      'core.sshCommand',
      'core.gitProxy',
      'core.pager',
      'core.editor',
      'core.askPass',
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'diff.evil.textconv',
      'diff.external',
      'credential.helper',
      'gpg.program',
      'remote.origin.uploadpack',
      'alias.ls-files',
      'alias.ls-tree',
    ]
    for (const setting of settings) git(folder, 'config', setting, setting.startsWith('alias') ? `!${evil}` : evil)
    git(folder, 'config', 'remote.origin.url', `ext::${evil}`)
    git(folder, 'config', 'protocol.ext.allow', 'always')
    git(folder, 'config', 'remote.origin.promisor', 'true')
    git(folder, 'config', 'core.hooksPath', join(folder, '.git/hooks'))
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'reference-transaction', 'pre-auto-gc'])
      layOut(folder, { [`.git/hooks/${hook}`]: { program: `#!/bin/sh\ntouch ${mark}\n` } })
    appendFileSync(join(folder, 'a'), 'changed')
    // A tree that is missing would be fetched from the promisor remote.
    const tree = git(folder, 'rev-parse', 'HEAD^{tree}')
    rmSync(join(folder, '.git/objects', tree.slice(0, 2), tree.slice(2)))
    const opened = await openFolder(folder)
    await opened.entries()
    await opened.subject()
    await opened.read('a', 10)
    expect(existsSync(mark)).toBe(false)
  })

  it('is not found through variables that a surrounding hook has set', async () => {
    makeRepository(join(parent, 'other'), { secret: 'x' })
    makeRepository(folder, { a: 'x' })
    vi.stubEnv('GIT_DIR', join(parent, 'other/.git'))
    vi.stubEnv('GIT_WORK_TREE', join(parent, 'other'))
    vi.stubEnv('GIT_INDEX_FILE', join(parent, 'other/.git/index'))
    expect(await paths()).toStrictEqual(['a'])
    expect(await subject()).toMatchObject({ dirty: false })
  })

  it('is read by root although another user owns it', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give files away')
    makeRepository(folder, { a: 'x' })
    execFileSync('chown', ['-R', '12345', folder])
    expect(await subject()).toMatchObject({ commit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false })
  })

  it.each(['plain', 'git'])('skips FIFOs and sockets instead of waiting for them (%s)', async (kind) => {
    layOut(folder, { a: 'x' })
    execFileSync('mkfifo', [join(folder, 'fifo')])
    if (kind === 'git') git(folder, 'init', '-q')
    expect(await paths()).toStrictEqual(['a'])
  })

  it('does not read through a folder that has become a link since it was committed', async () => {
    layOut(parent, { 'secrets/key': 'secret' })
    makeRepository(folder, { 'data/key': 'public', a: 'x' })
    rmSync(join(folder, 'data'), { recursive: true })
    symlinkSync('../secrets', join(folder, 'data'))
    const tree = await openFolder(folder)
    expect((await tree.entries()).map(({ path, mode }) => [path, mode])).toStrictEqual([
      ['a', '100644'],
      ['data', '120000'],
    ])
    expect(await tree.read('data/key', 100)).toBeUndefined()
  })

  it('does not walk through a link to a folder, nor in circles', async () => {
    layOut(folder, { 'a/b': 'x', 'a/round': { link: '..' } })
    expect(await paths()).toStrictEqual(['a/b', 'a/round'])
  })

  it.each(['plain', 'git'])('keeps names that are not UTF-8 apart and whole (%s)', async (kind) => {
    const name = (byte: number) => Buffer.concat([Buffer.from(`${folder}/d`), Buffer.from([byte]), Buffer.from('/f'), Buffer.from([byte])])
    for (const byte of [0xff, 0xfe]) {
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/d`), Buffer.from([byte])]))
      writeFileSync(name(byte), `content ${byte}`)
    }
    if (kind === 'git') makeRepository(folder, {})
    const tree = await openFolder(folder)
    const entries = await tree.entries()
    expect(entries.map(({ path }) => path)).toStrictEqual(['d\\xfe/f\\xfe', 'd\\xff/f\\xff'])
    expect((await tree.read('d\\xff/f\\xff', 100))?.toString()).toBe('content 255')
    if (kind === 'git') expect(await tree.subject()).toMatchObject({ dirty: false })
    const out = mkdtempSync(join(parent, 'out-'))
    await tree.materialise(
      entries.map(({ path }) => path),
      out,
    )
    expect(readFileSync(Buffer.concat([Buffer.from(`${out}/`), Buffer.from([0x64, 0xff, 0x2f, 0x66, 0xff])]), 'utf8')).toBe('content 255')
  })

  it('refuses more than 50,000 files with a sentence about what to do', async () => {
    git(folder, 'init', '-q')
    const lines = Array.from({ length: 50_001 }, (_, index) => `100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\tfile-${index}\n`)
    execFileSync('git', ['update-index', '--index-info'], { cwd: folder, input: lines.join('') })
    await expect((await openFolder(folder)).entries()).rejects.toMatchObject({
      name: 'Failure',
      code: 'storage-unavailable',
      suggestion: expect.stringContaining('.gitignore'),
    })
  })

  it('stops walking when there are too many files, before it has seen them all', async () => {
    layOut(folder, { a: '', b: '', 'c/d': '', 'c/e': '' })
    await expect(listByWalking(folder, { limit: 3 })).rejects.toMatchObject({ code: 'storage-unavailable' })
    expect(await listByWalking(folder, { limit: 4 })).toHaveLength(4)
  })

  it('treats a broken .git as a plain folder', async () => {
    layOut(folder, { '.git': 'gitdir: /nowhere\n', a: 'x' })
    expect(await paths()).toStrictEqual(['a'])
    expect(await subject()).toMatchObject({ commit: null, dirty: true, repository: 'cloud-counter' })
  })
})

describe('a plain folder', () => {
  it('is read without Git on the machine', async () => {
    makeRepository(folder, { a: 'x' })
    vi.stubEnv('PATH', join(parent, 'nothing'))
    expect(await paths()).toStrictEqual(['a'])
    expect(await subject()).toMatchObject({ commit: null, dirty: true })
  })

  it('is a failure when it is not there, or a file', async () => {
    await expect(openFolder(join(parent, 'none'))).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('no such folder') })
    writeFileSync(join(parent, 'file'), '')
    await expect(openFolder(join(parent, 'file'))).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('not a folder') })
    await expect(openFolder(join(parent, 'file/x'))).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('stops when it is told to', async () => {
    layOut(folder, { a: 'x' })
    const tree = await openFolder(folder, { signal: AbortSignal.abort() })
    await expect(tree.entries()).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('a file that changes after it was listed', () => {
  it.each<[string, () => void]>([
    ['is rewritten', () => writeFileSync(join(folder, 'a'), 'y')],
    ['grows', () => appendFileSync(join(folder, 'a'), 'y')],
    ['shrinks', () => writeFileSync(join(folder, 'a'), '')],
    ['disappears', () => rmSync(join(folder, 'a'))],
    ['becomes a link', () => (rmSync(join(folder, 'a')), symlinkSync('/etc/passwd', join(folder, 'a')))],
    ['becomes a FIFO', () => (rmSync(join(folder, 'a')), void execFileSync('mkfifo', [join(folder, 'a')]))],
    ['becomes a folder', () => (renameSync(join(folder, 'a'), join(folder, 'b')), mkdirSync(join(folder, 'a')))],
  ])('fails when it %s, instead of mixing two states', async (_, change) => {
    layOut(folder, { a: 'x', b: 'x' })
    const tree = await openFolder(folder)
    await tree.entries()
    change()
    const out = mkdtempSync(join(parent, 'out-'))
    await expect(tree.materialise(['a'], out)).rejects.toMatchObject({ name: 'Failure', code: 'interrupted', retryable: true })
    if (_ !== 'grows') await expect(tree.read('a', 100)).rejects.toMatchObject({ name: 'Failure' })
  })
})
