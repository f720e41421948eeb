import type { PythonValue, ScalarStyle, Span } from './python-value.ts'

/** Tags that PyYAML's SafeLoader knows, or gives to what has none (YAML 1.1 type repository). */
export const TAG_PREFIX = 'tag:yaml.org,2002:'
export const MERGE = `${TAG_PREFIX}merge`
export const VALUE = `${TAG_PREFIX}value`
export const STR = `${TAG_PREFIX}str`
export const SEQ = `${TAG_PREFIX}seq`
export const MAP = `${TAG_PREFIX}map`

interface Common extends Span {
  tag: string
  /** With its tag and anchor: where PyYAML's messages say that it stands. */
  readonly mark: number
  /** Its value, once it has one. */
  object: PythonValue | undefined
}

export interface ScalarNode extends Common {
  readonly id: 'scalar'
  readonly text: string
  readonly style: ScalarStyle
  readonly codePoints: readonly number[] | undefined
}

export interface SequenceNode extends Common {
  readonly id: 'sequence'
  end: number
  readonly items: Node[]
}

export interface Pair {
  readonly key: Node
  readonly value: Node
  /** Where `*name` stands in the place of the value. */
  readonly alias: Span | undefined
}

export interface MappingNode extends Common {
  readonly id: 'mapping'
  end: number
  pairs: Pair[]
  /** How many of the pairs came from merge keys; they stand first. */
  merged: number
}

/** A node of YAML's representation graph; anchors make it shared, or its own descendant. */
export type Node = ScalarNode | SequenceNode | MappingNode
