import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'

import { MAX_FILE_BYTES } from '../../../pipeline/validate/yaml-source.ts'
import type { ManifestReport } from '../../../pipeline/validate/judge-repository.ts'
import { FILE_IS_BINARY, FILE_TOO_LARGE } from '../../../pipeline/validate/rules/reading-rules.ts'
import { safeFixes } from '../../mend.ts'
import type { Mendable } from '../../mend.ts'
import type { ShownReport } from './report-writer.ts'

/** Where a report comes from. */
export interface ReportOrigin {
  readonly place: string
  readonly kind: 'file' | 'folder' | 'url'
}

export interface ShowOptions {
  readonly strict: boolean
  /** Whether the lines that problems stand in are read. */
  readonly showsLines: boolean
  readonly source: Pick<Mendable, 'read' | 'refusal'>
}

const NOT_JUDGED: ReadonlySet<string> = new Set([FILE_TOO_LARGE.code, FILE_IS_BINARY.code])

/** A report with what is needed to show it. */
export async function showReport(report: ManifestReport, origin: ReportOrigin, { strict, showsLines, source }: ShowOptions): Promise<ShownReport> {
  const { path, verdict, problems } = report
  const lines = new Map<string, readonly string[]>()
  for (const file of showsLines ? new Set(problems.flatMap(({ place }) => place?.file ?? [])) : []) {
    const content = await source.read(file, MAX_FILE_BYTES)
    if (content !== undefined && content.length <= MAX_FILE_BYTES) lines.set(file, splitLines(new TextDecoder('utf-8', { ignoreBOM: true }).decode(content)))
  }
  return {
    path,
    verdict,
    problems,
    isJudged: !problems.some(({ code }) => NOT_JUDGED.has(code)),
    isPortals: isPortals(path, origin),
    fixes: origin.kind === 'url' ? 0 : safeFixes(problems).filter(({ edits }) => edits.every(({ file }) => source.refusal(file) === undefined)).length,
    failed: problems.some(({ severity }) => severity === 'error' || (strict && severity === 'warning')),
    place: origin.place,
    shownPath: (file) => shownPath(file, origin),
    distinctPath: (file) => distinctPath(file, origin),
    linesOf: (file) => lines.get(file),
  }
}

/** As places count them (`pipeline/validate/text-file.ts`). */
function splitLines(text: string): readonly string[] {
  return text.split(/\r\n|\n|\r/)
}

/** From the current folder where it lies below it, else from the root; of a clone, inside of it. */
export function shownPath(file: string, { place, kind }: ReportOrigin): string {
  if (kind === 'url') return file
  const path = kind === 'file' ? resolve(file) : resolve(place, file)
  const inside = relative(process.cwd(), path)
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? path : inside
}

/** Whether the Portal fetches this file. A folder without Git, and a file outside of it, count as what they will be: a repository, and its root's. */
function isPortals(file: string, { place, kind }: ReportOrigin): boolean {
  if (kind === 'url') return file === 'sage.yaml'
  const path = kind === 'file' ? resolve(file) : resolve(place, file)
  if (basename(path) !== 'sage.yaml') return false
  const root = repositoryOf(dirname(path))
  return root === undefined ? kind === 'file' || file === 'sage.yaml' : root === dirname(path)
}

function repositoryOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder
  return dirname(folder) === folder ? undefined : repositoryOf(dirname(folder))
}

/**
 * As a patch names it: from the current folder; what lies elsewhere from the root, so that it cannot be taken for another file; of a clone, inside of it.
 * `isNew`: the patch makes the file.
 */
export function patchPath(file: string, origin: ReportOrigin, isNew = false): string {
  const path = shownPath(file, origin).replace(/^\//, '')
  return '/'.repeat(guessedStrip(path, isNew) - 1) + path
}

/**
 * How many parts of a name `git apply` strips in a folder of a repository where no `-p1` tells it: it takes those that are the folder's own path for such
 * (git apply.c, guess_p_value). As many slashes more make it right again: it counts each, while `patch` counts several in a row as one.
 */
function guessedStrip(path: string, isNew: boolean): number {
  const root = repositoryOf(process.cwd())
  const prefix = root === undefined ? '' : relative(root, process.cwd())
  if (prefix === '') return 1
  const depth = prefix.split(sep).length
  const guess = (side: string): number | undefined =>
    `${side}/${path}`.startsWith(`${prefix}/`) ? depth : path.startsWith(`${prefix}/`) ? depth + 1 : undefined
  const [before, after] = [isNew ? undefined : guess('a'), guess('b')]
  return after !== undefined && (before ?? after) === after ? after : 1
}

/** A line of a patch, which its readers skip, that says where it belongs; '': to the current folder. */
export function patchNote(files: readonly string[], origin: ReportOrigin): string {
  if (files.length === 0) return ''
  if (origin.kind === 'url') return '# of a repository elsewhere: apply with patch -p1 in a clone of it\n'
  return files.some((file) => shownPath(file, origin).startsWith('/')) ? '# outside of the working directory: apply with patch -p1 -d /\n' : ''
}

function distinctPath(file: string, { place, kind }: ReportOrigin): string {
  if (kind === 'file') return file
  return kind === 'url' ? `${place.replace(/\/+$/, '')}/${file}` : join(place, file)
}
