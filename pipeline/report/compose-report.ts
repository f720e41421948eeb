import type { BuildDetails, EvaluationTest, Place, StageRecord, Subject, TrainDetails } from '../../schemas/generated/types.ts'
import { adviseOnSlowSteps } from '../build/slow-steps.ts'
import type { StageSummary } from '../run.ts'
import type { GateDecision } from '../train/gates.ts'
import { compareRelease, type Comparison } from './compare-release.ts'
import { decideVerdict } from './decide-verdict.ts'
import { listReservations } from './list-reservations.ts'
import type { GateLine, GateRow, ProfileRow, Report, ReportedProblem, ReportedTrial, ReportInput, ReportSection, StageRow, TestCategory } from './report.ts'
import { secondsOfRecord } from '../record-seconds.ts'

const GITHUB = /^(?:https:\/\/|git@)github\.com[/:]([A-Za-z0-9-]{1,39})\/([A-Za-z0-9._-]{1,100}?)(?:\.git)?\/?$/

/** The one document from the records alone. Pure: the same records give the same report, whole; the renderers shorten and escape. */
export function composeReport(input: ReportInput): Report {
  const trials = collectTrials(input.stages)
  const build = detailsOf(input.stages, 'build')
  const train = detailsOf(input.stages, 'train')
  const profile = measuredProfiles(trials)
  const comparison = compare(input, train, build, profile)
  const repositoryUrl = githubUrl(input.repositoryUrl ?? input.subject.repository)
  const sections: readonly ReportSection[] = [
    { kind: 'stages', rows: input.stages.map(stageRow) },
    { kind: 'problems', rows: collectProblems(input, repositoryUrl) },
    { kind: 'gates', rows: input.gates.filter(({ gate }) => gate !== undefined).map(gateRow), lines: gateLines(input.gates) },
    { kind: 'evaluation', metrics: train?.metrics ?? [], slices: train?.slices ?? [] },
    { kind: 'evaluation-tests', categories: groupTests(train?.tests ?? []) },
    { kind: 'trials', trials },
    { kind: 'images', platforms: build?.platforms ?? [] },
    { kind: 'slow-steps', advice: build === undefined ? [] : adviseOnSlowSteps(build) },
    { kind: 'profile', rows: profile, emulated: [...new Set(trials.filter(({ emulated }) => emulated).map(({ platform }) => platform))] },
    ...(input.baseline === undefined ? [] : [changes(input.baseline, comparison)]),
    ...(input.bundle === undefined ? [] : [{ kind: 'bundle', bundle: input.bundle } as const]),
    { kind: 'reservations', rows: listReservations(input, trials, comparison.notCompared) },
  ]
  const title = titleOf(input)
  return {
    schema: 'ctss.report/v1',
    ...title,
    subject: input.subject,
    ...(repositoryUrl !== undefined && { repositoryUrl }),
    verdict: decideVerdict(title.name, input),
    sections: sections.filter(hasContent),
    tool: { name: 'ctss', version: input.toolVersion },
  }
}

