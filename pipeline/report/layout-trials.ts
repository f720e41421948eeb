import { code, muted, plain, sign, strong, type Block, type Line } from './block.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds } from './format-figures.ts'
import type { ReportedTrial } from './report.ts'
import { sanitiseText } from './sanitise-text.ts'

const ENDINGS: Readonly<Record<ReportedTrial['ending'], string>> = {
  exited: 'ended',
  'timed-out': 'ran out of time',
  'out-of-memory': 'ran out of memory',
  'disk-limit': 'wrote more than its disk limit',
  flooded: 'flooded the broker',
  'broker-lost': 'the broker was lost',
  'not-started': 'did not start',
}

/** What each trial came to: a row each, and folded below it what was expected, found, published, dropped and printed; what failed comes first. */
export function layoutTrials(trials: readonly ReportedTrial[]): readonly Block[] {
  const failed = trials.filter(({ outcome }) => outcome === 'failed')
  const passed = trials.filter(({ outcome }) => outcome === 'passed')
  return [trialsTable([...failed, ...passed]), ...failed.map((trial) => trialDetails(trial, true)), ...fold(passed.map((trial) => trialDetails(trial, false)))]
}

/** What went well takes one line. */
function fold(blocks: readonly Block[]): readonly Block[] {
  return blocks.length < 2
    ? blocks
    : [{ kind: 'details', open: false, summary: [plain(`${formatPlural(blocks.length, 'trial')} passed: what was expected and published`)], blocks }]
}

function trialsTable(trials: readonly ReportedTrial[]): Block {
  return {
    kind: 'table',
    columns: [
      { title: '' },
      { title: 'Trial' },
      { title: 'Platform' },
      { title: 'Expectations', align: 'right' },
      { title: 'Messages', align: 'right' },
      { title: 'Ending' },
      { title: 'Time', align: 'right' },
    ],
    rows: trials.map((trial) => [
      [sign(trial.outcome)],
      [strong(trial.name)],
      [plain(trial.platform), ...(trial.emulated ? [muted(' emulated')] : [])],
      [plain(trial.expectations.length === 0 ? 'none' : `${metCount(trial)} of ${trial.expectations.length}`)],
      [plain(formatCount(trial.total))],
      ending(trial),
      [plain(trial.emulated ? '' : formatSeconds(trial.seconds))],
    ]),
  }
}

function metCount({ expectations }: ReportedTrial): number {
  return expectations.filter(({ outcome }) => outcome === 'passed').length
}

function ending({ ending: how, exitCode }: ReportedTrial): Line {
  if (how === 'exited') return [plain(`exit ${exitCode ?? 'unknown'}`)]
  return [plain(exitCode === null ? ENDINGS[how] : `${ENDINGS[how]} (exit ${exitCode})`)]
}

function trialDetails(trial: ReportedTrial, open: boolean): Block {
  return {
    kind: 'details',
    open,
    summary: [sign(trial.outcome), plain(` ${trial.name} on ${trial.platform}: ${summarise(trial)}`)],
    blocks: [...argumentsLine(trial), ...expectationBlocks(trial), ...tracebackBlocks(trial), ...publishedBlocks(trial), ...logBlocks(trial)],
  }
}

function summarise(trial: ReportedTrial): string {
  const wrong = trial.expectations.length - metCount(trial)
  const expectations = wrong > 0 ? `${formatPlural(wrong, 'expectation')} not met` : trial.expectations.length > 0 ? 'all expectations met' : undefined
  const last = trial.outcome === 'failed' ? lastWords(trial) : undefined
  return [expectations, formatPlural(trial.total, 'message'), trial.uploads.length > 0 ? formatPlural(trial.uploads.length, 'upload') : undefined, last]
    .filter((part) => part !== undefined)
    .join(', ')
}

function argumentsLine({ args = [], network, testbed }: ReportedTrial): readonly Block[] {
  const line: Line = [
    ...(args.length === 0 ? [plain('No arguments')] : [plain('Arguments '), code(args.map(quoteArgument).join(' '))]),
    muted(` · ${testbed} · internet ${network === 'open' ? 'open' : 'closed'}`),
  ]
  return [{ kind: 'paragraph', line }]
}

