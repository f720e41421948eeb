import type { StageSummary } from '../../pipeline/run.ts'
import type { TestOutput } from '../../schemas/generated/types.ts'
import { printable } from '../../pipeline/printable.ts'
import { describeProblem } from './result.ts'

type Trial = TestOutput['trials'][number]

/** The end of `ctss test` for a person: each trial with what it published and what was expected; what went wrong before; the verdict. */
export function describeTest({ trials, problems = [] }: TestOutput, stages: readonly StageSummary[]): string {
  const stopped = stages.filter(({ outcome, reason }) => outcome === 'skipped' && reason?.includes('did not pass'))
  return [
    '',
    ...problems.map((problem) => describeProblem(problem)),
    ...trials.map((trial) => describeTrial(trial)),
    ...stopped.map(({ stage, reason }) => `${stage}: skipped: ${printable(reason ?? '')}`),
    '',
  ].join('\n')
}

function describeTrial({ name, platform, outcome, ending, emulated = false, exitCode, messages, total, uploads, expectations, problems }: Trial): string {
  const counts = Map.groupBy(messages, (message) => message.name)
  const more = total > messages.length ? ` (the first ${messages.length} are counted)` : ''
  return [
    `${outcome === 'passed' ? '✔' : '✖'} ${name} on ${platform}${emulated ? ' (emulated)' : ''}: ${outcome}; ${ending}${exitCode === null ? '' : ` with ${exitCode}`}, ${total} messages${more}, ${uploads.length} uploads`,
    ...[...counts].map(
      ([measurement, found]) => `    ${String(found.length).padStart(5)} × ${printable(measurement)}, last ${printable(String(found.at(-1)?.value))}`,
    ),
    ...expectations.map(
      (expectation) =>
        `    ${expectation.outcome === 'passed' ? '✔' : '✖'} ${printable(expectation.expected)}${expectation.outcome === 'passed' ? '' : `; found ${printable(expectation.found)}`}`,
    ),
    ...problems.map((problem) => describeProblem(problem).replaceAll(/^/gm, '    ')),
  ].join('\n')
}
