import { describe, expect, it } from 'vitest'
import { gitObjects, type GitObjects } from '../../../support/github/git-objects.ts'

const WHO = { name: 'Zelda', email: 'zelda@example.org', date: '2026-01-02T03:04:05+02:00' }

function put(objects: GitObjects, files: Readonly<Record<string, string>>): string {
  return objects.putFiles(Object.entries(files).map(([path, content]) => ({ path, mode: '100644', id: objects.put('blob', Buffer.from(content)) })))
}

describe('Git objects', () => {
  it('have the ids that Git gives them', () => {
    const objects = gitObjects()
    expect(objects.put('blob', Buffer.from('hello\n'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
    expect(objects.putFiles([])).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904')
    // `foo-bar`, `foo/`, `foo0`: a folder is sorted as if its name ended in a slash.
    const tree = put(objects, { 'foo/a': '', 'foo-bar': '', foo0: '' })
    expect(objects.entries(tree).map(({ path }) => path)).toEqual(['foo-bar', 'foo', 'foo0'])
  })

  it('are read as they were written', () => {
    const objects = gitObjects()
    const tree = put(objects, { a: '1' })
    const first = objects.putCommit({ tree, parents: [], author: WHO, committer: { ...WHO, date: '2026-01-02T01:04:05Z' }, message: 'first\n\nmore\n' })
    const second = objects.putCommit({ tree, parents: [first], author: WHO, committer: WHO, message: '' })
    expect(objects.commit(first)).toEqual({ tree, parents: [], author: WHO, committer: { ...WHO, date: '2026-01-02T01:04:05Z' }, message: 'first\n\nmore\n' })
    expect([...objects.ancestors(second)]).toEqual([second, first])
    const tag = objects.putTag({ object: second, kind: 'commit', tag: 'v1', tagger: WHO, message: 'tag\n' })
    const outer = objects.putTag({ object: tag, kind: 'tag', tag: 'v2', tagger: WHO, message: 'tag of a tag\n' })
    expect(objects.tag(outer)).toMatchObject({ object: tag, kind: 'tag', tag: 'v2', tagger: WHO })
    expect([objects.peel(outer), objects.peel(first), objects.peel(tree)]).toEqual([second, first, undefined])
  })

  it('differ by files, and show the lines that a review may speak of', () => {
    const objects = gitObjects()
    const lines = Array.from({ length: 20 }, (_, index) => `${index + 1}\n`)
    const before = put(objects, { a: lines.join(''), gone: 'x', same: 'x' })
    const after = put(objects, { a: lines.with(9, 'ten\n').join(''), 'new/file': 'x\n', same: 'x' })
    expect(objects.diff(before, after).map(({ path, status, additions, deletions, lines: shown }) => [path, status, additions, deletions, [...shown]])).toEqual(
      [
        ['a', 'modified', 1, 1, [7, 8, 9, 10, 11, 12, 13]],
        ['gone', 'removed', 0, 1, []],
        ['new/file', 'added', 1, 0, [1]],
      ],
    )
  })

  it.each([
    ['both sides', { a: '1', b: '1' }, { a: '2', b: '1' }, { a: '1', b: '2' }, { a: '2', b: '2' }],
    ['the same change on both', { a: '1' }, { a: '2' }, { a: '2' }, { a: '2' }],
    ['a removal', { a: '1', b: '1' }, { a: '1' }, { a: '2', b: '1' }, { a: '2' }],
    ['a conflict', { a: '1' }, { a: '2' }, { a: '3' }, undefined],
    ['a change of what the other removed', { a: '1', b: '1' }, { b: '1' }, { a: '2', b: '1' }, undefined],
  ] as const)('merge %s', (_, base, ours, theirs, expected) => {
    const objects = gitObjects()
    const merged = objects.merge(put(objects, base), put(objects, ours), put(objects, theirs))
    expect(merged).toBe(expected === undefined ? undefined : put(objects, expected))
  })
})
