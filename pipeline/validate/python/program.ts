import { analyse } from '../dockerfile/analysis.ts'
import type { Analysis } from '../dockerfile/analysis.ts'
import { commandsOf } from '../dockerfile/commands.ts'
import { imageFiles } from '../dockerfile/image-files.ts'
import type { RepositoryFacts } from '../rule.ts'
import type { Import } from './outline.ts'
import type { PythonModule } from './module.ts'

/** The Python program that an image starts. */
export interface Program {
  readonly entry: PythonModule
  /** The entry and every file of the repository that it imports, directly or not. */
  readonly modules: readonly PythonModule[]
  /** False when a file was not understood as a whole, or there is too much to read. */
  readonly isWhole: boolean
  /** Words that the image hands to the program before those of a job. */
  readonly words: readonly string[]
  /** Whether a job's arguments reach it: it stands in ENTRYPOINT, in the exec form. */
  readonly takesArguments: boolean
}

/** About what is read in half a second. */
const MAX_CHARACTERS = 2 ** 20
/** What a file that is no Python costs in comparison. */
const UNREADABLE_CHARACTERS = 2 ** 16
/** Folders and files with Python that is not part of the plugin when it runs. */
const NOT_AT_RUN_TIME =
  /(?:^|\/)(?:tests?|testing|train|training|docs?|examples?|scripts?|tools?|notebooks?|bench(?:marks?)?|evaluation)\/|(?:^|\/)(?:test_[^/]*|[^/]*_test|tests?|conftest|setup|train|training)\.py$/i
/** Python's options that stand before the script and take a word of their own (Python's `using/cmdline`). */
const OPTIONS_WITH_WORD = new Set(['-W', '-X', '--check-hash-based-pycs'])

const programs = new WeakMap<RepositoryFacts, { readonly program: Program | undefined; modules?: readonly PythonModule[] }>()

/** The program that the Dockerfile starts; undefined when that is no Python file of the repository, or it is not certain which. */
export function programOf(facts: RepositoryFacts): Program | undefined {
  return memory(facts).program
}

/** Files that are part of the plugin when it runs: those of the program, else all that do not look like tests, training or tools. */
export function runTimeModules(facts: RepositoryFacts): readonly PythonModule[] {
  const known = memory(facts)
  known.modules ??= known.program?.modules ?? affordable(facts.modules.filter(({ text }) => !NOT_AT_RUN_TIME.test(text.file)))
  return known.modules
}

function memory(facts: RepositoryFacts): { readonly program: Program | undefined; modules?: readonly PythonModule[] } {
  const known = programs.get(facts) ?? { program: findProgram(facts) }
  programs.set(facts, known)
  return known
}

function affordable(modules: readonly PythonModule[]): readonly PythonModule[] {
  let left = MAX_CHARACTERS
  return modules.filter((module) => {
    if (left <= 0) return false
    left -= costOf(module)
    return true
  })
}

function costOf(module: PythonModule): number {
  return module.text.text.length + (module.isWhole ? 0 : UNREADABLE_CHARACTERS)
}

function findProgram(facts: RepositoryFacts): Program | undefined {
  const analysis = analyse(facts)
  const start = analysis === undefined ? undefined : findStart(analysis)
  const entry = analysis === undefined || start === undefined ? undefined : findEntry(facts, analysis, start.script)
  if (start === undefined || entry === undefined) return undefined
  return { entry, words: start.words, takesArguments: start.takesArguments, ...reachableFrom(entry, facts) }
}

interface Start {
  /** A path as in the image. */
  readonly script: string
  readonly words: readonly string[]
  readonly takesArguments: boolean
}

function findStart({ entrypoint, command }: Analysis): Start | undefined {
  const whole = entrypoint ?? command
  if (whole === undefined) return undefined
  const found = scriptOf(commandsOf(whole).map(({ program, words }) => [program, ...words.map(({ text }) => text)]))
  if (found !== undefined) return { ...found, takesArguments: entrypoint !== undefined && Array.isArray(entrypoint.json) }
  if (entrypoint === undefined || command === undefined || !Array.isArray(entrypoint.json) || !Array.isArray(command.json)) return undefined
  // ENTRYPOINT ["python3"] with CMD ["main.py"]: one command line, of which a job's arguments replace the second half.
  const joined = scriptOf([[...entrypoint.words, ...command.words].map(({ text }, index) => (index === 0 ? text.slice(text.lastIndexOf('/') + 1) : text))])
  return joined && { ...joined, takesArguments: false }
}

