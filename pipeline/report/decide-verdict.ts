import { worstOutcome } from '../plan.ts'
import type { Problem } from '../problem.ts'
import type { StageSummary } from '../run.ts'
import type { StageName } from '../stage.ts'
import { formatList, formatPlural } from './format-figures.ts'
import type { ReportedBundle, ReportInput, Verdict } from './report.ts'
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

const AGAIN = 'run it again. What is missing on this machine shows: ctss doctor'
const PART_AGAIN = 'run the failed jobs again.'

/** The answer: what failed, where, and what to do next. It speaks of the first stage with the worst outcome. */
export function decideVerdict(name: string, { stages, bundle, part }: Pick<ReportInput, 'stages' | 'bundle' | 'part'>): Verdict {
  const outcome = worstOutcome(stages.map((stage) => stage.outcome))
  const culprit = stages.find((stage) => stage.outcome === outcome)
  if (outcome === 'passed' || culprit === undefined)
    return { outcome: 'passed', ...(part === undefined ? sayPassed(name, stages, bundle) : sayPartPassed(name, stages)) }
  if (outcome === 'failed') return { outcome, stage: culprit.stage, ...sayFailed(culprit) }
  return {
    outcome,
    stage: culprit.stage,
    sentence: sayError(culprit),
    next: `This is not a fault of the repository: ${part === undefined ? AGAIN : PART_AGAIN}`,
  }
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

function sayError({ stage, reason }: StageSummary): string {
  return `Could not finish ${stage}${reason === undefined ? '' : `: ${clipText(sanitiseLine(reason).replace(/\.$/, ''), SENTENCE_CHARACTERS)}`}`
}

function sayPassed(name: string, stages: readonly StageSummary[], bundle: ReportedBundle | undefined): Pick<Verdict, 'sentence' | 'next'> {
  const clipped = clipText(name, NAME_CHARACTERS)
  const on = platformsOf(stages)
  if (bundle?.state === 'release') return { sentence: `Released ${bundle.name}:${bundle.version}${on}`, next: `Pull it with: docker pull ${bundle.reference}` }
  if (bundle !== undefined)
    return {
      sentence: `Passed: ${bundle.name} ${bundle.version}${on}, ready to release`,
      next: `Tag the commit v${bundle.version.replace(/^v/, '')} to release it.`,
    }
  const passed = passedOf(stages)
  if (passed.length === 0) return { sentence: `Nothing was run for ${clipped}`, next: 'Run all stages with: ctss run' }
  return { sentence: `Passed: ${clipped} through ${formatList(passed)}${on}`, next: 'Run all stages with: ctss run' }
}

function sayPartPassed(name: string, stages: readonly StageSummary[]): Pick<Verdict, 'sentence' | 'next'> {
  const passed = passedOf(stages)
  const done = passed.length === 0 ? `Skipped: ${formatList(stages.map(({ stage }) => stage))}` : `Passed: ${formatList(passed)}`
  return {
    sentence: `${done} of ${clipText(name, NAME_CHARACTERS)}${platformsOf(stages)}`,
    next: 'Nothing to do here: the report of the run shows all of its stages.',
  }
}

function passedOf(stages: readonly StageSummary[]): readonly StageName[] {
  return stages.filter(({ outcome }) => outcome === 'passed').map(({ stage }) => stage)
}

function platformsOf(stages: readonly StageSummary[]): string {
  const platforms = stages.flatMap(({ record }) => (record?.details.kind === 'build' ? record.details.platforms.map(({ platform }) => platform) : []))
  return platforms.length === 0 ? '' : ` on ${formatList(platforms)}`
}
