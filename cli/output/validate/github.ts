import { annotation, escapeData, printableLines } from '../../../pipeline/annotation.ts'
import { printablePath } from '../printable-path.ts'
import { count } from './human.ts'
import type { LoadNames, ReportWriter, ShownReport } from './report-writer.ts'

/** GitHub workflow commands: each problem becomes an annotation at its line. */
export function githubWriter(loadNames: LoadNames): ReportWriter {
  return {
    showsLines: false,
    begin: () => '',
    async report(report) {
      const nameOf = await loadNames()
      return [
        ...report.problems.map((problem) => annotation(problem, { file: report.path, shownPath: report.shownPath, name: nameOf(problem.code) })),
        verdictLine(report),
        '',
      ].join('\n')
    },
    failure: (_place, message) => `::error::${escapeData(printableLines(message))}\n`,
    end: () => '',
  }
}

/** A line of the log that cannot be taken for a command, whatever the path is: those begin with `::`, and `printable` breaks old ones. */
function verdictLine(report: ShownReport): string {
  const { path, verdict, isJudged, failed, problems } = report
  const answers = isJudged ? `the Portal: ${verdict.portal}, POST /submit: ${verdict.submitted}` : 'not judged'
  return `ctss: ${printablePath(report.shownPath(path))}: ${failed ? 'not valid' : 'valid'}, ${count(problems.length, 'problem')}; ${answers}`
}