function titleOf({ stages, subject, part, bundle }: ReportInput): Pick<Report, 'name' | 'version' | 'description'> {
  const manifest = detailsOf(stages, 'validate')?.manifest
  if (manifest) return { name: `${manifest.namespace}/${manifest.name}`, version: manifest.version, description: manifest.description }
  if (bundle !== undefined) return { name: bundle.name, version: bundle.version }
  if (part?.plugin !== undefined) return { name: part.plugin }
  return {
    name:
      subject.repository
        .replace(/(?:\.git)?\/*$/, '')
        .split('/')
        .at(-1) || 'plugin',
  }
}

function hasContent(section: ReportSection): boolean {
  switch (section.kind) {
    case 'evaluation':
      return section.metrics.length + section.slices.length > 0
    case 'evaluation-tests':
      return section.categories.length > 0
    case 'trials':
      return section.trials.length > 0
    case 'images':
      return section.platforms.length > 0
    case 'slow-steps':
      return section.advice.length > 0
    case 'profile':
      return section.rows.length + section.emulated.length > 0
    case 'bundle':
      return true
    case 'stages':
    case 'problems':
    case 'gates':
    case 'changes':
    case 'reservations':
      return section.rows.length > 0
  }
}

type Details = StageRecord['details']

function detailsOf<Kind extends Details['kind']>(stages: readonly StageSummary[], kind: Kind): Extract<Details, { kind: Kind }> | undefined {
  return stages.map(({ record }) => record?.details).find((details): details is Extract<Details, { kind: Kind }> => details?.kind === kind)
}

function stageRow({ stage, outcome, ran, seconds, reason, record }: StageSummary): StageRow {
  // How long it took to find out that there is nothing to do would make every report another one.
  const row = { stage, outcome, ran, seconds: ran ? seconds : 0, ...(reason !== undefined && { reason }) }
  if (ran || record === undefined) return row
  return {
    ...row,
    reusedFrom: { commit: record.subject.commit, started: record.started, seconds: secondsOfRecord(record) },
  }
}

function collectProblems({ stages, subject }: ReportInput, repositoryUrl: string | undefined): readonly ReportedProblem[] {
  const problems = stages.flatMap(({ stage, problems: found }) =>
    found.map((problem) => ({ ...problem, stage, ...lineUrl(problem.place, subject, repositoryUrl) })),
  )
  // Hints stay in the record: a report shows what somebody must look at.
  return [...problems.filter(({ severity }) => severity === 'error'), ...problems.filter(({ severity }) => severity === 'warning')]
}

/** `https://github.com/owner/name` of any way to write a repository there; undefined for everything else. */
function githubUrl(repository: string): string | undefined {
  const [, owner, name] = GITHUB.exec(repository) ?? []
  return owner === undefined || name === undefined || /^\.+$/.test(name) ? undefined : `https://github.com/${owner}/${name}`
}

/** Lines of a dirty folder need not be those of the commit. */
function lineUrl(place: Place | undefined, { commit, dirty }: Subject, repositoryUrl: string | undefined): { url?: string } {
  if (place === undefined || commit === null || dirty || repositoryUrl === undefined) return {}
  const path = place.file.toWellFormed().split('/').map(encodePart)
  const lines = place.line === undefined ? '' : `#L${place.line}${place.endLine === undefined || place.endLine === place.line ? '' : `-L${place.endLine}`}`
  return { url: `${repositoryUrl}/blob/${commit}/${path.join('/')}${lines}` }
}

function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function gateRow({ gate, outcome, found, required, message, informational }: GateDecision): GateRow {
  const subject = gate === undefined ? 'evaluation tests' : gate.slice === undefined ? gate.metric : `${gate.metric} on ${gate.slice}`
  return { subject, outcome, found, required, message, informational: informational ?? false }
}

/** A gate with two bounds is decided twice, and drawn once. */
function gateLines(decisions: readonly GateDecision[]): readonly GateLine[] {
  const gates = new Set(decisions.flatMap(({ gate }) => gate ?? []))
  return [...gates].flatMap(({ metric, slice, min, max }): readonly GateLine[] => {
    const base = { metric, ...(slice !== undefined && { slice }) }
    return [
      ...(min === undefined ? [] : [{ ...base, bound: 'min' as const, value: min }]),
      ...(max === undefined ? [] : [{ ...base, bound: 'max' as const, value: max }]),
    ]
  })
}

function groupTests(tests: readonly EvaluationTest[]): readonly TestCategory[] {
  return [...Map.groupBy(tests, ({ category }) => category)].map(([category, members]) => ({
    category,
    passed: members.filter(({ outcome }) => outcome === 'passed').length,
    total: members.length,
    seconds: members.reduce((sum, { seconds }) => sum + seconds, 0),
    failed: members.filter(({ outcome }) => outcome !== 'passed'),
  }))
}

function collectTrials(stages: readonly StageSummary[]): readonly ReportedTrial[] {
  return stages
    .flatMap(({ record }) => (record?.details.kind === 'virtual' ? record.details : []))
    .flatMap(({ testbed, trials }) => trials.map((trial) => ({ ...trial, testbed })))
}

/** Emulation says nothing about speed or memory, so its figures never get here. */
function measuredProfiles(trials: readonly ReportedTrial[]): readonly ProfileRow[] {
  return trials.flatMap(({ name, platform, emulated, profile }) => {
    if (profile === undefined || emulated || profile.environment.emulated) return []
    return [{ trial: name, platform, ...(profile.environment.cpu !== undefined && { cpu: profile.environment.cpu }), metrics: profile.metrics }]
  })
}

function compare(input: ReportInput, train: TrainDetails | undefined, build: BuildDetails | undefined, profile: readonly ProfileRow[]): Comparison {
  if (input.baseline === undefined) return { rows: [], notCompared: [] }
  return compareRelease({ metrics: train?.metrics ?? [], slices: train?.slices ?? [], profile, platforms: build?.platforms ?? [] }, input.baseline)
}

function changes({ name, version, digest }: NonNullable<ReportInput['baseline']>, { rows }: Comparison): ReportSection {
  return { kind: 'changes', release: { name, version, digest }, rows }
}
