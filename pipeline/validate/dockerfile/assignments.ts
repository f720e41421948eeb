import type { Span } from '../sage/python-value.ts'
import type { Instruction } from './instructions.ts'
import { unquote } from './variables.ts'

/** A name with its value, of ARG, ENV or LABEL. */
export interface Assignment {
  readonly name: string
  /** Without quotes, variables as written; undefined: ARG without a default. */
  readonly value: string | undefined
  /** All of it. */
  readonly span: Span
}

/** What ARG, ENV and LABEL assign, `NAME=value` as well as the old `ENV NAME value` (BuildKit's line_parsers.go). */
export function readAssignments({ keyword, body }: Instruction): readonly Assignment[] {
  const first = /^[^\s=]+/.exec(body.text)?.[0]
  if (first === undefined) return []
  if (keyword !== 'ARG' && body.text[first.length] !== '=') {
    return [{ name: first, value: body.text.slice(first.length).trim(), span: body.span(0, body.text.length) }]
  }
  return Array.from(body.text.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\]|["'\\])+/gs), ({ 0: word, index }) => {
    const equals = word.indexOf('=')
    return {
      name: unquote(equals < 0 ? word : word.slice(0, equals)),
      value: equals < 0 ? undefined : unquote(word.slice(equals + 1)),
      span: body.span(index, index + word.length),
    }
  })
}
