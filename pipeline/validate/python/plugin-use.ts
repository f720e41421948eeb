import { bindingsOf } from './expression.ts'
import type { Expression } from './expression.ts'
import type { PythonModule } from './module.ts'
import type { Call, Scope } from './outline.ts'
import type { SyntaxNode } from './syntax.ts'

/** A call of pywaggle that sends a value. */
export interface Publication {
  readonly module: PythonModule
  readonly call: Call
  readonly method: 'publish' | 'timeit' | 'upload_file'
  readonly name: SyntaxNode | undefined
  readonly value: SyntaxNode | undefined
  readonly meta: SyntaxNode | undefined
  readonly timestamp: SyntaxNode | undefined
  readonly scope: SyntaxNode | undefined
}

const METHODS = new Set(['publish', 'timeit', 'upload_file'])
const PLUGIN_CLASS = /^waggle\.plugin\.Plugin$/

/** Whether a module has anything to do with pywaggle. */
export function usesPywaggle({ outline }: PythonModule): boolean {
  return outline.imports.some(({ module }) => module === 'waggle' || module.startsWith('waggle.'))
}

const publications = new WeakMap<PythonModule, readonly Publication[]>()

/** What a module publishes: on what `Plugin()` is known to be, and on `plugin` where the module imports pywaggle or is handed one. */
export function publicationsOf(module: PythonModule): readonly Publication[] {
  const known = publications.get(module) ?? findPublications(module)
  publications.set(module, known)
  return known
}

function findPublications(module: PythonModule): readonly Publication[] {
  const names = pluginNames(module)
  return module.outline.calls.flatMap((call): readonly Publication[] => {
    const method = call.path.at(-1) ?? ''
    if (!METHODS.has(method) || call.path.length < 2 || !isPlugin(module, call, names)) return []
    const { positional, keywords } = module.argumentsOf(call)
    const argument = (name: string, position: number): SyntaxNode | undefined => keywords.get(name) ?? positional[position]
    const isPublish = method === 'publish'
    const first = isPublish ? 2 : 1
    return [
      {
        module,
        call,
        method: method as Publication['method'],
        name: method === 'upload_file' ? undefined : argument('name', 0),
        value: isPublish ? argument('value', 1) : undefined,
        meta: method === 'timeit' ? undefined : argument('meta', first),
        timestamp: method === 'timeit' ? undefined : argument('timestamp', first + 1),
        scope: isPublish ? argument('scope', first + 2) : undefined,
      },
    ]
  })
}

/** Names, and attributes of `self`, that a `Plugin()` is bound to anywhere in the module. */
function pluginNames(module: PythonModule): ReadonlySet<string> {
  const names = new Set<string>()
  if (!usesPywaggle(module)) return names
  for (const { expression, alias, scope } of module.outline.withItems) if (alias !== undefined && isPluginCall(module, expression, scope)) names.add(alias)
  for (const call of module.outline.calls) {
    const target = PLUGIN_CLASS.test(module.functionName(call)) ? assignedName(module, call.node) : undefined
    if (target !== undefined) names.add(target)
  }
  return names
}

function isPluginCall(module: PythonModule, node: SyntaxNode, scope: Scope): boolean {
  const expression = module.read(node, scope)
  const call = expression.kind === 'call' ? module.callAt(expression.node) : undefined
  return call !== undefined && PLUGIN_CLASS.test(module.functionName(call))
}

/** `plugin` of `plugin = Plugin()` and of `self.plugin = Plugin()`. */
function assignedName({ text }: PythonModule, node: SyntaxNode): string | undefined {
  const statement = node.parent
  const target = statement?.name === 'AssignStatement' ? statement.firstChild : null
  if (target === null || target.from === node.from) return undefined
  const last = target.name === 'MemberExpression' ? target.lastChild : target
  return last?.name === 'VariableName' || last?.name === 'PropertyName' ? text.text.slice(last.from, last.to) : undefined
}

function isPlugin(module: PythonModule, call: Call, names: ReadonlySet<string>): boolean {
  const receiver = call.path.at(-2) ?? ''
  if (names.has(receiver)) return true
  if (receiver === '') return call.receiver !== undefined && isPluginCall(module, call.receiver, call.scope)
  return receiver === 'plugin' && (usesPywaggle(module) || isParameter(call))
}

/** Whether `plugin` is handed to the function that it is used in. */
function isParameter({ path, scope }: Call): boolean {
  const found = path.length === 2 ? bindingsOf('plugin', scope) : undefined
  return found?.scope.kind === 'function' && found.values.length === 1 && found.values[0] === undefined
}

