import type { Span } from '../sage/python-value.ts'
import { bare } from './outline.ts'
import type { Scope } from './outline.ts'
import { readStringLiteral } from './string-literal.ts'
import { childrenOf, spanOf } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** What is known of an expression without running it. Spans are where it is written, names followed to what they stand for. */
export type Expression = Span &
  (
    | {
        readonly kind: 'text'
        readonly value: string
        /** The characters between the quotes, where they are the value as it is. */ readonly inner: Span | undefined
      }
    /** Partly known: `undefined` stands for what is only known when it runs. */
    | { readonly kind: 'template'; readonly parts: readonly (string | undefined)[] }
    | { readonly kind: 'number'; readonly value: number; readonly isInteger: boolean }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'none' | 'bytes' }
    /** `isWhole`: false for a comprehension, or when one is spread out into it. */
    | { readonly kind: 'list' | 'tuple' | 'set'; readonly items: readonly SyntaxNode[]; readonly isWhole: boolean }
    | { readonly kind: 'dict'; readonly entries: readonly (readonly [SyntaxNode, SyntaxNode])[]; readonly isWhole: boolean }
    | { readonly kind: 'call'; readonly node: SyntaxNode }
    | { readonly kind: 'unary' | 'binary'; readonly node: SyntaxNode }
    /** A name or attribute that was not followed further: `int`, `argparse.SUPPRESS`. */
    | { readonly kind: 'name'; readonly path: string }
    | { readonly kind: 'unknown' }
  )

/** Deeper expressions are not looked into, and longer chains of names not followed. */
const MAX_DEPTH = 4
/** Longer texts are neither names nor options nor addresses. */
const MAX_TEXT = 2048

/** Reads an expression that stands in a scope. */
export function readExpression(text: string, written: SyntaxNode, scope: Scope, depth = 0): Expression {
  const node = bare(written)
  const span = spanOf(node)
  const source = (): string => text.slice(node.from, node.to)
  switch (node.name) {
    case 'String':
    case 'ContinuedString':
    case 'FormatString':
      return readString(text, node)
    case 'Number':
      return readNumber(source(), span)
    case 'Boolean':
      return { kind: 'boolean', value: source() === 'True', ...span }
    case 'None':
      return { kind: 'none', ...span }
    case 'ArrayExpression':
    case 'TupleExpression':
    case 'SetExpression':
      return readItems(node, ({ ArrayExpression: 'list', TupleExpression: 'tuple', SetExpression: 'set' } as const)[node.name])
    case 'DictionaryExpression':
      return readDict(node)
    case 'ArrayComprehensionExpression':
    case 'SetComprehensionExpression':
      return { kind: node.name === 'ArrayComprehensionExpression' ? 'list' : 'set', items: [], isWhole: false, ...span }
    case 'DictionaryComprehensionExpression':
      return { kind: 'dict', entries: [], isWhole: false, ...span }
    case 'CallExpression':
      return readFormat(text, node, scope, depth) ?? { kind: 'call', node, ...span }
    case 'UnaryExpression':
      return readUnary(text, node, scope, depth)
    case 'BinaryExpression':
      return readBinary(text, node, scope, depth)
    case 'MemberExpression':
      return { kind: 'name', path: source().slice(0, 128), ...span }
    case 'VariableName':
      return readName(text, node, scope, depth)
    default:
      return { kind: 'unknown', ...span }
  }
}

/** The scope's own binding of a name, or that of a scope around it (classes are not looked through, as in Python); undefined when nothing binds it. */
export function bindingsOf(name: string, scope: Scope): { readonly scope: Scope; readonly values: readonly (SyntaxNode | undefined)[] } | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const values = at.bindings.get(name)
    if (values !== undefined && (at === scope || at.kind !== 'class')) return { scope: at, values }
  }
  return undefined
}

function readName(text: string, node: SyntaxNode, scope: Scope, depth: number): Expression {
  const name = text.slice(node.from, node.to)
  const found = bindingsOf(name, scope)
  const [value] = found?.values ?? []
  if (found === undefined || found.values.length !== 1 || value === undefined || depth >= MAX_DEPTH)
    return { kind: 'name', path: name.slice(0, 128), ...spanOf(node) }
  return readExpression(text, value, found.scope, depth + 1)
}

function readString(text: string, node: SyntaxNode): Expression {
  const span = spanOf(node)
  if (node.to - node.from > MAX_TEXT) return { kind: 'unknown', ...span }
  const pieces = node.name === 'ContinuedString' ? childrenOf(node) : [node]
  const parts: (string | undefined)[] = []
  for (const piece of pieces) {
    if (piece.name === 'FormatString') {
      for (const part of readFormatString(text, piece)) parts.push(part)
      continue
    }
    const literal = readStringLiteral(text.slice(piece.from, piece.to))
    if (literal === undefined) return { kind: 'unknown', ...span }
    if (literal.isBytes) return { kind: 'bytes', ...span }
    if (pieces.length === 1) {
      const inner = literal.isPlain ? { start: piece.from + literal.start, end: piece.from + literal.end } : undefined
      return { kind: 'text', value: literal.value, inner, ...span }
    }
    parts.push(literal.value)
  }
  return joinParts(parts, span)
}

