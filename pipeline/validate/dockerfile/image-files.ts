import { resolveTreePath } from '../../tree.ts'
import type { TreeEntry } from '../../ports/repository-tree.ts'
import type { RepositoryFacts } from '../rule.ts'
import { bottomOf } from './analysis.ts'
import type { Analysis } from './analysis.ts'
import { chainOf } from './build.ts'
import type { Instruction } from './instructions.ts'
import { readPipInstall } from './pip.ts'
import { expand } from './variables.ts'

/** Where a file of the image comes from. */
export type FoundFile =
  | { readonly kind: 'copied'; readonly entry: TreeEntry; readonly instruction: Instruction }
  /** A step of the build, another stage or the base may have put it there. */
  | { readonly kind: 'unknown' }
  /** Certainly nothing put it there. */
  | { readonly kind: 'missing' }

interface Copy {
  readonly instruction: Instruction
  /** Paths in the context, without slashes at either end; undefined: something that is not followed. */
  readonly sources: readonly string[] | undefined
  /** Absolute, without slash at its end. */
  readonly target: string
  readonly isFolder: boolean
}

/** The final image as far as COPY and ADD make it. */
export interface ImageFiles {
  /** Of the process that starts; undefined: not known. */
  readonly workingDirectory: string | undefined
  /** Where a file comes from. `path`: absolute, or from the working directory. */
  find(path: string): FoundFile
}

/** Programs that put no file anywhere, or only where packages go, or only where their words say. */
const HARMLESS = new Set(
  'addgroup adduser apk apt apt-get cat cd chmod chown curl dpkg echo export groupadd ldconfig ls mkdir pip pip3 printf rm sed set sleep test touch true update-alternatives useradd wget [ :'.split(
    ' ',
  ),
)

/** As long as Linux takes. */
const MAX_PATH = 4096

/** Follows the COPY and ADD of the final stage and those below it. */
export function imageFiles(facts: RepositoryFacts, analysis: Analysis): ImageFiles {
  const { context } = analysis
  const { final } = analysis.build
  const unknown: ImageFiles = { workingDirectory: undefined, find: () => ({ kind: 'unknown' }) }
  if (final === undefined || context === undefined) return unknown
  const { base } = bottomOf(final)
  const variables = analysis.variablesOf(final)
  const copies: Copy[] = []
  const runs: string[] = []
  let directory = base?.workingDirectory
  let isFollowed = true
  for (const instruction of chainOf(final)
    .toReversed()
    .flatMap(({ stage }) => stage.instructions)) {
    const { keyword, body } = instruction
    if (keyword === 'WORKDIR') directory = join(directory, valueOf(body.text, variables))
    else if (keyword === 'RUN') runs.push(body.text, ...instruction.heredocs.map(({ content }) => content.text))
    else if (keyword === 'COPY' || keyword === 'ADD') {
      const copy = readCopy(instruction, directory, variables)
      if (copy === undefined) isFollowed = false
      else copies.push(copy)
    } else if (keyword === 'ONBUILD') isFollowed = false
  }
  const run = runs.join('\n')
  const chain = new Set(chainOf(final))
  const isUnclear =
    base === undefined ||
    !isFollowed ||
    analysis.commands.some((command) => chain.has(command.built) && !HARMLESS.has(command.program) && readPipInstall(command) === undefined)
  return {
    workingDirectory: directory,
    find(path) {
      const absolute = join(directory, path)
      if (absolute === undefined) return { kind: 'unknown' }
      for (const copy of copies.toReversed()) {
        const found = findInCopy(facts, context, copy, absolute)
        if (found !== undefined) return found
      }
      const name = absolute.slice(absolute.lastIndexOf('/') + 1)
      return isUnclear || run.includes(name) ? { kind: 'unknown' } : { kind: 'missing' }
    },
  }
}

function valueOf(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  const expanded = expand(text.replaceAll(/^["']|["']$/g, ''), variables)
  return expanded === undefined || expanded.missing.length > 0 ? undefined : expanded.text
}

/** An absolute path without `.`, `..` and slashes at its end; undefined: it cannot be told. */
function join(directory: string | undefined, path: string | undefined): string | undefined {
  if (path === undefined || (!path.startsWith('/') && directory === undefined)) return undefined
  const parts: string[] = []
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  const joined = `/${parts.join('/')}`
  return joined.length > MAX_PATH ? undefined : joined
}

function readCopy(instruction: Instruction, directory: string | undefined, variables: ReadonlyMap<string, string>): Copy | undefined {
  const words = instruction.words.map(({ text }) => valueOf(text, variables))
  const written = words.at(-1)
  const target = join(directory, written)
  if (written === undefined || target === undefined) return undefined
  const sources = words.slice(0, -1)
  const isPlain = sources.every((source) => source !== undefined && !/[*?[]|^<<|^[a-z]+:\/\/|\.(?:tar|tgz|gz|bz2|xz|zst)$/i.test(source))
  const isOfContext = isPlain && !instruction.flags.some(({ name }) => ['from', 'parents', 'exclude'].includes(name))
  return {
    instruction,
    sources: isOfContext ? sources.map((source) => join('/', source)?.slice(1) ?? '') : undefined,
    target: target === '/' ? '' : target,
    isFolder: /(?:^|\/)\.{0,2}$/.test(written) || sources.length > 1,
  }
}

function findInCopy({ tree }: RepositoryFacts, context: string, { instruction, sources, target, isFolder }: Copy, path: string): FoundFile | undefined {
  if (path !== target && !path.startsWith(`${target}/`)) return undefined
  if (sources === undefined) return { kind: 'unknown' }
  for (const source of sources) {
    const found = resolveTreePath(tree, `${context}${source}` || '.')
    if (found.kind === 'folder') {
      const inner = resolveTreePath(tree, `${context}${source}/${path.slice(target.length)}`.replace(/^\/+/, ''))
      if (inner.kind === 'file') return { kind: 'copied', entry: inner.entry, instruction }
      if (inner.kind !== 'missing' && inner.kind !== 'folder') return { kind: 'unknown' }
    } else if (found.kind === 'file') {
      const name = source.slice(source.lastIndexOf('/') + 1)
      // A target without a slash at its end is a folder where something made one of it before.
      if (path === `${target}/${name}` || (path === target && !isFolder)) return { kind: 'copied', entry: found.entry, instruction }
    } else return { kind: 'unknown' }
  }
  return undefined
}
