import type { Problem, RunOutput } from '../../schemas/generated/types.ts'
import type { StageSummary } from '../../pipeline/run.ts'
import { duration, printable } from '../../pipeline/printable.ts'

const MARKS: Readonly<Record<StageSummary['outcome'], string>> = { passed: '✔', failed: '✖', error: '⚠', skipped: '·' }
const DETAIL_LINES = 20

/** A problem as lines: place, what is wrong, what to do next, and the end of its detail. */
export function describeProblem({ severity, code, message, suggestion, detail, place }: Problem): string {
  const where = place === undefined ? '' : `${printable([place.file, place.line, place.column].filter((part) => part !== undefined).join(':'))}: `
  const lines = [`${where}${severity}: ${printable(message)} [${code}]`]
  if (suggestion !== undefined) lines.push(...suggestion.split('\n').map((line) => `    → ${printable(line)}`))
  if (detail !== undefined)
    lines.push(
      ...detail
        .trimEnd()
        .split('\n')
        .slice(-DETAIL_LINES)
        .map((line) => `    | ${printable(line)}`),
    )
  return lines.join('\n')
}

/** The end of a run for a person: a line per stage, every problem, the bundle, the report. */
export function describeRun(summaries: readonly StageSummary[], output: RunOutput): string {
  const lines = summaries.map(({ stage, outcome, ran, seconds, reason }) => {
    const how = outcome === 'skipped' || outcome === 'error' ? (reason ?? '') : ran ? duration(seconds) : (reason ?? 'reused')
    return `${MARKS[outcome]} ${stage.padEnd(9)} ${outcome.padEnd(8)} ${printable(how)}`
  })
  // Hints are for `ctss validate`: here they would bury what matters.
  const problems = summaries.flatMap((summary) => summary.problems).filter(({ severity }) => severity !== 'hint')
  return [
    '',
    ...lines,
    ...(problems.length > 0 ? ['', ...problems.map((problem) => describeProblem(problem))] : []),
    ...(output.bundle === null ? [] : ['', `bundle  ${output.bundle.name} ${output.bundle.version}  ${output.bundle.digest}`]),
    ...(output.report === null ? [] : ['', `report  ${output.report.html}`, `        ${output.report.markdown}`]),
    '',
  ].join('\n')
}