/** Calls on a `Plugin()` that certainly is not opened: its name is assigned here, and nothing else ever happens to it. */
export function publicationsOutside(module: PythonModule): readonly Publication[] {
  const opened = new Map<string, boolean>()
  return publicationsOf(module).filter(({ call, method }) => {
    if (method === 'upload_file') return false
    const [receiver, ...others] = call.path
    if (receiver === undefined || others.length !== 1) return false
    if (receiver === '') return call.receiver !== undefined && isPluginCall(module, call.receiver, call.scope)
    const found = bindingsOf(receiver, call.scope)
    const [value] = found?.values ?? []
    if (found === undefined || found.values.length !== 1 || value === undefined || !isPluginCall(module, value, found.scope)) return false
    const isKnown = opened.get(receiver) ?? isOpened(module, receiver)
    opened.set(receiver, isKnown)
    return !isKnown
  })
}

/** Whether the name is used in any way that might open it: `with plugin`, `plugin.__enter__()`, or as an argument. */
function isOpened(module: PythonModule, name: string): boolean {
  const { text } = module.text
  const isName = (node: SyntaxNode): boolean => node.name === 'VariableName' && text.slice(node.from, node.to) === name
  return (
    module.outline.withItems.some(({ expression, alias }) => isName(expression) || alias === name) ||
    module.outline.calls.some((call) => {
      if (call.path.includes('__enter__')) return true
      const { positional, keywords, isOpen } = module.argumentsOf(call)
      return isOpen || [...positional, ...keywords.values()].some(isName)
    })
  )
}

/** What an expression of seconds since 1970 is multiplied with. */
export interface TimeValue {
  readonly isInteger: boolean
  /** 1: seconds, 1e9: nanoseconds. */
  readonly scale: number
}

/** What an expression says about time: `int(time.time() * 1000)` is an integer of milliseconds. Undefined: not known. */
export function timeOf(module: PythonModule, expression: Expression, scope: Scope, depth = 0): TimeValue | undefined {
  if (depth > 4) return undefined
  if (expression.kind === 'call') return timeOfCall(module, expression.node, scope, depth)
  if (expression.kind !== 'binary') return undefined
  const [left, operator, right] = [expression.node.firstChild, expression.node.firstChild?.nextSibling, expression.node.lastChild]
  if (left === null || right === null || operator === null || operator === undefined) return undefined
  const sign = module.text.text.slice(operator.from, operator.to)
  const [first, second] = [module.read(left, scope), module.read(right, scope)]
  const [time, other] = [timeOf(module, first, scope, depth + 1), second]
  if (time !== undefined && other.kind === 'number') return combine(time, sign, other.value, other.isInteger)
  const swapped = sign === '*' && first.kind === 'number' ? timeOf(module, second, scope, depth + 1) : undefined
  return swapped === undefined || first.kind !== 'number' ? undefined : combine(swapped, '*', first.value, first.isInteger)
}

function combine({ isInteger, scale }: TimeValue, sign: string, value: number, isWhole: boolean): TimeValue | undefined {
  switch (sign) {
    case '*':
      return { isInteger: isInteger && isWhole, scale: scale * value }
    case '/':
      return { isInteger: false, scale: scale / value }
    case '//':
      return { isInteger: isInteger && isWhole, scale: scale / value }
    default:
      return undefined
  }
}

function timeOfCall(module: PythonModule, node: SyntaxNode, scope: Scope, depth: number): TimeValue | undefined {
  const call = module.callAt(node)
  if (call === undefined) return undefined
  const name = module.functionName(call)
  const [argument] = module.argumentsOf(call).positional
  if (name === 'time.time' && argument === undefined) return { isInteger: false, scale: 1 }
  if (name === 'time.time_ns') return { isInteger: true, scale: 1e9 }
  if ((name === 'int' || name === 'round') && argument !== undefined && bindingsOf(name, scope) === undefined) {
    const inner = timeOf(module, module.read(argument, scope), scope, depth + 1)
    return inner && { ...inner, isInteger: true }
  }
  if (call.path.at(-1) !== 'timestamp' || argument !== undefined || call.receiver?.name !== 'CallExpression') return undefined
  const made = module.callAt(call.receiver)
  return made !== undefined && /^datetime\.datetime\.(?:now|utcnow|today)$/.test(module.functionName(made)) ? { isInteger: false, scale: 1 } : undefined
}
