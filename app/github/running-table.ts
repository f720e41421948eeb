import { escapeMarkdown, markdownCode } from '../../pipeline/report/escape-markdown.ts'
import { clipText, sanitiseLine } from '../../pipeline/report/sanitise-text.ts'
import { readProgress } from '../../pipeline/service/stage-progress.ts'
import type { PluginFacts, RunFacts, StageFacts } from '../../pipeline/service/world.ts'

const SIGNS = { passed: '✅', failed: '❌', error: '❗', skipped: '➖' } as const
const REASON_CHARACTERS = 160

/** The stages of a plugin while they run, as Markdown: what has become of each, where it runs, and when it will probably be done. */
export function renderRunningTable({ stages }: PluginFacts, run: RunFacts | undefined): string {
  return [
    '| stage | |',
    '|:--|:--|',
    ...stages.map((facts) => `| ${facts.stage} | ${facts.state === 'planned' ? sayProgress(run, facts) : sayState(facts)} |`),
  ].join('\n')
}

function sayProgress(run: RunFacts | undefined, facts: StageFacts): string {
  const { status, title } = readProgress(run, facts)
  return `${status === 'queued' ? '⏳' : '⚙️'} ${escapeMarkdown(title)}`
}

function sayState({ state, outcome = 'skipped', reason, from }: StageFacts): string {
  const sign = SIGNS[outcome]
  if (state === 'reused' && from !== undefined)
    return `${sign} ${outcome}, from ${from.commit === null ? 'an earlier run' : markdownCode(from.commit.slice(0, 7))}`
  return state === 'ran' ? `${sign} ${outcome}` : `${sign} ${escapeMarkdown(clipText(sanitiseLine(reason), REASON_CHARACTERS))}`
}
