import type { Problem } from '../problem.ts'
import { formatPlural } from '../report/format-figures.ts'
import type { TrustDecision } from './decide-trust.ts'
import type { JudgedPlugin } from './plugin-verdict.ts'
import { sayPath, sayText } from './say.ts'
import type { StageStatus } from './stage-status.ts'
import type { RefWorld } from './world.ts'

/** Of a check's title: GitHub shows one line. */
export const TITLE_CHARACTERS = 200
/** GitHub takes 65,535 characters of summary. */
const SUMMARY_CHARACTERS = 60_000
const LISTED_PROBLEMS = 20
const MESSAGE_CHARACTERS = 500

const SIGNS = { success: '✅', failure: '❌', neutral: '➖', skipped: '➖', cancelled: '🚫', timed_out: '⏱️', action_required: '✋' } as const

/** A paragraph each, as many as fit; never empty, because GitHub wants a summary. */
export function joinParagraphs(paragraphs: readonly string[], otherwise: string): string {
  const kept: string[] = []
  let length = 0
  for (const paragraph of paragraphs) {
    if (paragraph === '') continue
    length += paragraph.length + 2
    if (length > SUMMARY_CHARACTERS) {
      kept.push('The rest is left out.')
      break
    }
    kept.push(paragraph)
  }
  return kept.length === 0 ? sayText(otherwise, TITLE_CHARACTERS) : kept.join('\n\n')
}

/** What concerns the whole repository: permissions that are lacking, who has approved, what is waited for. */
export function sayNotes(world: RefWorld, judged: readonly JudgedPlugin[], trust: TrustDecision): readonly string[] {
  const { installation } = world.repository
  const lacking = installation.kind === 'installed' ? installation.lacking : []
  const holds = new Set(
    judged.flatMap(({ runs }) => [
      ...(runs.hold !== undefined && runs.created === undefined && runs.end === undefined ? [runs.hold.reason] : []),
      ...(runs.waits === undefined ? [] : [runs.waits]),
    ]),
  )
  return [
    ...(lacking.length === 0
      ? []
      : [
          `The app lacks permissions that it needs here: ${lacking.map((permission) => sayText(permission, 60)).join(', ')}. An owner grants them on the app's page under Settings, GitHub Apps.`,
        ]),
    ...(trust.kind === 'approved' ? [`Approved by ${sayText(trust.by, 80)}. It runs apart from trusted runs, and publishes nothing.`] : []),
    ...holds,
    ...(world.refused ?? []).map(({ sentence }) => `GitHub refused something that ctss does here: ${sayText(sentence, 1000)}`),
  ]
}

/** A table of a plugin's stages; with its name and verdict above where it is one of many. */
export function stageTable({ runs: { plugin }, statuses, verdict }: JudgedPlugin, isOneOfMany: boolean): string {
  const heading = isOneOfMany ? [`### ${sayPath(plugin.path === '' ? '.' : plugin.path)}`, '', sayText(verdict.sentence, TITLE_CHARACTERS), ''] : []
  return [
    ...heading,
    '| stage | |',
    '|---|---|',
    ...statuses.map((status) => `| ${status.stage} | ${sign(status)} ${sayText(status.title, TITLE_CHARACTERS)} |`),
  ].join('\n')
}

function sign({ state }: StageStatus): string {
  return state.status === 'completed' ? SIGNS[state.conclusion] : state.status === 'queued' ? '🕓' : '▶️'
}

/** Problems that no annotation shows. */
export function listProblems(problems: readonly Problem[]): readonly string[] {
  if (problems.length === 0) return []
  const listed = problems.slice(0, LISTED_PROBLEMS).map(({ code, severity, message, suggestion, place }) => {
    const where = place === undefined ? '' : ` in ${sayPath(place.file)}`
    return `- ${severity} ${sayText(code, 60)}${where}: ${sayText(message, MESSAGE_CHARACTERS)}${suggestion === undefined ? '' : ` ${sayText(suggestion, MESSAGE_CHARACTERS)}`}`
  })
  const more = problems.length - listed.length
  return [[...listed, ...(more > 0 ? [`- and ${formatPlural(more, 'more', 'more')}`] : [])].join('\n')]
}

/** How many problems there was no room for. */
export function sayRest(rest: number): string {
  return rest === 0 ? '' : `${formatPlural(rest, 'more problem')} at lines that are not shown.`
}
