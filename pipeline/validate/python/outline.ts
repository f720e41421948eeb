import type { SyntaxNode, SyntaxTree } from './syntax.ts'
import { childrenOf } from './syntax.ts'

/** A module, function, lambda, class or comprehension: where names live. */
export interface Scope {
  readonly kind: 'module' | 'function' | 'class'
  readonly parent: Scope | undefined
  /** What is assigned to each name here, in order; undefined: bound in another way (a parameter, a loop, an import…). */
  readonly bindings: ReadonlyMap<string, readonly (SyntaxNode | undefined)[]>
  /** Whether it asks if some file exists. */
  readonly asksForFiles: boolean
}

/** Where a call stands. */
export interface Surroundings {
  readonly scope: Scope
  /** Inside the body of a `try`. */
  readonly isTried: boolean
  /** Inside `if __name__ == "__main__":`. */
  readonly isMain: boolean
}

export interface Call extends Surroundings {
  readonly node: SyntaxNode
  /** The function's name as it is written, without what its first part stands for: `['parser', 'add_argument']`. A receiver that is no name is ''. */
  readonly path: readonly string[]
  /** What a method is called on. */
  readonly receiver: SyntaxNode | undefined
}

export interface Import {
  /** `a.b` of `import a.b` and `from a.b import c`; leading dots of relative imports stay: `.`, `..pkg`. */
  readonly module: string
  /** `c` of `from a.b import c`; `*` for all; undefined for `import a.b`. */
  readonly name: string | undefined
  /** The name that it has in this module. */
  readonly alias: string
  readonly node: SyntaxNode
}

export interface WithItem {
  readonly scope: Scope
  readonly expression: SyntaxNode
  /** The name after `as`. */
  readonly alias: string | undefined
}

/** What a module does, in the order of its text. */
export interface Outline {
  readonly scope: Scope
  readonly imports: readonly Import[]
  readonly calls: readonly Call[]
  readonly withItems: readonly WithItem[]
  /** Names of functions and classes that are defined anywhere in it. */
  readonly definitions: ReadonlySet<string>
  /** Every attribute that is mentioned anywhere: `argv` of `sys.argv`. */
  readonly attributes: ReadonlySet<string>
  /** False where there are more calls than are listed. */
  readonly isWhole: boolean
}

interface OpenScope extends Scope {
  readonly bindings: Map<string, (SyntaxNode | undefined)[]>
  asksForFiles: boolean
}

/** What Lezer's walk hands out. */
interface SyntaxReference {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly node: SyntaxNode
}

/** A file of 256 KiB that somebody wrote has some thousands. */
const MAX_CALLS = 20_000
/** Longer chains of attributes are nobody's function. */
const MAX_PATH = 8
const FILE_QUESTIONS = new Set(['exists', 'isfile', 'is_file', 'isdir', 'is_dir', 'glob', 'listdir'])
const SCOPES: Readonly<Record<string, Scope['kind']>> = { FunctionDefinition: 'function', LambdaExpression: 'function', ClassDefinition: 'class' }

/** Walks a tree once. */
export function outlineOf(tree: SyntaxTree, text: string): Outline {
  const walk = new Walk(text)
  tree.iterate({ enter: (reference) => walk.enter(reference), leave: ({ name }) => walk.leave(name) })
  return walk.outline()
}

class Walk {
  readonly #text: string
  readonly #module: OpenScope = { kind: 'module', parent: undefined, bindings: new Map(), asksForFiles: false }
  readonly #scopes: OpenScope[] = [this.#module]
  /** For each `try` and `if` that is open, whether the part being walked is tried, or is the main program. */
  readonly #tries: boolean[] = []
  readonly #ifs: boolean[] = []
  #tried = 0
  #main = 0
  #isWhole = true
  readonly #imports: Import[] = []
  readonly #calls: Call[] = []
  readonly #withItems: WithItem[] = []
  readonly #definitions = new Set<string>()
  readonly #attributes = new Set<string>()

  constructor(text: string) {
    this.#text = text
  }

