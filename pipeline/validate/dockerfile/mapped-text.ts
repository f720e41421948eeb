import type { Span } from '../sage/python-value.ts'

/** A text put together from pieces of another, which knows where each of its characters stands there. */
export interface MappedText {
  readonly text: string
  /** Where a piece of it stands in the file: from its first character to its last. */
  span(start: number, end: number): Span
}

/** A word of an instruction: its text, and where it stands in the file. */
export interface Word {
  readonly text: string
  readonly span: Span
}

interface Piece {
  /** Where it begins in the new text. */
  readonly at: number
  /** Where it begins in the file. */
  readonly source: number
}

/** Puts pieces of a file, in order, one after the other. */
export function mapText(file: string, spans: readonly Span[]): MappedText {
  const pieces: Piece[] = []
  const parts: string[] = []
  let length = 0
  for (const { start, end } of spans) {
    if (end <= start) continue
    pieces.push({ at: length, source: start })
    parts.push(file.slice(start, end))
    length += end - start
  }
  const locate = (index: number): number => {
    let [low, high] = [0, pieces.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((pieces[middle]?.at ?? 0) <= index) low = middle
      else high = middle - 1
    }
    const piece = pieces[low] ?? { at: 0, source: spans[0]?.start ?? 0 }
    return piece.source + index - piece.at
  }
  return {
    text: parts.join(''),
    span: (start, end) => (end <= start ? { start: locate(start), end: locate(start) } : { start: locate(start), end: locate(end - 1) + 1 }),
  }
}

/** A part of a mapped text as a mapped text of its own. */
export function sliceText(mapped: MappedText, start: number, end: number): MappedText {
  return { text: mapped.text.slice(start, end), span: (from, to) => mapped.span(start + from, start + to) }
}

/** The words between white space. */
export function splitWords({ text, span }: MappedText): readonly Word[] {
  return Array.from(text.matchAll(/\S+/g), ({ 0: word, index }) => ({ text: word, span: span(index, index + word.length) }))
}

/** The strings of a JSON list, as the builder reads the exec form; undefined: it is none. `mixed`: a list, but not of strings only, which the builder refuses. */
export function readJsonWords({ text, span }: MappedText): readonly Word[] | 'mixed' | undefined {
  if (!/^\s*\[/.test(text)) return undefined
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) return 'mixed'
  const literals = text.matchAll(/"(?:[^"\\]|\\.)*"/g)
  return list.map((item: string) => {
    const literal = literals.next().value
    return { text: item, span: literal === undefined ? span(0, text.length) : span(literal.index, literal.index + literal[0].length) }
  })
}
