/**
 * Values as Python sees them, each with the place that it was read from. Sage's server is Python, and tells 1 from 1.0, a date from a text,
 * and `True` from `1` where JavaScript does not.
 */

/** UTF-16 offsets into the text that was parsed; the end is exclusive. Equal: nothing is written there (an empty value). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** How a scalar is written. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded'

export type PythonText = Span & {
  readonly type: 'str'
  readonly value: string
  readonly style: ScalarStyle
  /** Only where Python's text holds surrogates (it cannot be encoded then): its code points. To Python `"\\uD83D\\uDE00"` in YAML are two, in JSON one. */
  readonly codePoints?: readonly number[]
}
export type PythonNumber = Span & ({ readonly type: 'int'; readonly value: bigint } | { readonly type: 'float'; readonly value: number })
export type PythonList = Span & { readonly type: 'list'; readonly items: readonly PythonValue[] }

export interface PythonEntry {
  readonly key: PythonValue
  readonly value: PythonValue
  /** Where `*name` stands, when the value is an alias: the value's own span is where its anchor is. */
  readonly alias?: Span
  /** It comes from a merge key (`<<`) and stands in another mapping. */
  readonly isMerged?: true
}

/** In Python's order: each key where it stood first, with the value that stood last; merged keys (`<<`) before the mapping's own. */
export type PythonDict = Span & {
  readonly type: 'dict'
  readonly entries: readonly PythonEntry[]
  /** Keys that stood again in the text of the same mapping (Python keeps the last, the Portal refuses the file). */
  readonly duplicates: readonly PythonValue[]
}

export type PythonValue =
  | PythonText
  | PythonNumber
  | PythonList
  | PythonDict
  | (Span & { readonly type: 'bool'; readonly value: boolean })
  | (Span & { readonly type: 'NoneType' })
  /** `text` is what `str()` prints. */
  | (Span & { readonly type: 'date' | 'datetime'; readonly text: string })
  | (Span & { readonly type: 'bytes'; readonly value: Uint8Array })
  /** `!!set`, and the pairs of `!!pairs` and `!!omap`. */
  | (Span & { readonly type: 'set' | 'tuple'; readonly items: readonly PythonValue[] })

/** What Python raises, in its words. */
export interface PythonError {
  /** The class's name, for instance `ScannerError`, `JSONDecodeError`, `TypeError`. */
  readonly name: string
  /** What `str()` of it prints. */
  readonly message: string
  /** Where in the text. */
  readonly start: number
}

export type Parsed = { readonly value: PythonValue } | { readonly error: PythonError }