  outline(): Outline {
    return {
      scope: this.#module,
      imports: this.#imports,
      calls: this.#calls,
      withItems: this.#withItems,
      definitions: this.#definitions,
      attributes: this.#attributes,
      isWhole: this.#isWhole,
    }
  }

  /** `node` is only asked for where it is needed: making one costs. */
  enter(reference: SyntaxReference): void {
    const { name: kind } = reference
    switch (kind) {
      case 'PropertyName':
        this.#attributes.add(this.#textOf(reference))
        return
      case 'FunctionDefinition':
      case 'ClassDefinition':
      case 'LambdaExpression':
        this.#define(kind, reference.node)
        return
      case 'ParamList':
        for (const child of childrenOf(reference.node)) if (child.name === 'VariableName') this.#bind(this.#textOf(child))
        return
      case 'ImportStatement':
        this.#import(reference.node)
        return
      case 'CallExpression':
        if (this.#calls.length < MAX_CALLS) this.#call(reference.node)
        else this.#isWhole = false
        return
      case 'AssignStatement':
        this.#assign(reference.node)
        return
      case 'WithStatement':
        this.#with(reference.node)
        return
      case 'ForStatement':
      case 'UpdateStatement':
      case 'DeleteStatement':
      case 'NamedExpression':
      case 'ScopeStatement':
        this.#rebind(reference.node)
        return
      case 'TryStatement':
        this.#tries.push(false)
        return
      case 'try':
      case 'except':
      case 'finally':
      case 'else':
        this.#part(kind, reference.node)
        return
      case 'IfStatement':
        this.#ifs.push(this.#isMainTest(reference.node))
        this.#main += Number(this.#ifs.at(-1))
        return
    }
  }

  leave(kind: string): void {
    if (Object.hasOwn(SCOPES, kind)) this.#scopes.pop()
    else if (kind === 'TryStatement') this.#tried -= Number(this.#tries.pop())
    else if (kind === 'IfStatement') this.#main -= Number(this.#ifs.pop())
  }

  get #scope(): OpenScope {
    return this.#scopes.at(-1) ?? this.#module
  }

