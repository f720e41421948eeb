import type { StageSummary } from '../run.ts'
import { formatList } from './format-figures.ts'
import type { ReportedTrial, ReportInput, Reservation } from './report.ts'

/** What was emulated, sampled, a stand-in, open to the internet, unclean, skipped or not comparable: in one place, so that nobody has to search for it. */
export function listReservations(input: ReportInput, trials: readonly ReportedTrial[], notCompared: readonly string[]): readonly Reservation[] {
  return [
    ...emulated(trials),
    ...standIns(input),
    ...sampled(trials),
    ...openNetworks(trials),
    ...dirty(input),
    ...notCompared.map((text): Reservation => ({ kind: 'not-compared', text: `Performance is not compared on ${text}.` })),
    ...input.stages.filter(({ outcome }) => outcome === 'skipped').map(skipped),
  ]
}

function emulated(trials: readonly ReportedTrial[]): readonly Reservation[] {
  const platforms = [...new Set(trials.filter((trial) => trial.emulated).map(({ platform }) => platform))]
  if (platforms.length === 0) return []
  return [
    {
      kind: 'emulated',
      text: `Trials on ${formatList(platforms)} ran under emulation: they show that the plugin is correct there, and nothing about its speed or memory.`,
    },
  ]
}

function standIns({ stages, standIns: given = [] }: ReportInput): readonly Reservation[] {
  const recorded = stages.flatMap(({ record }) => [
    ...(record?.environment.standIns ?? []),
    ...(record?.details.kind === 'build' ? (record.details.bases ?? []).filter(({ standIn }) => standIn).map(({ image }) => image) : []),
  ])
  const images = [...new Set([...given, ...recorded])]
  if (images.length === 0) return []
  return [
    { kind: 'stand-in', text: `Stand-ins made from Debian's packages took the place of the base images ${formatList(images)}: Docker Hub did not answer.` },
  ]
}

function sampled(trials: readonly ReportedTrial[]): readonly Reservation[] {
  const figures = new Set(
    trials.flatMap(({ profile }) =>
      Object.entries(profile?.metrics ?? {})
        .filter(([, { source }]) => source === 'sampled')
        .map(([name]) => name),
    ),
  )
  if (figures.size === 0) return []
  return [{ kind: 'sampled', text: `Sampled figures, where no kernel counter could be read, may miss short peaks: ${formatList([...figures].toSorted())}.` }]
}

function openNetworks(trials: readonly ReportedTrial[]): readonly Reservation[] {
  const names = [...new Set(trials.filter(({ network }) => network === 'open').map(({ name }) => name))]
  return names.length === 0
    ? []
    : [{ kind: 'network-open', text: `These trials could reach the internet, as a plugin on a node may not: ${formatList(names)}.` }]
}

function dirty({ subject }: ReportInput): readonly Reservation[] {
  if (!subject.dirty) return []
  return [
    {
      kind: 'dirty',
      text:
        subject.commit === null
          ? 'The folder is no Git commit, so nobody else can get the same content by name.'
          : 'The folder differs from its commit, so lines are not linked and it cannot be released.',
    },
  ]
}

function skipped({ stage, reason }: StageSummary): Reservation {
  return { kind: 'skipped', text: `${stage} was skipped${reason === undefined ? '.' : `: ${reason}`}` }
}
