import { printable } from './printable.ts'
import type { Problem } from './problem.ts'

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-a-notice-message */
const COMMANDS = { error: 'error', warning: 'warning', hint: 'notice' } as const

export interface AnnotationOptions {
  /** Where a problem without a place is shown. */
  readonly file?: string
  /** A path of the repository as GitHub shall see it; absent: as it is. */
  readonly shownPath?: (path: string) => string
  /** Name of the rule, for the title. */
  readonly name?: string | undefined
}

/** A problem as a workflow command, which GitHub shows at its line. Without a line end. */
export function annotation(
  { code, severity, message, suggestion, place }: Problem,
  { file, shownPath = (path) => path, name }: AnnotationOptions = {},
): string {
  const { line, column, endLine, endColumn } = place ?? {}
  const path = place?.file ?? file
  // GitHub ignores columns of a range over several lines, and complains.
  const isOneLine = endLine === undefined || endLine === line
  const properties: readonly (readonly [string, string | number | undefined])[] = [
    ['file', path === undefined ? undefined : shownPath(path)],
    ['line', line],
    ['endLine', endLine],
    ['col', isOneLine ? column : undefined],
    ['endColumn', isOneLine ? endColumn : undefined],
    ['title', [code, name].filter(Boolean).join(' ')],
  ]
  const written = properties.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`]))
  return `::${COMMANDS[severity]} ${written.join(',')}::${escapeData(printableLines(suggestion === undefined ? message : `${message}\n${suggestion}`))}`
}

/** Every line made safe for a log. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** As the runner unescapes (actions/runner ActionCommand.cs, _escapeDataMappings). */
export function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** As the runner unescapes (actions/runner ActionCommand.cs, _escapePropertyMappings). */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
