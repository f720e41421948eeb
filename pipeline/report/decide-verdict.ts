import { worstOutcome } from '../plan.ts'
import type { Problem } from '../problem.ts'
import type { StageSummary } from '../run.ts'
import type { StageName } from '../stage.ts'
import { formatList, formatPlural } from './format-figures.ts'
import type { ReportedBundle, Verdict } from './report.ts'
import { clipText, sanitiseLine } from './sanitise-text.ts'

const SENTENCE_CHARACTERS = 300
const NAME_CHARACTERS = 120

/** What helps when a problem itself brings no suggestion. */
const NEXT: Readonly<Record<StageName, string>> = {
  validate: 'Correct the file and push again.',
  train: 'Look at the gates and the evaluation, then train again.',
  build: 'Correct the Dockerfile or what it copies, and try it alone with: ctss build',
  virtual: 'Compare what was expected with what was found, and try it alone with: ctss test',
  node: 'Compare what was expected with what was found on the node.',
  publish: 'Choose another version, or release the same content.',
  report: 'Run it again.',
}

/** The answer: what failed, where, and what to do next. It speaks of the first stage with the worst outcome. */
export function decideVerdict(name: string, stages: readonly StageSummary[], bundle: ReportedBundle | undefined): Verdict {
  const outcome = worstOutcome(stages.map((stage) => stage.outcome))
  const culprit = stages.find((stage) => stage.outcome === outcome)
  if (outcome === 'passed' || culprit === undefined) return { outcome: 'passed', ...sayPassed(name, stages, bundle) }
  return outcome === 'failed' ? { outcome, stage: culprit.stage, ...sayFailed(culprit) } : { outcome, stage: culprit.stage, ...sayError(culprit) }
}

function sayFailed({ stage, problems }: StageSummary): Pick<Verdict, 'sentence' | 'next'> {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const first = errors[0]
  if (first === undefined) return { sentence: `Failed in ${stage}`, next: NEXT[stage] }
  const others = errors.length > 1 ? ` (and ${formatPlural(errors.length - 1, 'more problem')})` : ''
  const message = clipText(sanitiseLine(first.message).replace(/\.$/, ''), SENTENCE_CHARACTERS)
  return { sentence: `Failed in ${stage}${placeOf(first)}: ${message}${others}`, next: first.suggestion ?? NEXT[stage] }
}

function placeOf({ place }: Problem): string {
  if (place === undefined) return ''
  return ` at ${clipText(sanitiseLine(place.file), NAME_CHARACTERS)}${place.line === undefined ? '' : `:${place.line}`}`
}

function sayError({ stage, reason }: StageSummary): Pick<Verdict, 'sentence' | 'next'> {
  const why = reason === undefined ? '' : `: ${clipText(sanitiseLine(reason).replace(/\.$/, ''), SENTENCE_CHARACTERS)}`
  return {
    sentence: `Could not finish ${stage}${why}`,
    next: 'This is not a fault of the repository: run it again. What is missing on this machine shows: ctss doctor',
  }
}

function sayPassed(name: string, stages: readonly StageSummary[], bundle: ReportedBundle | undefined): Pick<Verdict, 'sentence' | 'next'> {
  const clipped = clipText(name, NAME_CHARACTERS)
  const platforms = stages.flatMap(({ record }) => (record?.details.kind === 'build' ? record.details.platforms.map(({ platform }) => platform) : []))
  const on = platforms.length === 0 ? '' : ` on ${formatList(platforms)}`
  if (bundle?.state === 'release') return { sentence: `Released ${bundle.name}:${bundle.version}${on}`, next: `Pull it with: docker pull ${bundle.reference}` }
  if (bundle !== undefined)
    return {
      sentence: `Passed: ${bundle.name} ${bundle.version}${on}, ready to release`,
      next: `Tag the commit v${bundle.version.replace(/^v/, '')} to release it.`,
    }
  const passed = stages.filter(({ outcome }) => outcome === 'passed').map(({ stage }) => stage)
  if (passed.length === 0) return { sentence: `Nothing was run for ${clipped}`, next: 'Run all stages with: ctss run' }
  return { sentence: `Passed: ${clipped} through ${formatList(passed)}${on}`, next: 'Run all stages with: ctss run' }
}
