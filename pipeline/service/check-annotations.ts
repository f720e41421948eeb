import type { Problem } from '../problem.ts'
import { clipText, sanitiseLine, sanitiseText } from '../report/sanitise-text.ts'
import { tidyProblems } from '../validate/problem-list.ts'
import { RULE_DOCUMENTS } from '../validate/rules/rules.ts'
import type { CheckAnnotation } from './action.ts'

/** Four requests of 50; more nobody reads. */
const MOST_ANNOTATIONS = 200
/** GitHub takes 64 KB of message and 255 characters of title (docs.github.com, REST "Check runs"). */
const MESSAGE_BYTES = 60_000
const TITLE_CHARACTERS = 255
const PATH_CHARACTERS = 1024
const LEVELS = { error: 'failure', warning: 'warning', hint: 'notice' } as const
const RULE_NAMES: ReadonlyMap<string, string> = new Map(RULE_DOCUMENTS.map(({ code, name }) => [code, name]))

/** Problems of a plugin at their lines. */
export interface AnnotatedProblems {
  /** The most important first. */
  readonly annotations: readonly CheckAnnotation[]
  /** Those that stand nowhere, or at a path that is none of the repository. */
  readonly unplaced: readonly Problem[]
  /** That were left out. */
  readonly rest: number
}

const NONE: AnnotatedProblems = { annotations: [], unplaced: [], rest: 0 }

/** Problems as annotations: most important first, in the repository's paths, within GitHub's limits. */
export function annotateProblems(problems: readonly Problem[], folder: string): AnnotatedProblems {
  if (problems.length === 0) return NONE
  const sorted = tidyProblems(problems, Infinity)
  const annotations: CheckAnnotation[] = []
  const unplaced: Problem[] = []
  let rest = 0
  for (const problem of sorted) {
    const path = problem.place && pathInRepository(folder, problem.place.file)
    if (path === undefined) unplaced.push(problem)
    else if (annotations.length < MOST_ANNOTATIONS) annotations.push(annotate(problem, path))
    else rest += 1
  }
  return { annotations, unplaced, rest }
}

/** A path below a folder of the repository as the repository has it; undefined: it leads out of it, or is none. */
export function pathInRepository(folder: string, file: string): string | undefined {
  const path = folder === '' ? file : `${folder}/${file}`
  const isSafe = path.length <= PATH_CHARACTERS && path === sanitiseLine(path) && !path.includes('\\')
  return isSafe && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') ? path : undefined
}

function annotate(problem: Problem, path: string): CheckAnnotation {
  const { place, severity } = problem
  const startLine = atLeastOne(place?.line)
  const endLine = Math.max(startLine, atLeastOne(place?.endLine))
  return {
    path,
    startLine,
    endLine,
    ...(startLine === endLine && columnsOf(problem)),
    level: LEVELS[severity],
    title: titleOf(problem),
    message: messageOf(problem),
  }
}

function columnsOf({ place }: Problem): Pick<CheckAnnotation, 'startColumn' | 'endColumn'> {
  if (place?.column === undefined) return {}
  const startColumn = atLeastOne(place.column)
  return { startColumn, endColumn: Math.max(startColumn, atLeastOne(place.endColumn)) }
}

function atLeastOne(value: number | undefined): number {
  return value === undefined || !Number.isSafeInteger(value) ? 1 : Math.max(1, value)
}

function titleOf({ code }: Problem): string {
  return clipText(sanitiseLine([code, RULE_NAMES.get(code)].filter(Boolean).join(' ')), TITLE_CHARACTERS)
}

/** Shown as plain text. */
function messageOf({ message, suggestion, detail }: Problem): string {
  const text = sanitiseText([message, suggestion, detail].filter(Boolean).join('\n\n'))
  return clipBytes(text.trim() === '' ? '(no message)' : text, MESSAGE_BYTES)
}

/** Cut between characters; a character of UTF-16 has at most three bytes in UTF-8. */
function clipBytes(text: string, bytes: number): string {
  return text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes ? text : clipText(text, Math.floor(bytes / 3))
}
