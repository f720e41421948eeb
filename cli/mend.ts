import { isUtf8 } from 'node:buffer'

import type { Problem } from '../pipeline/problem.ts'
import { applyFixes } from '../pipeline/validate/fixes/apply-edits.ts'
import { MAX_FILE_BYTES } from '../pipeline/validate/yaml-source.ts'
import type { Edit, Fix } from '../schemas/generated/types.ts'

/** Fixes can bring others to light: as often as this all problems are found anew. Two or three times do. */
const MAX_ROUNDS = 10

/** Files as they are, and as they would be with some of them changed. */
export interface Mendable {
  /** A file's content; undefined when it is not there, or is no file. More than `limitBytes` long: only that many plus one. */
  read(file: string, limitBytes: number): Promise<Buffer | undefined>
  /** Why a file may not be changed or made; undefined: it may. */
  refusal(file: string): string | undefined
  /** Every problem, were the files such. */
  judge(files: ReadonlyMap<string, Buffer>): Promise<readonly Problem[]>
}

export interface MendedFile {
  readonly file: string
  /** Undefined: it was not there. */
  readonly before: Buffer | undefined
  readonly after: Buffer
}

export interface Mending {
  /** Sorted by name; without those that ended as they began. */
  readonly files: readonly MendedFile[]
  /** What was done, in order. */
  readonly applied: readonly Fix[]
  /** Fixes that were left out because of a file that may not be changed, and why. */
  readonly refused: readonly { readonly title: string; readonly reason: string }[]
  /** Safe fixes that were still offered when enough was enough. */
  readonly unfinished: number
}

/** Applies every safe fix, and those that come to light then, in memory. Fixes are applied whole or not at all. */
export async function mend(source: Mendable): Promise<Mending> {
  const originals = new Map<string, Buffer | undefined>()
  const texts = new Map<string, string>()
  const refused = new Map<string, string>()
  const applied: Fix[] = []
  const seen = new Set<string>()
  for (let round = 1; ; round += 1) {
    seen.add(stateOf(texts))
    const offered = safeFixes(await source.judge(contentsOf(texts))).filter((fix) => !isWritten(fix, { originals, texts }))
    const fixes = await admit(offered, source, { originals, texts, refused })
    const result = applyFixes(texts, fixes)
    const next = new Map([...texts, ...result.files])
    // A state that was there before would come again and again.
    const isDone = result.files.size === 0 || seen.has(stateOf(next))
    if (isDone || round > MAX_ROUNDS) {
      const reasons = [...refused].map(([title, reason]) => ({ title, reason }))
      return { files: changedFiles(originals, texts), applied, refused: reasons, unfinished: isDone ? 0 : fixes.length }
    }
    for (const [file, text] of result.files) texts.set(file, text)
    applied.push(...result.applied)
  }
}

function stateOf(texts: ReadonlyMap<string, string>): string {
  return JSON.stringify([...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether a fix writes a whole file anew that was written already: once more would be a second copy in it. */
function isWritten({ edits }: Fix, { originals, texts }: Pick<Draft, 'originals' | 'texts'>): boolean {
  return edits.some((edit) => isWholeFile(edit) && texts.has(edit.file) && originals.has(edit.file) && originals.get(edit.file) === undefined)
}

function isWholeFile({ line, column, endLine, endColumn }: Edit): boolean {
  return line === 1 && column === 1 && endLine === 1 && endColumn === 1
}

/** What `--fix` applies, each change once: nothing that needs a person's eye, and nothing that would only be nicer. */
export function safeFixes(problems: readonly Problem[]): readonly Fix[] {
  const safe = problems.flatMap(({ fix, severity }) => (fix?.safe === true && severity !== 'hint' ? [fix] : []))
  return [...new Map(safe.map((fix) => [keyOf(fix), fix])).values()]
}

function keyOf({ edits }: Fix): string {
  return JSON.stringify(edits)
}

interface Draft {
  readonly originals: Map<string, Buffer | undefined>
  readonly texts: Map<string, string>
  /** Title → reason. */
  readonly refused: Map<string, string>
}

/** Fixes all files of which may be changed; their texts are read. */
async function admit(fixes: readonly Fix[], source: Mendable, draft: Draft): Promise<readonly Fix[]> {
  const admitted: Fix[] = []
  for (const fix of fixes) {
    let reason: string | undefined
    for (const { file } of fix.edits) reason ??= await load(file, source, draft)
    if (reason === undefined) admitted.push(fix)
    else draft.refused.set(fix.title, reason)
  }
  return admitted
}

/** Why the file may not be changed; undefined: it may, and its text is in the draft. */
async function load(file: string, source: Mendable, { originals, texts }: Draft): Promise<string | undefined> {
  const refusal = source.refusal(file)
  if (refusal !== undefined || texts.has(file)) return refusal
  const content = await source.read(file, MAX_FILE_BYTES)
  if (content !== undefined && (content.length > MAX_FILE_BYTES || !isUtf8(content))) return `${file} is not a text in UTF-8 of at most 256 KiB`
  originals.set(file, content)
  if (content !== undefined) texts.set(file, new TextDecoder('utf-8', { ignoreBOM: true }).decode(content))
  return undefined
}

function contentsOf(texts: ReadonlyMap<string, string>): ReadonlyMap<string, Buffer> {
  return new Map([...texts].map(([file, text]) => [file, Buffer.from(text)]))
}

function changedFiles(originals: ReadonlyMap<string, Buffer | undefined>, texts: ReadonlyMap<string, string>): readonly MendedFile[] {
  const files = [...texts].map(([file, text]) => ({ file, before: originals.get(file), after: Buffer.from(text) }))
  return files.filter(({ before, after }) => before === undefined || !before.equals(after)).toSorted((a, b) => (a.file < b.file ? -1 : 1))
}
