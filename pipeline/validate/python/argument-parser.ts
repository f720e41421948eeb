import type { Place } from '../../problem.ts'
import type { Span } from '../sage/python-value.ts'
import type { TextFile } from '../text-file.ts'
import type { Expression } from './expression.ts'
import { partsOf } from './expression.ts'
import type { PythonModule } from './module.ts'
import type { Call } from './outline.ts'
import type { Program } from './program.ts'
import type { SyntaxNode } from './syntax.ts'

/** A default that is written in the code. */
export type DefaultValue = string | number | boolean | null

/** One `add_argument`. */
export interface Flag {
  /** `-s`, `--stream`; empty for a positional argument. */
  readonly options: readonly string[]
  /** The name of a positional argument, else the attribute that it sets, where that is written. */
  readonly name: string
  /** How many words it takes. `unknown`: something about it is only known when it runs. */
  readonly takes: 'none' | 'one' | 'optional' | 'many' | 'unknown'
  /** What its words are converted with: `int`, `float`, `bool`, another function's name; undefined: nothing; 'unknown'. */
  readonly type: string | undefined
  /** Undefined: none, or not known. */
  readonly default: DefaultValue | undefined
  readonly isRequired: boolean
  /** Texts or numbers that are allowed; undefined: any, or not known. */
  readonly choices: readonly (string | number)[] | undefined
  /** `help=argparse.SUPPRESS`: not for everybody. */
  readonly isHidden: boolean
  readonly text: TextFile
  /** The first option string, quotes included, where it is written in the call itself. */
  readonly optionSpan: Span | undefined
  readonly place: Place
}

/** What the program takes from its command line. */
export interface CommandLine {
  readonly flags: readonly Flag[]
  /** What the options of others begin with: `--` for `add_argument(f"--{name}")`. Undefined: nothing is known of some. */
  readonly unknownPrefixes: readonly (string | undefined)[]
  /** `parse_known_args`: words that it does not know are left alone. */
  readonly ignoresOthers: boolean
  readonly hasHelp: boolean
  /** A long option may be cut short (`allow_abbrev`). */
  readonly abbreviates: boolean
  /** Where the parser is made. */
  readonly place: Place
}

/** Names that only appear where command lines are read in other ways than by argparse. */
const OTHER_READERS = new Set([
  'absl', 'argh', 'argparse_dataclass', 'cleo', 'click', 'clize', 'configargparse', 'datargs', 'defopt', 'docopt', 'fire', 'gflags', 'getopt', 'hydra', 'jsonargparse',
  'optparse', 'plac', 'pydantic_settings', 'simple_parsing', 'tap', 'traitlets', 'typed_argparse', 'typer', 'tyro', 'cyclopts', 'omegaconf', 'argcomplete', 'flags',
]) // prettier-ignore

/** Methods of a parser, and what makes its command line another than its flags say. */
const BEYOND_FLAGS = new Set(['add_subparsers', 'set_defaults', 'convert_arg_line_to_args'])
const PARSER_OPTIONS = new Set([
  'prog',
  'usage',
  'description',
  'epilog',
  'formatter_class',
  'add_help',
  'allow_abbrev',
  'exit_on_error',
  'argument_default',
  'conflict_handler',
  'color',
  'suggest_on_error',
])

/** No person's program has more. */
const MAX_FLAGS = 1000

/** Whether nothing in the program reads its command line: no parser of any kind, and no `sys.argv`. */
export function readsNothing({ modules, isWhole }: Program): boolean {
  return (
    isWhole &&
    modules.every(({ outline: { attributes, imports } }) => {
      const names = new Set([...attributes, ...imports.flatMap(({ module, name }) => [module, name])])
      return !['argv', 'orig_argv', 'argparse'].some((name) => names.has(name)) && !readsOtherwise(imports)
    })
  )
}

