import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { extract } from 'tar-stream'
import { digestOf } from '../../../../pipeline/digest.ts'
import { packSource } from '../../../../pipeline/publish/source-archive.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const { signal } = new AbortController()

async function unpack(
  content: Buffer,
): Promise<{ name: string; mode: number | undefined; time: number | undefined; owner: number | undefined; link: string | undefined; text: string }[]> {
  const reader = extract()
  reader.end(content)
  const files = []
  for await (const entry of reader) {
    files.push({
      name: entry.header.name,
      mode: entry.header.mode,
      time: entry.header.mtime?.getTime(),
      owner: entry.header.uid,
      link: entry.header.linkname ?? undefined,
      text: await text(entry),
    })
  }
  return files
}

async function pack(...arguments_: Parameters<typeof memoryTree>): Promise<Buffer> {
  const archive = await packSource(memoryTree(...arguments_), signal)
  if (archive.kind !== 'packed') throw new Error(archive.problem.message)
  return archive.content
}

describe('a source archive', () => {
  it('holds every file with its mode, sorted, without times and owners', async () => {
    const content = await pack({ 'run.sh': { program: '#!/bin/sh\n' }, 'app/main.py': 'print()\n', 'ümlaut.txt': '' })
    expect(await unpack(content)).toEqual([
      { name: 'app/main.py', mode: 0o644, time: 0, owner: 0, link: undefined, text: 'print()\n' },
      { name: 'run.sh', mode: 0o755, time: 0, owner: 0, link: undefined, text: '#!/bin/sh\n' },
      { name: 'ümlaut.txt', mode: 0o644, time: 0, owner: 0, link: undefined, text: '' },
    ])
  })

  it('has one digest for one tree', async () => {
    const files = { 'b.txt': 'b', 'a.txt': 'a', [`${'long/'.repeat(60)}name.txt`]: 'deep' }
    expect(digestOf(await pack(files))).toBe(digestOf(await pack(Object.fromEntries(Object.entries(files).toReversed()))))
    expect(digestOf(await pack(files))).not.toBe(digestOf(await pack({ ...files, 'a.txt': 'A' })))
  })

  it('stores a link as it is written, and leaves out submodules', async () => {
    const content = await pack({ latest: { link: 'models/v2' }, out: { link: '../../etc/passwd' }, vendored: { submodule: 'a'.repeat(40) } })
    expect(await unpack(content)).toMatchObject([
      { name: 'latest', link: 'models/v2', text: '' },
      { name: 'out', link: '../../etc/passwd' },
    ])
  })

  it('keeps files of many megabytes whole', async () => {
    const big = 'x'.repeat(5 * 2 ** 20)
    expect((await unpack(await pack({ big, small: 's' }))).map(({ text }) => text.length)).toEqual([big.length, 1])
  })

  it('refuses a tree that is too large, and names its largest files', async () => {
    expect(await packSource(memoryTree({ 'small.txt': 's', 'data/huge.bin': 'x'.repeat(2000) }), signal, 1000)).toMatchObject({
      kind: 'too-large',
      problem: { code: 'source-too-large', detail: expect.stringMatching(/^2000 bytes {2}data\/huge\.bin\n/) },
    })
  })

  it('refuses a tree whose files have grown meanwhile', async () => {
    const tree = memoryTree({ a: 'x'.repeat(600), b: 'x'.repeat(600) })
    const small = (await tree.entries()).map((entry) => ({ ...entry, bytes: 5 }))
    expect(await packSource({ ...tree, entries: async () => small }, signal, 1000)).toMatchObject({ kind: 'too-large' })
  })

  it('fails when a file disappears meanwhile', async () => {
    await expect(packSource({ ...memoryTree({ a: 'x' }), read: () => Promise.resolve(undefined) }, signal)).rejects.toMatchObject({ code: 'interrupted' })
  })

  it('stops when it is cancelled', async () => {
    await expect(packSource(memoryTree({ a: 'x' }), AbortSignal.abort())).rejects.toThrow('aborted')
  })
})
