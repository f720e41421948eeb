import type { Block, Inline, Item, LaidOutSection, Line, Mark } from './block.ts'
import { digestOf } from '../digest.ts'
import type { Chart } from '../ports/charts.ts'
import { escapeHtml } from './escape-html.ts'
import { formatSeconds } from './format-figures.ts'
import { layoutSection } from './layout-report.ts'
import { REPORT_STYLE } from './report-style.ts'
import type { Report, StageRow } from './report.ts'
import { clipText, sanitiseLine, sanitiseText } from './sanitise-text.ts'

export interface HtmlOptions {
  readonly charts?: readonly Chart[]
}

const SIGNS: Readonly<Record<Mark, string>> = { passed: '✓', failed: '✕', error: '!', skipped: '–', warning: '!', better: '↗', worse: '↘', same: '=' }
/** The head is read at a glance; whatever is longer stands whole in the JSON. */
const HEAD_CHARACTERS = 600
const STYLE_HASH = Buffer.from(digestOf(REPORT_STYLE).slice('sha256:'.length), 'hex').toString('base64')
// One style sheet, known by its hash, and pictures that are part of the file: nothing else may load or run, whatever a plugin wrote.
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'`

/** The whole report as one self-contained page: no script, no foreign host, light and dark. Nothing is left out. */
export function renderHtml(report: Report, { charts = [] }: HtmlOptions = {}): string {
  const sections = report.sections.map(layoutSection).map((section) => printSection(section, charts))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(sanitiseLine(`${clipText(report.name, 200)} ${report.version ?? ''} · ${report.verdict.outcome}`))}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
${[printHead(report), printTrack(report), ...sections, `<footer>ctss ${printText(report.tool.version)}</footer>`].join('\n')}
</main>
</body>
</html>
`
}

function printHead({ verdict, name, version, description, subject, repositoryUrl }: Report): string {
  const commit = subject.commit === null ? undefined : `<code>${printText(subject.commit.slice(0, 12))}</code>${subject.dirty ? ' with changes' : ''}`
  const repository =
    repositoryUrl === undefined
      ? printText(subject.repository)
      : `<a href="${escapeHtml(repositoryUrl)}" rel="noopener noreferrer">${printText(repositoryUrl.replace('https://', ''))}</a>`
  return `<header class="verdict ${verdict.outcome}">
<p class="name">${printText(clipText(`${name} ${version ?? ''}`, HEAD_CHARACTERS))}</p>
<h1>${printMark(verdict.outcome)}${printText(clipText(verdict.sentence, HEAD_CHARACTERS))}</h1>
<p class="next"><b>Next</b> ${printText(clipText(verdict.next, HEAD_CHARACTERS))}</p>
<p class="about">${[description === undefined ? undefined : printText(clipText(description, HEAD_CHARACTERS)), repository, commit].filter((part) => part !== undefined).join(' · ')}</p>
</header>`
}

/** All stages at a glance. */
function printTrack({ sections }: Report): string {
  const rows = sections.flatMap((section) => (section.kind === 'stages' ? section.rows : []))
  return `<ol class="track">${rows.map((row) => `<li class="${row.outcome}">${printMark(row.outcome)}<b>${row.stage}</b><span class="muted">${printText(trackNote(row))}</span></li>`).join('')}</ol>`
}

function trackNote({ outcome, ran, seconds }: StageRow): string {
  if (outcome === 'skipped') return 'skipped'
  return ran ? formatSeconds(seconds) : 'reused'
}

function printSection({ kind, title, blocks }: LaidOutSection, charts: readonly Chart[]): string {
  const figures = charts.filter(({ section }) => section === kind).map(printFigure)
  return `<section id="${kind}">\n<h2>${printText(title)}</h2>\n${[...figures, ...blocks.map(printBlock)].join('\n')}\n</section>`
}

function printFigure({ alt, light, dark }: Chart): string {
  return `<figure><picture><source media="(prefers-color-scheme: dark)" srcset="${svgUrl(dark.svg)}"><img src="${svgUrl(light.svg)}" alt="${escapeHtml(sanitiseLine(alt))}"></picture></figure>`
}

/** As a picture an SVG runs no script and loads nothing, even if text of a plugin had found a way into its markup. */
function svgUrl(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
}

function printBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${printLine(block.line)}</p>`
    case 'items':
      return `<ul class="items">${block.items.map(printItem).join('\n')}</ul>`
    case 'table':
      return printTable(block)
    case 'code':
      return `<pre>${block.language === 'diff' ? printDiff(block.text) : escapeHtml(sanitiseText(block.text).trimEnd())}</pre>`
    case 'details':
      return `<details${block.open ? ' open' : ''}><summary>${printLine(block.summary)}</summary>\n${block.blocks.map(printBlock).join('\n')}\n</details>`
  }
}

function printItem({ line, note, detail }: Item): string {
  const [first, ...rest] = line
  const [before, text] = first?.kind === 'mark' ? [printMark(first.mark), rest] : ['', line]
  const below = note === undefined ? '' : `<p class="note">${printLine(note)}</p>`
  const folded = detail === undefined ? '' : `<details><summary>Details</summary>\n<pre>${escapeHtml(sanitiseText(detail).trimEnd())}</pre></details>`
  return `<li>${before}<div>${printLine(text)}${below}${folded}</div></li>`
}

function printTable({ columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const side = columns.map(({ align }) => (align === 'right' ? ' class="right"' : ''))
  const head = columns.map(({ title }, index) => `<th${side[index]}>${printText(title)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell, index) => `<td${side[index]}>${printLine(cell)}</td>`).join('')}</tr>`).join('\n')
  return `<div class="table"><table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table></div>`
}

function printDiff(text: string): string {
  return sanitiseText(text)
    .trimEnd()
    .split('\n')
    .map((line) =>
      /^\+(?!\+\+ )/.test(line)
        ? `<span class="added">${escapeHtml(line)}</span>`
        : /^-(?!-- )/.test(line)
          ? `<span class="removed">${escapeHtml(line)}</span>`
          : escapeHtml(line),
    )
    .join('\n')
}

function printLine(line: Line): string {
  return line.map(printInline).join('')
}

function printInline(inline: Inline): string {
  switch (inline.kind) {
    case 'mark':
      return printMark(inline.mark)
    case 'text':
      return keepEnds(inline.text, printText(inline.text))
    case 'strong':
      return `<b>${printText(inline.text)}</b>`
    case 'muted':
      return `${inline.text.startsWith(' ') ? ' ' : ''}<span class="muted">${printText(inline.text)}</span>`
    case 'code':
      return `<code>${printText(inline.text)}</code>`
    case 'link':
      return `<a href="${escapeHtml(inline.url)}" rel="noopener noreferrer"><code>${printText(inline.text)}</code></a>`
  }
}

function printMark(mark: Mark): string {
  return `<span class="mark ${mark}" role="img" aria-label="${mark}">${SIGNS[mark]}</span>`
}

function printText(text: string): string {
  return escapeHtml(sanitiseLine(text))
}

/** Sanitising trims a text; the space between it and its neighbours is the layout's. */
function keepEnds(text: string, printed: string): string {
  if (printed === '') return text === '' ? '' : ' '
  return `${text.startsWith(' ') ? ' ' : ''}${printed}${text.endsWith(' ') ? ' ' : ''}`
}
