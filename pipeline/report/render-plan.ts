import type { RunPlan } from '../../schemas/generated/types.ts'
import { escapeMarkdown, markdownCode } from './escape-markdown.ts'
import { clipText, sanitiseLine } from './sanitise-text.ts'

const SIGNS = { run: '▶️', reuse: '♻️', skip: '➖' } as const
const REASON_CHARACTERS = 300

/** A plan as GitHub Flavoured Markdown: what becomes of each stage, where, and why. */
export function renderPlan({ name, subject, trust, stages, platforms }: RunPlan): string {
  const runs = stages.filter(({ kind }) => kind === 'run').map(({ stage }) => stage)
  const title = runs.length === 0 ? 'Nothing runs: nothing has changed, or nothing can' : `Runs ${runs.join(', ')}`
  return [
    `### ${SIGNS[runs.length === 0 ? 'reuse' : 'run']} ${title}`,
    `<sub>${escapeMarkdown(clipText(sanitiseLine(name ?? 'a repository without a manifest'), 200))}${subject.commit === null ? '' : ` · ${markdownCode(subject.commit.slice(0, 7))}`} · ${trust}</sub>`,
    ['| stage | | why | runner |', '|:--|:--|:--|:--|', ...stages.map(stageRow)].join('\n'),
    ...(platforms.length === 0 ? [] : [['| platform | build | runner |', '|:--|:--|:--|', ...platforms.map(platformRow)].join('\n')]),
  ].join('\n\n')
}

function stageRow({ stage, kind, reason, record, runner }: RunPlan['stages'][number]): string {
  const from = record?.subject.commit == null ? '' : `, from commit ${record.subject.commit.slice(0, 7)}`
  return `| ${stage} | ${SIGNS[kind]} ${kind} | ${escapeMarkdown(clipText(sanitiseLine(reason), REASON_CHARACTERS))}${from} | ${kind === 'run' ? showLabels(runner) : ''} |`
}

function platformRow({ platform, build, emulated, runner }: RunPlan['platforms'][number]): string {
  return `| ${markdownCode(platform)} | ${build ? (emulated ? 'emulated' : 'native') : 'reused'} | ${build ? showLabels(runner) : ''} |`
}

function showLabels(labels: readonly string[] | undefined): string {
  return labels === undefined ? '' : markdownCode(labels.join(', '))
}