/** The script of the only command that runs one. */
function scriptOf(commands: readonly (readonly string[])[]): { readonly script: string; readonly words: readonly string[] } | undefined {
  const found = commands.flatMap(([program = '', ...words]) => {
    if (program.endsWith('.py')) return [{ script: program, words }]
    if (!/^python(?:3(?:\.\d+)?)?$/.test(program)) return []
    for (let at = 0; at < words.length; at++) {
      const word = words[at] ?? ''
      if (word === '-m') return [{ script: `${(words[at + 1] ?? '').replaceAll('.', '/')}.py`, words: words.slice(at + 2) }]
      if (OPTIONS_WITH_WORD.has(word)) at++
      else if (!word.startsWith('-')) return word.endsWith('.py') ? [{ script: word, words: words.slice(at + 1) }] : []
      else if (word === '-c' || word === '-') return []
    }
    return []
  })
  return found.length === 1 ? found[0] : undefined
}

/** What COPY puts there; where that cannot be followed, the module that agrees with most of the path, among equals the one alone nearest to the root. */
function findEntry(facts: RepositoryFacts, analysis: Analysis, script: string): PythonModule | undefined {
  const copied = imageFiles(facts, analysis).find(script)
  if (copied.kind === 'copied') return facts.modules.find(({ text }) => text.file === copied.entry.path)
  if (copied.kind === 'missing') return undefined
  const wanted = script.split('/').filter((part) => part !== '' && part !== '.')
  const folder = analysis.context ?? ''
  const candidates = facts.modules
    .filter(({ text }) => text.file.startsWith(folder))
    .map((module) => {
      const parts = module.text.file.slice(folder.length).split('/')
      return { module, depth: parts.length, agreement: commonTail(parts, wanted) }
    })
    .filter(({ agreement }) => agreement > 0)
    .toSorted((a, b) => b.agreement - a.agreement || a.depth - b.depth)
  const [best, second] = candidates
  const isAlone = second === undefined || best?.agreement !== second.agreement || best.depth !== second.depth
  return isAlone ? best?.module : undefined
}

/** How many parts two paths have in common at their end. */
export function commonTail(a: readonly string[], b: readonly string[]): number {
  let length = 0
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++
  return length
}

function reachableFrom(entry: PythonModule, facts: RepositoryFacts): { readonly modules: readonly PythonModule[]; readonly isWhole: boolean } {
  const byPath = new Map(facts.modules.map((module) => [module.text.file, module]))
  const context = analyse(facts)?.context?.slice(0, -1)
  const roots = [...new Set([folderOf(entry.text.file), context ?? ''])]
  const found = new Set([entry])
  const pending = [entry]
  let left = MAX_CHARACTERS
  for (const next of pending) {
    if (left <= 0) return { modules: pending.slice(0, pending.indexOf(next)), isWhole: false }
    left -= costOf(next)
    for (const imported of next.outline.imports) {
      for (const path of pathsOf(imported, next.text.file, roots)) {
        const module = byPath.get(path)
        if (module === undefined || found.has(module)) continue
        found.add(module)
        pending.push(module)
      }
    }
  }
  return { modules: [...found], isWhole: [...found].every(({ isWhole }) => isWhole) }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** Every file that an import may mean, packages on the way to it included. */
function pathsOf({ module, name }: Import, importer: string, roots: readonly string[]): readonly string[] {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0
  const parts = module
    .slice(dots)
    .split('.')
    .filter((part) => part !== '')
  const bases = dots === 0 ? roots : [importer.split('/').slice(0, -dots).join('/')]
  const names = [...parts, ...(name === undefined || name === '*' ? [] : [name])].slice(0, 16)
  return bases
    .flatMap((base) =>
      names.flatMap((_, index) => {
        const path = [...(base === '' ? [] : [base]), ...names.slice(0, index + 1)].join('/')
        return [`${path}.py`, `${path}/__init__.py`]
      }),
    )
    .concat(dots > 0 ? bases.map((base) => (base === '' ? '__init__.py' : `${base}/__init__.py`)) : [])
}
