import type { Edit, Place } from '../../schemas/generated/types.ts'
import type { Span } from './sage/python-value.ts'

/** A text of which places are asked for: lines end with `\n`, `\r\n` or `\r`, columns count UTF-16 units from 1, as editors and SARIF do. */
export interface TextFile {
  /** Path inside the repository. */
  readonly file: string
  readonly text: string
  place(span: Span): Place
  /** The edit that writes `text` over a span. */
  replace(span: Span, text: string): Edit
}

/** Line starts are looked for when the first place is asked for. */
export function textFile(file: string, text: string): TextFile {
  let starts: readonly number[] | undefined
  const locate = (offset: number): { line: number; column: number } => {
    starts ??= lineStarts(text)
    const at = Math.min(Math.max(offset, 0), text.length)
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - (starts[low] ?? 0) + 1 }
  }
  const place = ({ start, end }: Span): Place => {
    const from = locate(start)
    if (end <= start) return { file, ...from }
    const to = locate(end)
    return { file, ...from, endLine: to.line, endColumn: to.column }
  }
  return {
    file,
    text,
    place,
    replace: ({ start, end }, written) => {
      const [from, to] = [locate(start), locate(Math.max(start, end))]
      return { file, ...from, endLine: to.line, endColumn: to.column, text: written }
    },
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (const { 0: ending, index } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + ending.length)
  return starts
}
