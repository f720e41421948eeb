import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgedPlace } from '../../../../cli/judge-place.ts'
import type { Judge } from '../../../../cli/judge-place.ts'
import { mend } from '../../../../cli/mend.ts'
import type { Mending } from '../../../../cli/mend.ts'
import type { Problem } from '../../../../pipeline/problem.ts'
import type { MemoryFile } from '../../../support/memory-tree.ts'
import { memoryTree } from '../../../support/memory-tree.ts'
import { problem } from './reports.ts'

type Finder = (text: string | undefined, file: string) => readonly Problem[]

/** A judge that looks into some files, each by itself. */
function judgeOf(find: Finder, files: readonly string[] = ['sage.yaml']): Judge {
  const verdict = { portal: 'refused', submitted: 'refused' } as const
  return {
    async repository(tree) {
      const texts = await Promise.all(files.map(async (file) => [file, (await tree.read(file, 1e6))?.toString()] as const))
      return [{ path: 'sage.yaml', verdict, problems: texts.flatMap(([file, text]) => find(text, file)) }]
    },
    documents: async () => [],
    text: (path, content) => ({ path, verdict, problems: find(Buffer.from(content).toString(), path) }),
  }
}

/** Offers to write `to` wherever a line is `from`. */
const rewrite =
  (from: string, to: string, safe = true): Finder =>
  (text, file) =>
    (text ?? '').split('\n').flatMap((line, index) => {
      const edit = { file, line: index + 1, column: 1, endLine: index + 1, endColumn: line.length + 1, text: to }
      return line === from ? [problem({ fix: { title: `${from} to ${to}`, safe, edits: [edit] } })] : []
    })

async function mendTree(files: Readonly<Record<string, MemoryFile>>, find: Finder, looked?: readonly string[]): Promise<Mending> {
  const tree = memoryTree(files)
  return mend(await judgedPlace({ kind: 'repository', tree, folder: '/x', [Symbol.asyncDispose]: async () => {} }, {}, judgeOf(find, looked)))
}

const filesOf = ({ files }: Mending): Record<string, string> => Object.fromEntries(files.map(({ file, after }) => [file, after.toString()]))

describe('mending', () => {
  it.each<[string, Record<string, string | Buffer>, Finder, Record<string, string>]>([
    ['what is safe', { 'sage.yaml': 'a\nb\n' }, rewrite('b', 'c'), { 'sage.yaml': 'a\nc\n' }],
    ['nothing that is not', { 'sage.yaml': 'a\nb\n' }, rewrite('b', 'c', false), {}],
    [
      'what comes to light by it',
      { 'sage.yaml': 'a' },
      (text, file) => [...rewrite('a', 'b')(text, file), ...rewrite('b', 'c')(text, file)],
      { 'sage.yaml': 'c' },
    ],
    ['a file that begins with a byte order mark', { 'sage.yaml': '\ufeffx\nb' }, rewrite('b', 'c'), { 'sage.yaml': '\ufeffx\nc' }],
    ['a file that is not there yet', {}, (text, file) => (text === undefined ? rewrite('', 'new')('', file) : []), { 'sage.yaml': 'new' }],
    ['nothing where nothing is wrong', { 'sage.yaml': 'a' }, () => [problem()], {}],
    ['nothing by a fix that changes nothing', { 'sage.yaml': 'a' }, rewrite('a', 'a'), {}],
    [
      'nothing in the end',
      { 'sage.yaml': 'a' },
      (text, file) => (text === 'b' ? rewrite('b', 'c')(text, file) : text === 'c' ? [] : rewrite('a', 'b')(text, file)),
      { 'sage.yaml': 'c' },
    ],
  ])('changes %s', async (_what, files, find, result) => {
    const mending = await mendTree(files, find)

    expect(filesOf(mending)).toEqual(result)
    expect(mending.unfinished).toBe(0)
    const again = await mendTree({ ...files, ...result }, find)
    expect(again.files).toEqual([])
  })

  it('applies a fix that two problems offer once, and one over two files whole', async () => {
    const edits = ['a', 'b'].map((file) => ({ file, line: 1, column: 1, endLine: 1, endColumn: 1, text: '#' }))
    const find: Finder = (text) => (text === 'x' ? [problem({ fix: { title: 'both', safe: true, edits } })] : [])
    const mending = await mendTree({ b: 'x', a: 'x' }, find, ['a', 'b'])

    expect(filesOf(mending)).toEqual({ a: '#x', b: '#x' })
    expect(mending.applied).toHaveLength(1)
  })

  it.each<[string, MemoryFile, RegExp]>([
    ['a link', { link: 'real.yaml' }, /sage\.yaml is no file of the repository's own/],
    ['a link that leaves the repository', { link: '/etc/passwd' }, /no file of the repository's own/],
    ['bytes that are no UTF-8', Buffer.from('b\n\xff', 'latin1'), /is not a text in UTF-8/],
    ['more than 256 KiB', `b\n${' '.repeat(256 * 1024)}`, /at most 256 KiB/],
  ])('leaves %s alone, and says so', async (_what, file, reason) => {
    const mending = await mendTree({ 'sage.yaml': file, 'real.yaml': 'b' }, (_text, path) => rewrite('b', 'c')('b', path))

    expect(mending).toMatchObject({ files: [], applied: [], refused: [{ title: 'b to c', reason: expect.stringMatching(reason) }] })
  })

  it.each(['../escape', '/etc/passwd', 'a/../../b', '', '.'])('writes nothing at %j', async (file) => {
    const edit = { file, line: 1, column: 1, endLine: 1, endColumn: 1, text: 'x' }
    const mending = await mendTree({ 'sage.yaml': 'a' }, () => [problem({ fix: { title: 't', safe: true, edits: [edit] } })])

    expect(mending).toMatchObject({ files: [], refused: [{ title: 't' }] })
  })

  it('makes no change twice, so that fixes which undo each other come to an end', async () => {
    const mending = await mendTree({ 'sage.yaml': 'a' }, (text, file) => [...rewrite('a', 'b')(text, file), ...rewrite('b', 'a')(text, file)])

    expect(mending).toMatchObject({ files: [], applied: { length: 2 }, unfinished: 0 })
  })

  it('ends when there is always one more', async () => {
    const mending = await mendTree({ 'sage.yaml': 'a' }, (text = '', file) => rewrite(text, `${text}a`)(text, file))

    expect(mending).toMatchObject({ applied: { length: 10 }, unfinished: 1 })
  })

  it('of a lone file changes that file, and writes what is new beside it once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctss-mend-'))
    const [path, beside] = [join(folder, 'any.name'), join(folder, 'new.yaml')]
    const find: Finder = (text, file) => [
      ...rewrite('b', 'c')(text, file),
      ...['x', beside, join(folder, '../y')].flatMap((other) => rewrite('', 'new')('', other)),
    ]
    const place = { kind: 'file', path, content: Buffer.from('b'), isLink: false, [Symbol.asyncDispose]: async () => {} } as const
    const judged = await judgedPlace(place, {}, judgeOf(find))
    const mending = await mend(judged)
    expect(filesOf(mending)).toEqual({ [path]: 'c', [beside]: 'new' })

    writeFileSync(beside, 'other')
    expect((await mend(judged)).files.map(({ file }) => file)).toEqual([path])
    rmSync(folder, { recursive: true })
  })
})
