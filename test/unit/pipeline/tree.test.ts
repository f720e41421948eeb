import { describe, expect, it } from 'vitest'
import type { TreeEntry } from '../../../pipeline/ports/repository-tree.ts'
import { indexTree, resolveTreePath, sortEntries, treeDigest } from '../../../pipeline/tree.ts'

const file = (path: string): TreeEntry => ({ path, mode: '100644', blob: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391', bytes: 0 })
const link = (path: string, target?: string): TreeEntry => ({
  path,
  mode: '120000',
  blob: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
  bytes: 0,
  ...(target !== undefined && { target }),
})
const chain = Array.from({ length: 42 }, (_, index) => link(`chain-${index}`, `chain-${index + 1}`))
const index = indexTree([
  file('sage.yaml'),
  file('a/b/c'),
  link('up', '..'),
  link('a/up', '..'),
  link('a/out', '../../x'),
  link('a/abs', '/etc'),
  link('unread'),
  link('loop', 'loop'),
  link('dot', '.'),
  link('to-a', 'a'),
  { ...file('library'), mode: '160000' },
  ...chain,
])

describe('resolveTreePath', () => {
  it.each([
    ['sage.yaml', { kind: 'file', path: 'sage.yaml' }],
    ['./a//b/./c', { kind: 'file', path: 'a/b/c' }],
    ['a/../sage.yaml', { kind: 'file', path: 'sage.yaml' }],
    ['a/up/sage.yaml', { kind: 'file', path: 'sage.yaml' }],
    ['to-a/b/c', { kind: 'file', path: 'a/b/c' }],
    ['dot/dot/a', { kind: 'folder', path: 'a' }],
    ['', { kind: 'folder', path: '.' }],
    ['.', { kind: 'folder', path: '.' }],
    ['a/b/', { kind: 'folder', path: 'a/b' }],
    ['none', { kind: 'missing', path: 'none' }],
    ['sage.yaml/x', { kind: 'missing', path: 'sage.yaml/x' }],
    ['library', { kind: 'submodule', path: 'library' }],
    ['library/deep/file', { kind: 'submodule', path: 'library' }],
    ['chain-3', { kind: 'missing', path: 'chain-42' }],
    ['chain-0', { kind: 'loop', link: 'chain-40' }],
    ['loop', { kind: 'loop', link: 'loop' }],
  ])('leads %j to %j', (path, expected) => {
    expect(resolveTreePath(index, path)).toMatchObject(expected)
  })

  it.each([
    ['/etc/passwd', undefined],
    ['..', undefined],
    ['a/../../x', undefined],
    ['up', 'up'],
    ['a/out', 'a/out'],
    ['a/abs/passwd', 'a/abs'],
    ['unread', 'unread'],
  ])('finds %j outside, through the link %j', (path, through) => {
    expect(resolveTreePath(index, path)).toStrictEqual({ kind: 'outside', ...(through !== undefined && { link: through }) })
  })
})

describe('sortEntries and treeDigest', () => {
  it('sort bytewise, as Git does, not by UTF-16', () => {
    expect(sortEntries([file('b'), file('\u{1F600}'), file('\uFFFD'), file('a/b'), file('a-b')]).map(({ path }) => path)).toStrictEqual([
      'a-b',
      'a/b',
      'b',
      '\uFFFD',
      '\u{1F600}',
    ])
  })

  it('depend on names, modes and contents', () => {
    const digests = [[file('a')], [file('b')], [link('a')], [file('a'), file('b')], [{ ...file('a'), blob: '0'.repeat(40) }]].map(treeDigest)
    expect(new Set(digests).size).toBe(5)
    expect(treeDigest([{ ...file('a'), bytes: 7 }])).toBe(digests[0])
  })
})