/** The command line of a program with one argparse parser that is understood; undefined when it is read in another way, or not understood. */
export function commandLineOf(program: Program): CommandLine | undefined {
  const { entry, modules, isWhole } = program
  if (!isWhole || modules.some((module) => readsOtherwise(module.outline.imports) || looksAtWords(module) || namesAddition(module))) return undefined
  const runs = (module: PythonModule): readonly Call[] => (module === entry ? module.outline.calls : module.outline.calls.filter(({ isMain }) => !isMain))
  const calls = modules.flatMap((module) => runs(module).map((call) => ({ module, call })))
  const parsers = calls.filter(({ module, call }) => module.functionName(call).split('.').at(-1)?.endsWith('ArgumentParser') ?? false)
  const [parser] = parsers
  if (parser === undefined || parsers.length !== 1 || parser.module.functionName(parser.call) !== 'argparse.ArgumentParser') return undefined
  const options = parser.module.argumentsOf(parser.call)
  if (options.isOpen || [...options.keywords.keys()].some((name) => !PARSER_OPTIONS.has(name))) return undefined
  if (calls.some(({ call }) => call.path.length > 1 && BEYOND_FLAGS.has(call.path.at(-1) ?? ''))) return undefined
  if (calls.some(({ module, call }) => parsesOwnWords(module, call)) || isHandedAway(parser.module, parser.call, program)) return undefined
  const isFalse = (name: string): boolean => isKeyword(parser, name, false)
  const additions = calls.filter(({ call }) => call.path.at(-1) === 'add_argument' && call.path.length > 1)
  if (additions.length > MAX_FLAGS) return undefined
  const added = additions.map(({ module, call }) => readFlag(module, call))
  return {
    flags: added.filter((flag) => 'options' in flag),
    unknownPrefixes: added.flatMap((flag) => ('options' in flag ? [] : [flag.prefix])),
    ignoresOthers: calls.some(({ call }) => ['parse_known_args', 'parse_known_intermixed_args'].includes(call.path.at(-1) ?? '')),
    hasHelp: !isFalse('add_help'),
    abbreviates: !isFalse('allow_abbrev'),
    place: parser.module.text.place({ start: parser.call.node.from, end: parser.call.node.to }),
  }
}

function readsOtherwise(imports: readonly { readonly module: string; readonly name: string | undefined }[]): boolean {
  return imports.some(({ module, name }) => OTHER_READERS.has(module.split('.')[0] ?? '') || (name === 'flags' && module.endsWith('app')))
}

/** Whether it does something with `sys.argv` that is more than handing the job's words on. */
function looksAtWords({ outline, text }: PythonModule): boolean {
  if (outline.imports.some(({ name }) => name === 'argv')) return true
  return outline.attributes.has('argv') && /\.argv\b(?!\s{0,9}\[\s{0,9}1\s{0,9}:\s{0,9}\])/.test(text.text)
}

