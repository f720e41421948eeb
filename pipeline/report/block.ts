import type { ReportSection } from './report.ts'

/** What a thing came to, as a sign. */
export type Mark = 'passed' | 'failed' | 'error' | 'skipped' | 'warning' | 'better' | 'worse' | 'same'

/** A piece of a line. Text is data, whoever wrote it: the renderers escape it. */
export type Inline =
  | { readonly kind: 'text' | 'strong' | 'muted' | 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly url: string }
  | { readonly kind: 'mark'; readonly mark: Mark }

export type Line = readonly Inline[]

export interface Column {
  readonly title: string
  readonly align?: 'right'
}

/** What a report is printed from, the same for Markdown and HTML. */
export type Block =
  | { readonly kind: 'paragraph'; readonly line: Line }
  | { readonly kind: 'items'; readonly items: readonly Item[] }
  | { readonly kind: 'table'; readonly columns: readonly Column[]; readonly rows: readonly (readonly Line[])[] }
  /** `keep` is the end that stays when there is no room for all. */
  | { readonly kind: 'code'; readonly text: string; readonly keep: 'start' | 'end'; readonly language?: 'diff' }
  /** Folded away; `open` is how it begins where there is room (HTML). */
  | { readonly kind: 'details'; readonly summary: Line; readonly blocks: readonly Block[]; readonly open: boolean }

export interface Item {
  readonly line: Line
  /** A second line. */
  readonly note?: Line
  /** An excerpt, folded. */
  readonly detail?: string
}

export interface LaidOutSection {
  readonly kind: ReportSection['kind']
  readonly title: string
  /** 1: the last to be shortened … 4: the first. */
  readonly weight: 1 | 2 | 3 | 4
  /** Behind its title where space is dear (a comment): there when it is looked for. */
  readonly folded: boolean
  readonly blocks: readonly Block[]
}

export const plain = (text: string): Inline => ({ kind: 'text', text })
export const strong = (text: string): Inline => ({ kind: 'strong', text })
export const muted = (text: string): Inline => ({ kind: 'muted', text })
export const code = (text: string): Inline => ({ kind: 'code', text })
export const sign = (mark: Mark): Inline => ({ kind: 'mark', mark })
