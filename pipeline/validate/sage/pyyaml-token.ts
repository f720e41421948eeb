import type { ScalarStyle } from './python-value.ts'

/** Tokens without a value, by the words that PyYAML's messages use for them. */
export type Indicator =
  | '<stream end>'
  | '<document start>'
  | '<document end>'
  | '<block sequence start>'
  | '<block mapping start>'
  | '<block end>'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | '-'
  | '?'
  | ':'

interface Place {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export type IndicatorToken = Place & { readonly kind: Indicator }

export type ScalarToken = Place & {
  readonly kind: '<scalar>'
  readonly value: string
  readonly style: ScalarStyle
  /** Python's code points, where a surrogate stands alone or two were written apart. */
  readonly codePoints: readonly number[] | undefined
}

export type NameToken = Place & { readonly kind: '<alias>' | '<anchor>'; readonly name: string }

/** `handle` undefined: the suffix is the whole tag. */
export type TagToken = Place & { readonly kind: '<tag>'; readonly handle: string | undefined; readonly suffix: string }

export type DirectiveToken = Place & {
  readonly kind: '<directive>'
  /** The version's first number · a handle and its prefix · undefined: a directive that is not known, and ignored. */
  readonly directive: { readonly major: bigint } | { readonly handle: string; readonly prefix: string } | undefined
}

export type Token = IndicatorToken | ScalarToken | NameToken | TagToken | DirectiveToken