function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

function expectationBlocks({ expectations }: ReportedTrial): readonly Block[] {
  if (expectations.length === 0) return []
  const sorted = [...expectations.filter(({ outcome }) => outcome === 'failed'), ...expectations.filter(({ outcome }) => outcome === 'passed')]
  const table: Block = {
    kind: 'table',
    columns: [{ title: '' }, { title: 'Expectation' }, { title: 'Expected' }, { title: 'Found' }],
    rows: sorted.map(({ outcome, name, expected, found }) => [[sign(outcome)], [code(name)], [plain(expected)], [plain(found)]]),
  }
  return [
    table,
    ...sorted.flatMap(({ difference }): readonly Block[] =>
      difference === undefined ? [] : [{ kind: 'code', text: difference, keep: 'start', language: 'diff' }],
    ),
  ]
}

function tracebackBlocks(trial: ReportedTrial): readonly Block[] {
  const traceback = trial.outcome === 'failed' || trial.exitCode !== 0 ? findTraceback(trial) : undefined
  return traceback === undefined
    ? []
    : [
        { kind: 'paragraph', line: [strong('Traceback')] },
        { kind: 'code', text: traceback, keep: 'end' },
      ]
}

function findTraceback({ logs }: ReportedTrial): string | undefined {
  const text = sanitiseText(logs.stderr)
  const start = text.lastIndexOf('Traceback (most recent call last)')
  return start < 0 ? undefined : text.slice(start)
}

/** The line in which a Python program says why it died. */
function lastWords(trial: ReportedTrial): string | undefined {
  return findTraceback(trial)
    ?.split('\n')
    .findLast((line) => /^[\w.]+(?:Error|Exception|Interrupt|Exit|Warning)\b/.test(line))
}

function publishedBlocks({ names, dropped, uploads }: ReportedTrial): readonly Block[] {
  return [
    ...(names.length === 0 ? [] : [namesTable(names)]),
    ...(uploads.length === 0 ? [] : [uploadsTable(uploads)]),
    ...(dropped.length === 0 ? [] : [droppedTable(dropped)]),
  ]
}

function namesTable(names: ReportedTrial['names']): Block {
  const rows = names.map(({ name, count, last }) => [[code(name)], [plain(formatCount(count))], last === undefined ? [] : [code(String(last))]])
  return { kind: 'table', columns: [{ title: 'Published' }, { title: 'Messages', align: 'right' }, { title: 'Last value' }], rows }
}

function uploadsTable(uploads: ReportedTrial['uploads']): Block {
  const rows = uploads.map(({ name, bytes, labels }) => [
    [code(name)],
    [plain(formatBytes(bytes))],
    [
      plain(
        Object.entries(labels)
          .map(([label, value]) => `${label}=${value}`)
          .join(', '),
      ),
    ],
  ])
  return { kind: 'table', columns: [{ title: 'Uploaded' }, { title: 'Size', align: 'right' }, { title: 'Labels' }], rows }
}

function droppedTable(dropped: ReportedTrial['dropped']): Block {
  const rows = dropped.map(({ reason, count, example }) => [[plain(reason)], [plain(formatCount(count))], example === undefined ? [] : [code(example)]])
  return { kind: 'table', columns: [{ title: 'Dropped, as a node would, because' }, { title: 'Messages', align: 'right' }, { title: 'Example' }], rows }
}

function logBlocks({ logs }: ReportedTrial): readonly Block[] {
  const streams = [
    { name: 'stderr', text: logs.stderr },
    { name: 'stdout', text: logs.stdout },
  ]
  return streams
    .filter(({ text }) => text.trim() !== '')
    .map(({ name, text }): Block => ({
      kind: 'details',
      open: false,
      summary: [plain(`End of ${name} (${formatPlural(text.trimEnd().split('\n').length, 'line')})`)],
      blocks: [{ kind: 'code', text, keep: 'end' }],
    }))
}
