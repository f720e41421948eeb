import type { Edit, Fix } from '../../../schemas/generated/types.ts'

export interface AppliedEdits {
  readonly text: string
  /** Those that overlap an earlier one of the list, or lie outside the text. */
  readonly dropped: readonly Edit[]
}

export interface AppliedFixes {
  /** The files that have changed, with their new texts. */
  readonly files: ReadonlyMap<string, string>
  readonly applied: readonly Fix[]
  /** Those of which an edit overlaps one of an earlier fix: judge the new texts to get them anew. */
  readonly skipped: readonly Fix[]
}

interface Piece {
  readonly start: number
  readonly end: number
  readonly text: string
  /** How many fixes want it. */
  holders: number
}

/** Applies edits of one text. Of edits that overlap the first of the list wins; the same edit twice is one; insertions at one place keep their order. */
export function applyEdits(text: string, edits: readonly Edit[]): AppliedEdits {
  const draft = new Draft(text)
  const dropped = edits.filter((edit) => draft.take(edit) === undefined)
  return { text: draft.write(), dropped }
}

/** Applies fixes whole or not at all. A file that is not there begins as an empty text. */
export function applyFixes(files: ReadonlyMap<string, string>, fixes: readonly Fix[]): AppliedFixes {
  const drafts = new Map<string, Draft>()
  const draftOf = (file: string): Draft => {
    const draft = drafts.get(file) ?? new Draft(files.get(file) ?? '')
    drafts.set(file, draft)
    return draft
  }
  const [applied, skipped]: [Fix[], Fix[]] = [[], []]
  for (const fix of fixes) {
    const taken = fix.edits.map((edit) => ({ draft: draftOf(edit.file), piece: draftOf(edit.file).take(edit) }))
    const fits = taken.every(({ piece }) => piece !== undefined)
    if (!fits) for (const { draft, piece } of taken) draft.release(piece)
    ;(fits ? applied : skipped).push(fix)
  }
  const changed = [...drafts].map(([file, draft]) => [file, draft.write()] as const).filter(([file, text]) => text !== (files.get(file) ?? ''))
  return { files: new Map(changed), applied, skipped }
}

/** A text with the edits taken so far. */
class Draft {
  readonly #text: string
  readonly #starts: readonly number[]
  /** In the order of the text; what stands at one place in the order of arrival. */
  readonly #pieces: Piece[] = []

  constructor(text: string) {
    this.#text = text
    this.#starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), ({ 0: ending, index }) => index + ending.length)]
  }

  /** Undefined when it lies outside or overlaps; what is held already is held by one more. */
  take(edit: Edit): Piece | undefined {
    const [start, end] = [this.#offset(edit.line, edit.column), this.#offset(edit.endLine, edit.endColumn)]
    if (start === undefined || end === undefined || end < start) return undefined
    const at = this.#placeFor(start, end)
    const same = this.#findSame(at, start, end, edit.text)
    if (same !== undefined) {
      same.holders++
      return same
    }
    const [before, after] = [this.#pieces[at - 1], this.#pieces[at]]
    // Touching is allowed, also for an insertion at the edge of a replacement.
    if ((before !== undefined && before.end > start) || (after !== undefined && end > after.start)) return undefined
    const piece = { start, end, text: edit.text, holders: 1 }
    this.#pieces.splice(at, 0, piece)
    return piece
  }

  /** Takes one hold away. */
  release(piece: Piece | undefined): void {
    if (piece === undefined || --piece.holders > 0) return
    this.#pieces.splice(this.#pieces.indexOf(piece), 1)
  }

  write(): string {
    let at = 0
    const parts: string[] = []
    for (const { start, end, text } of this.#pieces) {
      parts.push(this.#text.slice(at, start), text)
      at = end
    }
    return [...parts, this.#text.slice(at)].join('')
  }

  /** Undefined outside of the text. */
  #offset(line: number, column: number): number | undefined {
    const start = this.#starts[line - 1]
    if (start === undefined || column < 1) return undefined
    const at = start + column - 1
    return at <= (this.#starts[line] ?? this.#text.length) ? at : undefined
  }

  /** Behind everything that begins and ends no later. */
  #placeFor(start: number, end: number): number {
    let [low, high] = [0, this.#pieces.length]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const other = this.#pieces[middle]
      if (other !== undefined && (other.start < start || (other.start === start && other.end <= end))) low = middle + 1
      else high = middle
    }
    return low
  }

  #findSame(from: number, start: number, end: number, text: string): Piece | undefined {
    for (let at = from - 1; at >= 0; at--) {
      const other = this.#pieces[at]
      if (other?.start !== start) return undefined
      if (other.end === end && other.text === text) return other
    }
    return undefined
  }
}
