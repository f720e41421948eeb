import { childrenOf } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** What a call hands over. */
export interface Arguments {
  readonly positional: readonly SyntaxNode[]
  readonly keywords: ReadonlyMap<string, SyntaxNode>
  /** Something is spread out into it (`*a`, `**k`): there may be more. */
  readonly isOpen: boolean
}

/** Reads the arguments of a call; of a keyword given twice, the last. */
export function argumentsOf(call: SyntaxNode, text: string): Arguments {
  // `getChild` would make a cursor for every call.
  const list = call.lastChild
  const children = list?.name === 'ArgList' ? childrenOf(list) : []
  // A generator: `f(x for x in y)`.
  if (children.some(({ name }) => name === 'for')) return { positional: [], keywords: new Map(), isOpen: true }
  const positional: SyntaxNode[] = []
  const keywords = new Map<string, SyntaxNode>()
  let isOpen = children.at(-1)?.name !== ')'
  for (let at = 0; at < children.length; at++) {
    const child = children[at]
    if (child === undefined || child.name === '(' || child.name === ')' || child.name === ',') continue
    if (children[at + 1]?.name === 'AssignOp') {
      const value = children[at + 2]
      if (value !== undefined) keywords.set(text.slice(child.from, child.to), value)
      at += 2
    } else if (child.name === '*' || child.name === '**' || child.name === '⚠') {
      isOpen = true
      at++
    } else if (child.name !== 'Comment') positional.push(child)
  }
  return { positional, keywords, isOpen }
}