  #textOf({ from, to }: { readonly from: number; readonly to: number }): string {
    return this.#text.slice(from, to)
  }

  #bind(name: string, value?: SyntaxNode, scope = this.#scope): void {
    const values = scope.bindings.get(name)
    if (values === undefined) scope.bindings.set(name, [value])
    else values.push(value)
  }

  #define(kind: string, node: SyntaxNode): void {
    const name = node.getChild('VariableName')
    if (name !== null && kind !== 'LambdaExpression') {
      this.#definitions.add(this.#textOf(name))
      this.#bind(this.#textOf(name))
    }
    this.#scopes.push({ kind: SCOPES[kind] ?? 'function', parent: this.#scope, bindings: new Map(), asksForFiles: false })
  }

  #assign(node: SyntaxNode): void {
    const children = childrenOf(node)
    const [target, ...rest] = children.filter(({ name }) => name !== 'TypeDef')
    const isSimple = target?.name === 'VariableName' && rest.length === 2 && rest[0]?.name === 'AssignOp'
    if (isSimple) {
      this.#bind(this.#textOf(target), rest[1])
      return
    }
    const lastOperator = children.findLastIndex(({ name }) => name === 'AssignOp')
    for (const child of children.slice(0, Math.max(lastOperator, 0))) this.#bindTarget(child)
  }

  /** Names of `a, (b, c)`: not more than two deep, deeper ones are not looked for. */
  #bindTarget(node: SyntaxNode): void {
    if (node.name === 'VariableName') this.#bind(this.#textOf(node))
    else if (node.name === 'TupleExpression' || node.name === 'ArrayExpression')
      for (const child of childrenOf(node)) if (child.name === 'VariableName') this.#bind(this.#textOf(child))
  }

  /** Everything that changes a name in another way than by an assignment. */
  #rebind(node: SyntaxNode): void {
    for (
      let child = node.firstChild;
      child !== null && child.name !== 'in' && child.name !== 'UpdateOp' && child.name !== 'AssignOp';
      child = child.nextSibling
    ) {
      this.#bindTarget(child)
      if (node.name === 'ScopeStatement' && child.name === 'VariableName') this.#bind(this.#textOf(child), undefined, this.#module)
    }
  }

  #with(node: SyntaxNode): void {
    const scope = this.#scope
    let expression: SyntaxNode | undefined
    for (let child = node.firstChild; child !== null && child.name !== 'Body'; child = child.nextSibling) {
      if (child.name === 'as') {
        const target = child.nextSibling
        if (target === null || expression === undefined) continue
        this.#bindTarget(target)
        // Lezer's grammar has no `with a as b.c`.
        const isAttribute = this.#text[target.to] === '.'
        this.#withItems.push({ scope, expression: bare(expression), alias: target.name === 'VariableName' && !isAttribute ? this.#textOf(target) : undefined })
        expression = undefined
        child = target
      } else if (/Expression$|^VariableName$/.test(child.name)) {
        if (expression !== undefined) this.#withItems.push({ scope, expression: bare(expression), alias: undefined })
        expression = child
      }
    }
    if (expression !== undefined) this.#withItems.push({ scope, expression: bare(expression), alias: undefined })
  }

  #import(node: SyntaxNode): void {
    const children = childrenOf(node)
    const isFrom = children[0]?.name === 'from'
    const separator = children.findIndex(({ name }) => name === 'import')
    if (separator < 0) return
    const module = isFrom
      ? children
          .slice(1, separator)
          .map((child) => this.#textOf(child))
          .join('')
      : ''
    let names: string[] = []
    let alias: string | undefined
    const finish = (): void => {
      const [first] = names
      if (first === undefined) return
      const name = names.join('.')
      const bound = alias ?? first
      this.#imports.push({ module: isFrom ? module : name, name: isFrom ? name : undefined, alias: bound, node })
      this.#bind(bound)
      names = []
      alias = undefined
    }
    let isAlias = false
    for (const child of children.slice(separator + 1)) {
      if (child.name === ',') finish()
      else if (child.name === 'as') isAlias = true
      else if (child.name === 'VariableName' || child.name === '*') {
        if (isAlias) alias = this.#textOf(child)
        else names.push(this.#textOf(child))
        isAlias = false
      }
    }
    finish()
  }

  #call(node: SyntaxNode): void {
    const callee = node.firstChild
    if (callee === null) return
    const path: string[] = []
    let part: SyntaxNode | null = callee
    while (part !== null && part.name === 'MemberExpression' && path.length < MAX_PATH && part.lastChild?.name === 'PropertyName') {
      path.unshift(this.#textOf(part.lastChild))
      part = part.firstChild
    }
    path.unshift(part?.name === 'VariableName' ? this.#textOf(part) : '')
    const receiver = callee.name === 'MemberExpression' ? (callee.firstChild ?? undefined) : undefined
    if (FILE_QUESTIONS.has(path.at(-1) ?? '')) for (const scope of this.#scopes) scope.asksForFiles = true
    this.#calls.push({ node, path, receiver, scope: this.#scope, isTried: this.#tried > 0, isMain: this.#main > 0 })
  }

  /** The parts of a `try` begin with their word; those of other statements are none of its business. */
  #part(kind: string, node: SyntaxNode): void {
    const owner = node.parent?.name
    if (owner === 'TryStatement') {
      const was = this.#tries.pop() ?? false
      const is = kind === 'try'
      this.#tried += Number(is) - Number(was)
      this.#tries.push(is)
    } else if (owner === 'IfStatement' && kind === 'else') {
      this.#main -= Number(this.#ifs.pop())
      this.#ifs.push(false)
    }
  }

  #isMainTest(node: SyntaxNode): boolean {
    const test = node.getChild('BinaryExpression')
    return test !== null && /^__name__\s*==\s*['"]__main__['"]$/.test(this.#text.slice(test.from, Math.min(test.to, test.from + 64)))
  }
}

/** An expression without the brackets around it; unfinished ones count. */
export function bare(node: SyntaxNode): SyntaxNode {
  let inner = node
  for (let depth = 0; depth < MAX_PATH && inner.name === 'ParenthesizedExpression'; depth++) inner = inner.firstChild?.nextSibling ?? inner
  return inner
}
