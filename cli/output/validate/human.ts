import { styleText } from 'node:util'

import type { Problem } from '../../../pipeline/problem.ts'
import { printable } from '../../../pipeline/printable.ts'
import { printablePath } from '../printable-path.ts'
import { excerpt } from './excerpt.ts'
import type { LoadNames, NameOf, ReportWriter, ShownReport } from './report-writer.ts'

const DETAIL_LINES = 40

export interface HumanOptions {
  readonly color: boolean
  readonly loadNames: LoadNames
}

type Style = 'bold' | 'red' | 'yellow' | 'cyan' | 'green' | 'dim'
type Paint = (style: Style, text: string) => string

const COLOURS = { error: 'red', warning: 'yellow', hint: 'cyan' } as const

/** Problems as a person reads them: the place, what is wrong, the line with carets under what is meant, what to do; last of each manifest, its verdict. */
export function humanWriter({ color, loadNames }: HumanOptions): ReportWriter {
  const paint: Paint = color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
  let isFirst = true
  return {
    showsLines: true,
    begin: () => '',
    async report(report) {
      const nameOf: NameOf = report.problems.length === 0 ? () => undefined : await loadNames()
      const gap = isFirst || report.problems.length === 0 ? [] : ['']
      isFirst = false
      return [...gap, ...report.problems.flatMap((problem) => describe(problem, report, nameOf, paint)), ...describeVerdict(report, paint), ''].join('\n')
    },
    end: ({ manifests, failed, unreadable }) =>
      manifests + unreadable < 2
        ? ''
        : `${count(manifests, 'manifest')}: ${manifests - failed} valid, ${failed} not valid${unreadable === 0 ? '' : `, ${count(unreadable, 'place')} could not be read`}\n`,
  }
}

function describe(problem: Problem, report: ShownReport, nameOf: NameOf, paint: Paint): readonly string[] {
  const { code, severity, message, suggestion, detail, place, fix } = problem
  const file = report.shownPath(place?.file ?? report.path)
  // Always with line and column, as problem matchers want them.
  const where = `${printablePath(file)}:${place?.line ?? 1}:${place?.column ?? 1}`
  const name = nameOf(code)
  const lines = [
    `${paint('bold', `${where}:`)} ${paint(COLOURS[severity], `${severity}:`)} ${printable(message)} ${paint('dim', `[${code}${name === undefined ? '' : ` ${name}`}]`)}`,
  ]
  const shown = place && excerpt(report.linesOf(place.file), place)
  if (shown !== undefined) {
    const gutter = String(place?.line).padStart(5)
    lines.push(`${paint('dim', `${gutter} |`)} ${shown.line}`, `${paint('dim', `${' '.repeat(gutter.length)} |`)} ${paint(COLOURS[severity], shown.marks)}`)
  }
  if (suggestion !== undefined) lines.push(...suggestion.split('\n').map((line) => `    → ${printable(line)}`))
  if (fix !== undefined) {
    const how = !fix.safe ? 'fix available, to be looked at first' : severity === 'hint' ? 'fix available, left to you' : 'fix available'
    lines.push(`    ${paint('green', '✎')} ${how}: ${printable(fix.title)}`)
  }
  if (detail !== undefined) lines.push(...detailLines(detail))
  return lines
}

function detailLines(detail: string): readonly string[] {
  const lines = detail.trimEnd().split('\n')
  const shown = lines.slice(0, DETAIL_LINES).map((line) => `    | ${printable(line)}`)
  return lines.length > DETAIL_LINES ? [...shown, `    | … and ${count(lines.length - DETAIL_LINES, 'more line')}`] : shown
}

function describeVerdict(report: ShownReport, paint: Paint): readonly string[] {
  const { path, failed, problems, fixes, place } = report
  const of = (severity: Problem['severity']): number => problems.filter((problem) => problem.severity === severity).length
  const counts = [count(of('error'), 'error'), count(of('warning'), 'warning'), ...(of('hint') > 0 ? [count(of('hint'), 'hint')] : [])].join(', ')
  return [
    `${printablePath(report.shownPath(path))}: ${failed ? paint('red', 'not valid') : paint('green', 'valid')}: ${counts}`,
    `    ${describeAnswers(report, paint)}`,
    ...(fixes === 0 ? [] : [`    ${count(fixes, 'safe fix', 'safe fixes')}: ctss validate ${shellWord(place)} --fix (--diff shows what it would change)`]),
  ]
}

function describeAnswers({ verdict, isJudged, isPortals }: ShownReport, paint: Paint): string {
  if (!isJudged) return 'not judged: it was not read'
  const [accepts, refuses] = ['would accept it', paint('red', 'would refuse it')]
  const why = verdict.portal === 'accepted' && verdict.submitted === 'refused' ? ' (--as-submitted says why)' : ''
  const portal = verdict.portal === 'refused' ? refuses : isPortals ? accepts : 'would accept its content, but reads sage.yaml at the root alone'
  return `the Portal ${portal} · POST /submit ${verdict.submitted === 'accepted' ? accepts : refuses} as it stands${why}`
}

/** A word that a shell reads as it is, and a command as no option. */
function shellWord(word: string): string {
  const text = word.startsWith('-') ? `./${word}` : word
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${printablePath(text).replaceAll("'", String.raw`'\''`)}'`
}

/** `1 error`, `2 errors`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : plural}`
}
