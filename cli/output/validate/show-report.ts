import { basename, join, relative, resolve, sep } from 'node:path'

import { MAX_FILE_BYTES } from '../../../pipeline/validate/yaml-source.ts'
import type { ManifestReport } from '../../../pipeline/validate/judge-repository.ts'
import type { Mendable } from '../../mend.ts'
import type { ShownReport } from './report-writer.ts'

/** Where a report comes from. */
export interface ReportOrigin {
  readonly place: string
  readonly kind: 'file' | 'folder' | 'url'
}

export interface ShowOptions {
  readonly strict: boolean
  /** Reads the files that problems stand in. */
  readonly source: Pick<Mendable, 'read'> | undefined
}

/** A report with what is needed to show it. */
export async function showReport(report: ManifestReport, origin: ReportOrigin, { strict, source }: ShowOptions): Promise<ShownReport> {
  const { path, verdict, problems } = report
  const lines = new Map<string, readonly string[]>()
  for (const file of source === undefined ? [] : new Set(problems.flatMap(({ place }) => place?.file ?? []))) {
    const content = await source?.read(file, MAX_FILE_BYTES)
    if (content !== undefined && content.length <= MAX_FILE_BYTES) lines.set(file, splitLines(new TextDecoder('utf-8', { ignoreBOM: true }).decode(content)))
  }
  return {
    path,
    verdict,
    problems,
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

/** As a patch names it: from the current folder; of what lies elsewhere, from its repository's root, or the file's name. */
export function patchPath(file: string, origin: ReportOrigin): string {
  const path = shownPath(file, origin)
  if (!path.startsWith('/')) return path
  return origin.kind === 'file' ? basename(file) : file
}

function distinctPath(file: string, { place, kind }: ReportOrigin): string {
  if (kind === 'file') return file
  return kind === 'url' ? `${place.replace(/\/+$/, '')}/${file}` : join(place, file)
}
