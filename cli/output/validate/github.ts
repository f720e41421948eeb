import type { Problem } from '../../../pipeline/problem.ts'
import { printable } from '../output.ts'
import { printablePath } from '../printable-path.ts'
import { count } from './human.ts'
import type { LoadNames, NameOf, ReportWriter, ShownReport } from './report-writer.ts'

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-a-notice-message */
const COMMANDS = { error: 'error', warning: 'warning', hint: 'notice' } as const

/** GitHub workflow commands: each problem becomes an annotation at its line. */
export function githubWriter(loadNames: LoadNames): ReportWriter {
  return {
    showsLines: false,
    begin: () => '',
    async report(report) {
      const nameOf = await loadNames()
      return [...report.problems.map((problem) => command(problem, report, nameOf)), verdictLine(report), ''].join('\n')
    },
    failure: (_place, message) => `::error::${escapeData(readable(message))}\n`,
    end: () => '',
  }
}

function command({ code, severity, message, suggestion, place }: Problem, report: ShownReport, nameOf: NameOf): string {
  const { file = report.path, line, column, endLine, endColumn } = place ?? {}
  // GitHub ignores columns of a range over several lines, and complains.
  const isOneLine = endLine === undefined || endLine === line
  const properties: readonly (readonly [string, string | number | undefined])[] = [
    ['file', report.shownPath(file)],
    ['line', line],
    ['endLine', endLine],
    ['col', isOneLine ? column : undefined],
    ['endColumn', isOneLine ? endColumn : undefined],
    ['title', [code, nameOf(code)].filter(Boolean).join(' ')],
  ]
  const written = properties.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${escapeProperty(String(value))}`]))
  return `::${COMMANDS[severity]} ${written.join(',')}::${escapeData(readable(suggestion === undefined ? message : `${message}\n${suggestion}`))}`
}

function readable(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** A line of the log that cannot be taken for a command, whatever the path is: those begin with `::`, and `printable` breaks old ones. */
function verdictLine(report: ShownReport): string {
  const { path, verdict, isJudged, failed, problems } = report
  const answers = isJudged ? `the Portal: ${verdict.portal}, POST /submit: ${verdict.submitted}` : 'not judged'
  return `ctss: ${printablePath(report.shownPath(path))}: ${failed ? 'not valid' : 'valid'}, ${count(problems.length, 'problem')}; ${answers}`
}

/** As the runner unescapes (actions/runner ActionCommand.cs, _escapeDataMappings). */
export function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** As the runner unescapes (actions/runner ActionCommand.cs, _escapePropertyMappings). */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
