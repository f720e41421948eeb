import stringWidth from 'string-width'

import type { Place } from '../../../pipeline/problem.ts'
import { INVISIBLE } from '../../../pipeline/printable.ts'

/** The line that a problem stands at, and the marks below it. */
export interface Excerpt {
  readonly line: string
  /** Spaces, then carets, as wide on a terminal as what they stand under. */
  readonly marks: string
}

/** Columns of a terminal that a line may take. */
const MAX_WIDTH = 110
/** What is shown of a long line before the mark. */
const BEFORE = 40
/** More characters (UTF-16 units) than can be needed to fill the width, combining ones included. */
const WINDOW = 600
const TAB = 4
/** Half a character, too. */
const LONE = /[\ud800-\udfff]/u

/**
 * The line of a place with carets under its range; of a range over several lines, under the first one's part. Tabs become spaces, characters that cannot be
 * seen, and the first of `##[`, which GitHub's runner takes for a command, become `�`; a long line is cut around the carets. Undefined when the place has no line, or its file no such line.
 */
export function excerpt(lines: readonly string[] | undefined, { line: number, column = 1, endLine, endColumn }: Place): Excerpt | undefined {
  const text = number === undefined ? undefined : lines?.[number - 1]
  if (text === undefined) return undefined
  const start = Math.min(column - 1, text.length)
  const isWithinLine = endLine === undefined || endLine === number
  const end = Math.max(start, Math.min(isWithinLine ? (endColumn ?? column) - 1 : text.length, text.length))
  const cells = layOut(text, Math.max(0, start - WINDOW / 3), start + (2 * WINDOW) / 3)
  const from = cells.findIndex((cell) => cell.end > start)
  const to = cells.findIndex((cell) => cell.end >= end)
  const caret = { first: from === -1 ? cells.length : from, last: end === start ? -1 : to === -1 ? cells.length - 1 : to }
  return cut(cells, caret, start > WINDOW / 3, text.length > start + (2 * WINDOW) / 3)
}

/** A character as people see it. */
interface Cell {
  readonly shown: string
  readonly width: number
  /** Offset in the line after it. */
  readonly end: number
}

function isUnseen(segment: string): boolean {
  return segment.search(INVISIBLE) !== -1 || LONE.test(segment)
}

function layOut(text: string, from: number, to: number): readonly Cell[] {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
  const cells: Cell[] = []
  let width = 0
  for (const { segment, index } of segmenter.segment(text.slice(from, to))) {
    const cell = segment === '\t' ? ' '.repeat(TAB - (width % TAB)) : isUnseen(segment) || text.startsWith('##[', from + index) ? '�' : segment
    const cellWidth = Math.max(1, stringWidth(cell))
    cells.push({ shown: stringWidth(cell) === 0 ? '�' : cell, width: cellWidth, end: from + index + segment.length })
    width += cellWidth
  }
  return cells
}

function cut(cells: readonly Cell[], caret: { readonly first: number; readonly last: number }, isCutBefore: boolean, isCutAfter: boolean): Excerpt {
  let [first, before] = [caret.first, 0]
  while (first > 0 && before + widthOf(cells[first - 1]) <= BEFORE) before += widthOf(cells[--first])
  let [after, width] = [first, 0]
  while (after < cells.length && width + widthOf(cells[after]) <= MAX_WIDTH) width += widthOf(cells[after++])
  const [head, tail] = [first > 0 || isCutBefore ? '…' : '', after < cells.length || isCutAfter ? '…' : '']
  const marked = cells.slice(caret.first, Math.min(caret.last + 1, after)).reduce((sum, cell) => sum + cell.width, 0)
  const shown = cells.slice(first, after).map((cell) => cell.shown)
  return {
    line: `${head}${shown.join('')}${tail}`.trimEnd(),
    marks: `${' '.repeat(head.length + before)}${'^'.repeat(Math.max(1, marked))}`,
  }
}

function widthOf(cell: Cell | undefined): number {
  return cell?.width ?? 0
}