/** `add = parser.add_argument`: flags are added under another name. */
function namesAddition({ text }: PythonModule): boolean {
  return /\.add_argument\b(?!\s{0,99}\()/.test(text.text)
}

/** `parse_args([…])`: words of its own instead of the job's. */
function parsesOwnWords(module: PythonModule, call: Call): boolean {
  if (!/^parse_(?:known_)?(?:intermixed_)?args$/.test(call.path.at(-1) ?? '')) return false
  const { positional, keywords } = module.argumentsOf(call)
  const words = positional[0] ?? keywords.get('args')
  return words !== undefined && !['name', 'unknown', 'none'].includes(module.read(words, call.scope).kind)
}

function isKeyword({ module, call }: { readonly module: PythonModule; readonly call: Call }, name: string, wanted: boolean): boolean {
  const node = module.argumentsOf(call).keywords.get(name)
  const value = node === undefined ? undefined : module.read(node, call.scope)
  return value?.kind === 'boolean' && value.value === wanted
}

/** Whether the parser is an argument of a function that the program does not define: that may add flags of its own. */
function isHandedAway(module: PythonModule, parser: Call, { modules }: Program): boolean {
  const names = new Set<string>()
  for (const [name, values] of parser.scope.bindings)
    if (values.some((value) => value?.from === parser.node.from && value.to === parser.node.to)) names.add(name)
  const isParser = (node: SyntaxNode): boolean => node.name === 'VariableName' && names.has(module.text.text.slice(node.from, node.to))
  return module.outline.calls.some((call) => {
    const { positional, keywords } = module.argumentsOf(call)
    if (![...positional, ...keywords.values()].some(isParser)) return false
    const name = call.path.at(-1) ?? ''
    return !modules.some(({ outline }) => outline.definitions.has(name))
  })
}

/** A flag, or what its option begins with when the rest is only known when it runs. */
function readFlag(module: PythonModule, call: Call): Flag | { readonly prefix: string | undefined } {
  const { positional, keywords, isOpen } = module.argumentsOf(call)
  const read = (node: SyntaxNode): Expression => module.read(node, call.scope)
  const names = positional.map(read)
  if (names.length === 0) return { prefix: undefined }
  for (const name of names) if (name.kind !== 'text') return { prefix: partsOf(name)[0] }
  const texts = names.flatMap((name) => (name.kind === 'text' ? [name.value] : []))
  const options = texts.filter((text) => text.startsWith('-'))
  const keyword = (name: string): Expression | undefined => {
    const node = keywords.get(name)
    return node === undefined ? undefined : read(node)
  }
  const action = keyword('action')
  const [takes, nargs] = [takesOf(action, keyword('nargs'), isOpen), keyword('nargs')]
  const given = keyword('default')
  const [first] = positional
  const dest = keyword('dest')
  return {
    options,
    name: dest?.kind === 'text' ? dest.value : destinationOf(texts, options),
    takes,
    type: typeOf(keyword('type'), isOpen),
    default: given === undefined ? implicitDefault(action) : literalOf(given),
    isRequired:
      options.length === 0 ? given === undefined && !(nargs?.kind === 'text' && ['?', '*'].includes(nargs.value)) && !isOpen : isTrue(keyword('required')),
    choices: choicesOf(module, call, keyword('choices')),
    isHidden: keyword('help')?.kind === 'name' && /(?:^|\.)SUPPRESS$/.test(nameOf(keyword('help'))),
    text: module.text,
    optionSpan: first !== undefined && /^(?:String|ContinuedString)$/.test(first.name) ? { start: first.from, end: first.to } : undefined,
    place: module.text.place({ start: call.node.from, end: call.node.to }),
  }
}

/** As argparse infers it: from the first long option, else the first (argparse.py, `_get_optional_kwargs`). */
function destinationOf(texts: readonly string[], options: readonly string[]): string {
  if (options.length === 0) return texts[0] ?? ''
  const option = options.find((text) => text.startsWith('--')) ?? options[0] ?? ''
  return option.replace(/^-+/, '').replaceAll('-', '_')
}

function takesOf(action: Expression | undefined, nargs: Expression | undefined, isOpen: boolean): Flag['takes'] {
  if (isOpen) return 'unknown'
  const name = action === undefined ? 'store' : action.kind === 'text' ? action.value : nameOf(action)
  if (['store_true', 'store_false', 'store_const', 'append_const', 'count', 'help', 'version'].includes(name) || /(?:^|\.)BooleanOptionalAction$/.test(name))
    return 'none'
  if (!['store', 'append', 'extend'].includes(name)) return 'unknown'
  if (nargs === undefined || nargs.kind === 'none') return 'one'
  if (nargs.kind === 'text') return nargs.value === '?' ? 'optional' : ['*', '+'].includes(nargs.value) ? 'many' : 'unknown'
  return nargs.kind === 'number' ? (nargs.value === 1 ? 'one' : 'many') : 'unknown'
}

function typeOf(type: Expression | undefined, isOpen: boolean): string | undefined {
  if (type === undefined) return isOpen ? 'unknown' : undefined
  return type.kind === 'name' && type.path !== 'str' ? type.path : type.kind === 'name' ? undefined : 'unknown'
}

function implicitDefault(action: Expression | undefined): DefaultValue | undefined {
  if (action?.kind !== 'text') return undefined
  return { store_true: false, store_false: true }[action.value]
}

function literalOf(expression: Expression): DefaultValue | undefined {
  if (expression.kind === 'text' || expression.kind === 'number' || expression.kind === 'boolean') return expression.value
  return expression.kind === 'none' ? null : undefined
}

function choicesOf(module: PythonModule, call: Call, choices: Expression | undefined): readonly (string | number)[] | undefined {
  if (choices === undefined || !('items' in choices) || !choices.isWhole) return undefined
  const values = choices.items.slice(0, 1000).map((item) => literalOf(module.read(item, call.scope)))
  const known = values.filter((value) => typeof value === 'string' || typeof value === 'number')
  return known.length === values.length && known.length === choices.items.length ? known : undefined
}

function isTrue(expression: Expression | undefined): boolean {
  return expression?.kind === 'boolean' && expression.value
}

function nameOf(expression: Expression | undefined): string {
  return expression?.kind === 'name' ? expression.path : ''
}
