import { parser } from '@lezer/python'

import type { Span } from '../sage/python-value.ts'

/** A node of Python's syntax tree; its kinds are those of Lezer's Python grammar. */
export type SyntaxNode = ReturnType<typeof parser.parse>['topNode']

/** A tree that can be walked. */
export type SyntaxTree = ReturnType<typeof parser.parse>

export interface Syntax {
  readonly tree: SyntaxTree
  /** False when something was not understood, and what it says may be missing. */
  readonly isWhole: boolean
}

/** Recovering from an error costs some twenty microseconds a character; a file that needs it all the time is no Python. */
const MAX_RECOVERY_STEPS = 4000
/** Tokens, about. Files of 256 KiB that somebody wrote have some 60,000; the rest of a table of data is not read. */
const MAX_STEPS = 100_000

/** Parses what it can: undefined for what is nested too deeply to be read. Takes time in proportion to the text, and much less when it is no Python. */
export function parsePython(text: string): Syntax | undefined {
  try {
    const parse = parser.startParse(withoutGaps(text))
    let [steps, recoverySteps] = [0, 0]
    let tree = parse.advance()
    while (tree === null) {
      // Not in Lezer's types: how many tokens it still needs to be back on firm ground.
      const recovering: unknown = Reflect.get(parse, 'recovering')
      if (typeof recovering === 'number' && recovering > 0) recoverySteps++
      steps++
      if (parse.stoppedAt === null && (steps === MAX_STEPS || recoverySteps === MAX_RECOVERY_STEPS)) parse.stopAt(parse.parsedPos)
      tree = parse.advance()
    }
    return { tree, isWhole: recoverySteps === 0 && steps < MAX_STEPS }
  } catch {
    // It builds its tree by recursion, and has no errors of its own: what is left is a stack that overflows. CPython gives up at 200 open brackets.
    return undefined
  }
}

/**
 * The text with what Lezer's grammar does not know in other words of the same length, so that places stay: the byte order mark, floats that end with
 * their dot (`2.`), and `yield` alone. Strings are changed as well, and read from the text itself.
 */
function withoutGaps(text: string): string {
  return text
    .replace(/^\uFEFF/, '\n')
    .replaceAll(/(?<![\w.])(\d[\d_]{0,30})\.(?![\w.])/g, '$1 ')
    .replaceAll(/\byield(?=[ \t]{0,99}(?:[)\]},#\r\n]|$))/g, 'None ')
}

/** All children that are not punctuation that Lezer leaves unnamed. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child)
  return children
}

export function spanOf({ from, to }: { readonly from: number; readonly to: number }): Span {
  return { start: from, end: to }
}
