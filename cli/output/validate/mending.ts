import type { Mending } from '../../mend.ts'
import { printable } from '../../../pipeline/printable.ts'
import { printablePath } from '../printable-path.ts'
import { count } from './human.ts'
import { shownPath } from './show-report.ts'
import type { ReportOrigin } from './show-report.ts'

/** What was done, or would be, line by line; '' when there was nothing to do. */
export function describeMending({ files, applied, refused, unfinished }: Mending, origin: ReportOrigin, done: 'fixed' | 'would be fixed'): string {
  const where = (file: string): string => printablePath(shownPath(file, origin))
  const lines = applied.map(({ title, edits }) => `${[...new Set(edits.map(({ file }) => where(file)))].join(', ')}: ${done}: ${printable(title)}`)
  const left = refused.map(({ title, reason }) => `not fixed: ${printable(title)}: ${printable(reason)}`)
  const total = applied.length === 0 ? [] : [`${count(applied.length, 'fix', 'fixes')} in ${count(files.length, 'file')}.`]
  const rest = unfinished === 0 ? [] : [`${count(unfinished, 'fix', 'fixes')} left: they undo each other. Please report it.`]
  return [...lines, ...left, ...total, ...rest].map((line) => `${line}\n`).join('')
}
