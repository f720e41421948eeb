import { describe, expect, it } from 'vitest'

import { mapText, readJsonWords, sliceText, splitWords } from '../../../../../pipeline/validate/dockerfile/mapped-text.ts'

describe('a text of pieces', () => {
  const file = '0123456789'
  const mapped = mapText(file, [
    { start: 1, end: 3 },
    { start: 4, end: 4 },
    { start: 6, end: 9 },
  ])

  it('knows where its pieces stand', () => {
    expect(mapped.text).toBe('12678')
    expect(mapped.span(0, 2)).toStrictEqual({ start: 1, end: 3 })
    expect(mapped.span(1, 3)).toStrictEqual({ start: 2, end: 7 })
    expect(mapped.span(2, 2)).toStrictEqual({ start: 6, end: 6 })
    expect(sliceText(mapped, 1, 4).text).toBe('267')
    expect(sliceText(mapped, 1, 4).span(1, 2)).toStrictEqual({ start: 6, end: 7 })
  })

  it('may be empty', () => {
    expect(mapText(file, []).span(0, 0)).toStrictEqual({ start: 0, end: 0 })
    expect(mapText(file, [{ start: 5, end: 5 }]).span(0, 0)).toStrictEqual({ start: 5, end: 5 })
  })

  it('has words', () => {
    expect(splitWords(mapText(' a  b', [{ start: 0, end: 5 }]))).toStrictEqual([
      { text: 'a', span: { start: 1, end: 2 } },
      { text: 'b', span: { start: 4, end: 5 } },
    ])
    const json = (text: string): unknown => readJsonWords(mapText(text, [{ start: 0, end: text.length }]))
    expect([json('a'), json('["a"] b'), json('[1]'), json('[]')]).toStrictEqual([undefined, undefined, 'mixed', []])
  })
})
