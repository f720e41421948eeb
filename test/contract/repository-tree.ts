import { createHash } from 'node:crypto'
import { lstat, mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import type { MemoryFile } from '../support/memory-tree.ts'
import { memoryTree } from '../support/memory-tree.ts'

const FILES: Readonly<Record<string, MemoryFile>> = {
  'sage.yaml': 'name: cloud-counter\n',
  'app/main.py': 'print("hello")\n',
  'app/run.sh': { program: '#!/bin/sh\n' },
  'app-z': 'sorts between app and app/…',
  'app/empty': '',
  'app/large.bin': Buffer.alloc(600_000, 'x'),
  'with space/ünïcödé 😀.txt': 'x',
  'new\nline': 'x',
  'to-file': { link: 'app/main.py' },
  'to-folder': { link: './app/../app' },
  'app/up': { link: '../sage.yaml' },
  'to-link': { link: 'to-file' },
  dangling: { link: 'app/nothing' },
  outside: { link: '../../etc/passwd' },
  absolute: { link: '/etc/passwd' },
  round: { link: 'round-again' },
  'round-again': { link: 'round' },
}

/** Every repository tree passes this. `make` lays out the files it is given and opens them. */
export function describeRepositoryTreeContract(name: string, make: (files: Readonly<Record<string, MemoryFile>>) => Promise<RepositoryTree>): void {
  describe(`${name}, as a repository tree`, () => {
    let folder = ''
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
    })
    afterEach(() => rm(folder, { recursive: true }))

    it('lists every file with Git’s mode and blob id, sorted bytewise', async () => {
      const entries = await (await make(FILES)).entries()
      const paths = Object.keys(FILES).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(entries.map(({ path }) => path)).toStrictEqual(paths)
      const find = (path: string) => entries.find((entry) => entry.path === path)
      // printf 'print("hello")\n' | git hash-object --stdin
      expect(find('app/main.py')).toStrictEqual({
        path: 'app/main.py',
        mode: '100644',
        blob: createHash('sha1').update('blob 15\0print("hello")\n').digest('hex'),
        bytes: 15,
      })
      expect(find('app/empty')?.blob).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391')
      expect(find('app/run.sh')?.mode).toBe('100755')
      expect(find('to-file')).toMatchObject({
        mode: '120000',
        target: 'app/main.py',
        bytes: 11,
        blob: createHash('sha1').update('blob 11\0app/main.py').digest('hex'),
      })
    })

    it('reads files, through links that stay inside, and nothing else', async () => {
      const tree = await make(FILES)
      const read = async (path: string) => (await tree.read(path, 1000))?.toString()
      expect(await read('app/main.py')).toBe('print("hello")\n')
      expect(await read('./app//main.py')).toBe('print("hello")\n')
      expect(await read('to-file')).toBe('print("hello")\n')
      expect(await read('to-link')).toBe('print("hello")\n')
      expect(await read('to-folder/main.py')).toBe('print("hello")\n')
      expect(await read('app/up')).toBe('name: cloud-counter\n')
      expect(await read('app/empty')).toBe('')
      for (const path of [
        'nothing',
        'app',
        '',
        '.',
        '..',
        '../x',
        '/etc/passwd',
        'dangling',
        'outside',
        'absolute',
        'round',
        'app/main.py/x',
        'to-folder/../../x',
        'app/\0',
      ])
        expect([path, await read(path)]).toStrictEqual([path, undefined])
    })

    it('reads one byte more than the limit of what is longer, and no more', async () => {
      const tree = await make(FILES)
      expect((await tree.read('app/large.bin', 100))?.length).toBe(101)
      expect((await tree.read('app/large.bin', 600_000))?.length).toBe(600_000)
      expect((await tree.read('app/large.bin', 700_000))?.equals(Buffer.alloc(600_000, 'x'))).toBe(true)
    })

    it('materialises what is asked for, with modes and inner links, and leaves out links that leave', async () => {
      const tree = await make(FILES)
      await tree.materialise(['app/main.py', 'app/run.sh', 'app/large.bin', 'to-file', 'app/up', 'outside', 'absolute', 'round', 'new\nline'], folder)
      expect((await readdir(folder, { recursive: true })).toSorted()).toStrictEqual([
        'app',
        'app/large.bin',
        'app/main.py',
        'app/run.sh',
        'app/up',
        'new\nline',
        'to-file',
      ])
      expect(await readFile(join(folder, 'app/main.py'), 'utf8')).toBe('print("hello")\n')
      expect((await lstat(join(folder, 'app/run.sh'))).mode & 0o777).toBe(0o755)
      expect((await lstat(join(folder, 'app/main.py'))).mode & 0o111).toBe(0)
      expect(await readlink(join(folder, 'to-file'))).toBe('app/main.py')
    })

    it('materialises nothing that it does not hold', async () => {
      await expect((await make({ a: 'x' })).materialise(['../b'], folder)).rejects.toThrow(TypeError)
    })

    it('stops materialising when told to', async () => {
      await expect((await make(FILES)).materialise(['sage.yaml'], folder, AbortSignal.abort())).rejects.toThrow(/abort|cancel/)
    })

    it('has a digest that is the same for the same tree and another for another name, mode or content', async () => {
      const digest = async (files: Readonly<Record<string, MemoryFile>>) => (await make(files)).digest()
      const first = await digest({ a: 'x', b: 'y' })
      expect(await digest({ b: 'y', a: 'x' })).toBe(first)
      expect(await memoryTree({ a: 'x', b: 'y' }).digest()).toBe(first)
      for (const other of [{ a: 'x', c: 'y' }, { a: 'x', b: 'z' }, { a: 'x', b: { program: 'y' } }, { a: 'x', b: { link: 'y' } }, { a: 'x' }])
        expect(await digest(other)).not.toBe(first)
    })

    it('says the same tree digest in its subject', async () => {
      const tree = await make({ a: 'x' })
      expect((await tree.subject()).tree).toBe(await tree.digest())
    })
  })
}
