import type { TextFile } from '../text-file.ts'
import { argumentsOf } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { readExpression } from './expression.ts'
import type { Expression } from './expression.ts'
import { outlineOf } from './outline.ts'
import type { Call, Outline, Scope } from './outline.ts'
import { parsePython } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** What is known of a Python file without running it. Nothing is parsed before somebody asks. */
export interface PythonModule {
  readonly text: TextFile
  /** False when part of it was not understood: it may do more than is known. */
  readonly isWhole: boolean
  readonly outline: Outline
  argumentsOf(call: Call): Arguments
  /** What an expression is known to be, where it stands in `scope`. */
  read(node: SyntaxNode, scope: Scope): Expression
  /** A call's function with imports followed: `argparse.ArgumentParser`, however it was imported. Relative imports keep their dots. */
  functionName(call: Call): string
  /** The call that a node is; undefined: it is none. */
  callAt(node: SyntaxNode): Call | undefined
}

const NOTHING: Outline = {
  scope: { kind: 'module', parent: undefined, bindings: new Map(), asksForFiles: false },
  imports: [],
  calls: [],
  withItems: [],
  definitions: new Set(),
  attributes: new Set(),
  isWhole: false,
}

/** Reads a Python file; never throws. What is no Python, or nested too deeply, is as good as empty. */
export function readPythonModule(text: TextFile): PythonModule {
  let outline: Outline | undefined
  let isWhole = false
  let names: ReadonlyMap<string, string> | undefined
  let places: ReadonlyMap<string, Call> | undefined
  const known = new Map<Call, Arguments>()
  const understand = (): Outline => {
    if (outline !== undefined) return outline
    const syntax = parsePython(text.text)
    outline = syntax === undefined ? NOTHING : outlineOf(syntax.tree, text.text)
    isWhole = syntax?.isWhole === true && outline.isWhole
    return outline
  }
  return {
    text,
    get isWhole() {
      understand()
      return isWhole
    },
    get outline() {
      return understand()
    },
    argumentsOf: (call) => {
      const found = known.get(call) ?? argumentsOf(call.node, text.text)
      known.set(call, found)
      return found
    },
    read: (node, scope) => readExpression(text.text, node, scope),
    functionName: ({ path: [first = '', ...rest] }) => {
      names ??= importedNames(understand())
      return [names.get(first) ?? first, ...rest].join('.')
    },
    callAt: ({ from, to }) => {
      places ??= new Map(understand().calls.map((call) => [`${call.node.from}:${call.node.to}`, call]))
      return places.get(`${from}:${to}`)
    },
  }
}

function importedNames({ imports }: Outline): ReadonlyMap<string, string> {
  return new Map(
    imports.map(({ module, name, alias }) => {
      if (name !== undefined) return [alias, module.endsWith('.') ? `${module}${name}` : `${module}.${name}`]
      return [alias, module.startsWith(`${alias}.`) ? alias : module]
    }),
  )
}