/** The texts around the replacements, as they are: escapes and doubled braces are not undone, since no name or option has any. */
function readFormatString(text: string, node: SyntaxNode): readonly (string | undefined)[] {
  const opening = /^[A-Za-z]{1,3}(?:"""|'''|"|')/.exec(text.slice(node.from, node.from + 6))?.[0].length ?? 0
  const quote = /["']+$/.exec(text.slice(node.from, node.from + opening))?.[0].length ?? 0
  const parts: (string | undefined)[] = []
  let from = node.from + opening
  for (const replacement of node.getChildren('FormatReplacement')) {
    parts.push(text.slice(from, replacement.from), undefined)
    from = replacement.to
  }
  return [...parts, text.slice(from, Math.max(from, node.to - quote))]
}

function joinParts(parts: readonly (string | undefined)[], span: Span): Expression {
  const joined: (string | undefined)[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part !== undefined && last !== undefined) joined[joined.length - 1] = last + part
    else if (part !== '') joined.push(part)
  }
  if (joined.includes(undefined)) return { kind: 'template', parts: joined, ...span }
  return { kind: 'text', value: joined.join(''), inner: undefined, ...span }
}

function readNumber(source: string, span: Span): Expression {
  const digits = source.replaceAll('_', '').toLowerCase()
  const isInteger = /^(?:\d+|0x[0-9a-f]+|0o[0-7]+|0b[01]+)$/.test(digits)
  const value = Number(digits)
  return Number.isNaN(value) ? { kind: 'unknown', ...span } : { kind: 'number', value, isInteger, ...span }
}

function readItems(node: SyntaxNode, kind: 'list' | 'tuple' | 'set'): Expression {
  const children = childrenOf(node)
  const items = children.filter(({ name }) => !/^[^A-Za-z]/.test(name))
  return { kind, items, isWhole: !children.some(({ name }) => name === '*' || name === '⚠'), ...spanOf(node) }
}

function readDict(node: SyntaxNode): Expression {
  const children = childrenOf(node)
  const entries = children.flatMap((colon, position): (readonly [SyntaxNode, SyntaxNode])[] => {
    const [key, value] = [children[position - 1], children[position + 1]]
    return colon.name === ':' && key !== undefined && value !== undefined ? [[key, value]] : []
  })
  return { kind: 'dict', entries, isWhole: !children.some(({ name }) => name === '**' || name === '⚠'), ...spanOf(node) }
}

function readUnary(text: string, node: SyntaxNode, scope: Scope, depth: number): Expression {
  const span = spanOf(node)
  const [operator, operand] = childrenOf(node)
  const sign = operator === undefined ? '' : text.slice(operator.from, operator.to)
  if ((sign !== '-' && sign !== '+') || operand === undefined || depth >= MAX_DEPTH) return { kind: 'unary', node, ...span }
  const inner = readExpression(text, operand, scope, depth + 1)
  if (inner.kind !== 'number') return { kind: 'unary', node, ...span }
  return { kind: 'number', value: sign === '-' ? -inner.value : inner.value, isInteger: inner.isInteger, ...span }
}

/** `"a" + b` and `"a%s" % b`: texts that are partly known. */
function readBinary(text: string, node: SyntaxNode, scope: Scope, depth: number): Expression {
  const span = spanOf(node)
  const [left, operator, right] = childrenOf(node)
  const sign = operator === undefined ? '' : text.slice(operator.from, operator.to)
  if (left === undefined || right === undefined || depth >= MAX_DEPTH || (sign !== '+' && sign !== '%')) return { kind: 'binary', node, ...span }
  const first = readExpression(text, left, scope, depth + 1)
  if (sign === '%')
    return first.kind === 'text'
      ? joinParts(
          first.value.split(/(%[-#0-9.+ ]{0,12}[a-zA-Z])/).map((part, at) => (at % 2 === 1 ? undefined : part)),
          span,
        )
      : { kind: 'binary', node, ...span }
  const second = readExpression(text, right, scope, depth + 1)
  if (!isText(first) && !isText(second)) return { kind: 'binary', node, ...span }
  return joinParts([...partsOf(first), ...partsOf(second)], span)
}

/** `"a{}".format(b)`. */
function readFormat(text: string, node: SyntaxNode, scope: Scope, depth: number): Expression | undefined {
  const [receiver, , method] = node.firstChild?.name === 'MemberExpression' ? childrenOf(node.firstChild) : []
  if (receiver === undefined || method === undefined || text.slice(method.from, method.to) !== 'format' || depth >= MAX_DEPTH) return undefined
  const template = readExpression(text, receiver, scope, depth + 1)
  if (template.kind !== 'text') return undefined
  return joinParts(
    template.value.split(/(\{[^{}]{0,64}\})/).map((part, at) => (at % 2 === 1 ? undefined : part)),
    spanOf(node),
  )
}

function isText({ kind }: Expression): boolean {
  return kind === 'text' || kind === 'template'
}

/** The parts of a text; one unknown part for anything else. */
export function partsOf(expression: Expression): readonly (string | undefined)[] {
  if (expression.kind === 'text') return [expression.value]
  return expression.kind === 'template' ? expression.parts : [undefined]
}
