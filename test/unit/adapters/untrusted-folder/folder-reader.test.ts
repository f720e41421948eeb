import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderReader, measureFolder } from '../../../../adapters/untrusted-folder/folder-reader.ts'

const reader = new FolderReader()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-folder-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('listing a folder of a stranger', () => {
  it('tells what each entry is, sorted by its bytes, and enters no link', async () => {
    await mkdir(join(folder, 'sub', 'empty'), { recursive: true })
    await writeFile(join(folder, 'sub', 'b'), 'bb')
    await writeFile(join(folder, 'a\nb'), '')
    await symlink('/etc', join(folder, 'etc'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), 'x')

    const { entries, complete } = await reader.list(folder, 100)

    expect(entries.map(({ path, kind, bytes }) => [path, kind, bytes])).toEqual([
      ['a\nb', 'unnameable', 0],
      ['etc', 'link', 4],
      ['pipe', 'special', 0],
      ['sub/b', 'file', 2],
      ['\ufffd\ufffd', 'unnameable', 0],
    ])
    expect(complete).toBe(true)
  })

  it('stops at the limit and says so', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), '')

    expect(await reader.list(folder, 2)).toMatchObject({ complete: false, entries: [{}, {}] })
  })

  it('does not go down endlessly', async () => {
    const deep = Array.from({ length: 40 }, () => 'd').join('/')
    await mkdir(join(folder, deep), { recursive: true })

    expect((await reader.list(folder, 100)).entries).toMatchObject([{ path: Array.from({ length: 32 }, () => 'd').join('/'), kind: 'unnameable' }])
  })

  it('takes a missing folder, and a link in its place, for an empty one', async () => {
    await symlink('/etc', join(folder, 'link'))

    expect(await reader.list(join(folder, 'none'), 10)).toEqual({ entries: [], complete: true })
    expect(await reader.list(join(folder, 'link'), 10)).toEqual({ entries: [], complete: true })
  })

  it('is a failure where the file system refuses', async () => {
    await expect(reader.list(join(folder, 'x'.repeat(300)), 10)).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

describe('reading a file of a stranger', () => {
  it('gives one byte more than the limit, so that one sees that there is more', async () => {
    await writeFile(join(folder, 'a'), '12345')

    expect(String(await reader.read(folder, 'a', 3))).toBe('1234')
    expect(String(await reader.read(folder, 'a', 5))).toBe('12345')
  })

  it.each(['none', 'sub', 'sub/none', 'a/b', 'link', 'linked/passwd', '../outside', 'sub/../a', '/etc/passwd', 'pipe', '', 'sub//a'])(
    'gives nothing for %j',
    async (path) => {
      await mkdir(join(folder, 'sub'))
      await writeFile(join(folder, 'a'), 'a')
      await symlink('/etc/passwd', join(folder, 'link'))
      await symlink('/etc', join(folder, 'linked'))
      execFileSync('mkfifo', [join(folder, 'pipe')])

      expect(await reader.read(folder, path, 100)).toBeUndefined()
    },
  )
})

it('measures what is really on the disk: a sparse file counts little', async () => {
  await writeFile(join(folder, 'a'), Buffer.alloc(100_000, 'x'))
  await writeFile(join(folder, 'sparse'), '')
  await truncate(join(folder, 'sparse'), 2 ** 40)

  const bytes = await measureFolder(folder)
  expect(bytes).toBeGreaterThanOrEqual(100_000)
  expect(bytes).toBeLessThan(1_000_000)
})
