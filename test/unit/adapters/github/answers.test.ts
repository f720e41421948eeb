import { describe, expect, it } from 'vitest'
import { readAsset, readComment, readList, readPointer, readPullRequest, readRelease, readViewer } from '../../../../adapters/github/answers.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

const COMMENT = { id: 1, user: { login: 'octocat' }, body: 'text', html_url: 'https://github.com/c' }
const RELEASE = {
  id: 9_000_000_001,
  tag_name: 'v1',
  name: null,
  body: null,
  draft: true,
  prerelease: false,
  html_url: 'https://github.com/r',
  upload_url: 'https://u',
}
const ASSET = { id: 3, name: 'a', size: 5, state: 'uploaded', digest: digestOf('x') }

describe('an answer', () => {
  it('is read for what we need of it, whatever else is in it', () => {
    expect(readComment({ ...COMMENT, more: 1 })).toEqual({ id: 1, author: 'octocat', body: 'text', url: 'https://github.com/c' })
    expect(readComment({ ...COMMENT, user: null, body: undefined })).toMatchObject({ author: undefined, body: '' })
    expect(readRelease(RELEASE)).toEqual({
      id: 9_000_000_001,
      tag: 'v1',
      title: '',
      text: '',
      isDraft: true,
      isPrerelease: false,
      isImmutable: false,
      url: 'https://github.com/r',
      uploadUrl: 'https://u',
    })
    expect(readAsset(ASSET)).toEqual({ id: 3, name: 'a', bytes: 5, digest: digestOf('x'), isWhole: true })
    expect(readAsset({ ...ASSET, state: 'starter', digest: null })).toMatchObject({ digest: undefined, isWhole: false })
    expect(readAsset({ ...ASSET, digest: 'md5:1' })).toMatchObject({ digest: undefined })
    expect(readPullRequest({ head: { sha: 'abc' } })).toEqual({ head: 'abc' })
    expect(readPointer({ object: { type: 'commit', sha: 'abc' } })).toEqual({ type: 'commit', sha: 'abc' })
    expect(readViewer({ viewer: { login: 'octocat' } })).toBe('octocat')
    expect(readList([COMMENT], readComment)).toHaveLength(1)
  })

  it.each<readonly [string, (value: unknown) => unknown, unknown]>([
    ['a page instead of a comment', readComment, '<html>'],
    ['nothing instead of a comment', readComment, ''],
    ['a list instead of a comment', readComment, [COMMENT]],
    ['a comment without a number', readComment, { ...COMMENT, id: '1' }],
    ['a comment whose number is no whole one', readComment, { ...COMMENT, id: 1.5 }],
    ['a comment whose number is too large to be exact', readComment, { ...COMMENT, id: 2 ** 53 }],
    ['a comment whose number is a bigint', readComment, { ...COMMENT, id: 1n }],
    ['a comment without an address', readComment, { ...COMMENT, html_url: '' }],
    ['a comment whose body is a number', readComment, { ...COMMENT, body: 7 }],
    ['a comment by a text', readComment, { ...COMMENT, user: 'octocat' }],
    ['a release without a tag', readRelease, { ...RELEASE, tag_name: undefined }],
    ['an asset of a negative size', readAsset, { ...ASSET, size: -1 }],
    ['a pull request without a branch', readPullRequest, {}],
    ['a reference without an object', readPointer, { object: null }],
    ['an object instead of a list', (value) => readList(value, readComment), { message: 'x' }],
    ['a list with something else in it', (value) => readList(value, readComment), [COMMENT, null]],
    ['nobody', readViewer, { viewer: null }],
  ])('is not understood: %s', (_, read, value) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: 'forge-unavailable' }))
  })
})
