import { describe, expect, it } from 'vitest'
import { decideComment } from '../../../../pipeline/forge/comment-decision.ts'
import { COMMENT_TEXT_BYTES, commentMarker, composeComment, hasMarker } from '../../../../pipeline/forge/comment-text.ts'
import { GITHUB_LIMIT } from '../../../../pipeline/report/render-markdown.ts'
import type { ForgeComment } from '../../../../pipeline/ports/forge.ts'
import { Random } from '../../../oracle/random.ts'

const AUTHOR = 'github-actions[bot]'
const MARKER = commentMarker('plugins/one')
const BODY = composeComment(MARKER, 'text')

function comment(id: number, body: string, author: string | undefined = AUTHOR): ForgeComment {
  return { id, author, body, url: `https://forge.invalid/${id}` }
}

function decide(...comments: readonly ForgeComment[]) {
  const decision = decideComment(comments, { marker: MARKER, body: BODY, author: AUTHOR })
  return { kind: decision.kind, id: decision.kind === 'create' ? undefined : decision.comment.id, duplicates: decision.duplicates.map(({ id }) => id) }
}

describe('the one comment', () => {
  it.each<readonly [string, readonly ForgeComment[], ReturnType<typeof decide>]>([
    ['is made where there is none', [], { kind: 'create', id: undefined, duplicates: [] }],
    ['is made beside those of people', [comment(1, 'fine!', 'octocat')], { kind: 'create', id: undefined, duplicates: [] }],
    ['is edited where it says something else', [comment(1, composeComment(MARKER, 'old'))], { kind: 'update', id: 1, duplicates: [] }],
    ['is left where it says the same', [comment(1, BODY)], { kind: 'leave', id: 1, duplicates: [] }],
    ['is left where only line ends differ', [comment(1, `${BODY.replaceAll('\n', '\r\n')}\r\n`)], { kind: 'leave', id: 1, duplicates: [] }],
    ['is not the one of a stranger who copied the marker', [comment(1, BODY, 'stranger')], { kind: 'create', id: undefined, duplicates: [] }],
    ['is not the one of an account that is gone', [{ ...comment(1, BODY), author: undefined }], { kind: 'create', id: undefined, duplicates: [] }],
    ['is not the one of somebody with a look-alike name', [comment(1, BODY, 'github-actions')], { kind: 'create', id: undefined, duplicates: [] }],
    ['is not one that quotes it', [comment(1, `> ${BODY}`)], { kind: 'create', id: undefined, duplicates: [] }],
    ['is not one that shows the marker further down', [comment(1, `text\n${BODY}`)], { kind: 'create', id: undefined, duplicates: [] }],
    ["is not another plugin's", [comment(1, composeComment(commentMarker('plugins/two'), 'text'))], { kind: 'create', id: undefined, duplicates: [] }],
    ['is the oldest, whatever the order', [comment(7, BODY), comment(3, 'x'), comment(5, BODY)], { kind: 'leave', id: 5, duplicates: [7] }],
    [
      'is edited while younger ones are deleted',
      [comment(5, composeComment(MARKER, 'old')), comment(6, BODY), comment(9, BODY)],
      { kind: 'update', id: 5, duplicates: [6, 9] },
    ],
  ])('%s', (_, comments, expected) => {
    expect(decide(...comments)).toEqual(expected)
  })
})

describe('the marker', () => {
  it.each([
    ['.', '<!-- ctss:report:v1 . -->'],
    ['plugins/smoke-detector', '<!-- ctss:report:v1 plugins/smoke-detector -->'],
    ['a -->\n<script>', '<!-- ctss:report:v1 a%20-%2D%3E%0A%3Cscript%3E -->'],
    ['---', '<!-- ctss:report:v1 -%2D- -->'],
    ['', '<!-- ctss:report:v1  -->'],
    ['wälder/\ud800', '<!-- ctss:report:v1 w%C3%A4lder/%EF%BF%BD -->'],
  ])('of %j is %s', (plugin, marker) => {
    expect(commentMarker(plugin)).toBe(marker)
  })

  it('is short, and is nothing but a comment, whatever the name', () => {
    const random = new Random(7)
    const names = new Map<string, string>()
    for (let count = 0; count < 2000; count += 1) {
      const name = Array.from({ length: random.integer(0, 400) }, () => String.fromCharCode(random.chance(0.5) ? 45 : random.below(0x1_0000))).join('')
      const marker = commentMarker(name)
      expect(marker).toMatch(/^<!-- (?:[^-<>\n]|-(?!-))* -->$/)
      expect(hasMarker(composeComment(marker, '<!-- other -->'), marker)).toBe(true)
      expect(Buffer.byteLength(composeComment(marker, 'x'.repeat(COMMENT_TEXT_BYTES)))).toBeLessThanOrEqual(GITHUB_LIMIT)
      expect(names.get(marker) ?? name).toBe(name)
      names.set(marker, name)
    }
  })
})

describe('the body', () => {
  it('has room for a text of the limit, and no more', () => {
    expect(() => composeComment(MARKER, 'ü'.repeat(COMMENT_TEXT_BYTES / 2))).not.toThrow()
    expect(() => composeComment(MARKER, 'x'.repeat(COMMENT_TEXT_BYTES + 1))).toThrow(RangeError)
  })

  it('holds no half of a character', () => {
    expect(composeComment(MARKER, 'a\ud800b').isWellFormed()).toBe(true)
  })
})
