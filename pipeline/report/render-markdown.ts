import type { Block, Inline, Item, LaidOutSection, Line, Mark } from './block.ts'
import { escapeHtml } from './escape-html.ts'
import { escapeMarkdown, escapeMarkdownHtml, markdownCode, markdownFence } from './escape-markdown.ts'
import { formatCount, formatList } from './format-figures.ts'
import { layoutSection } from './layout-report.ts'
import type { Report, ReportSection } from './report.ts'
import { clipText, sanitiseLine } from './sanitise-text.ts'

/** Longest body of a comment, an issue or a release at GitHub, in characters; bytes are counted, which are never fewer. */
export const GITHUB_LIMIT = 65_536

/** A chart that lies at an address where GitHub's image proxy finds it. */
export interface ChartLink {
  readonly section: ReportSection['kind']
  readonly alt: string
  /** https addresses of PNGs. */
  readonly light: string
  readonly dark: string
}

export interface MarkdownOptions {
  /** Most UTF-8 bytes, at least 16 KiB. */
  readonly limit?: number
  readonly chartLinks?: readonly ChartLink[]
}

/** What a unit is printed as within a budget of bytes; empty when it does not fit at all. */
interface Printed {
  readonly text: string
  readonly complete: boolean
}

interface Unit {
  readonly weight: number
  print(budget: number): Printed
}

const SIGNS: Readonly<Record<Mark, string>> = { passed: '✅', failed: '❌', error: '❗', skipped: '➖', warning: '⚠️', better: '🟢', worse: '🔻', same: '▪️' }
const NOTHING: Printed = { text: '', complete: false }
const SMALLEST_LIMIT = 16_384
const RESERVED_FOR_NOTE = 800
const FLOOR = 400
const MORE_ROWS_BYTES = 80
const MOST = { paragraph: 1200, cell: 300, code: 160, summary: 300, title: 80 } as const

/**
 * The report as GitHub Flavoured Markdown: verdict first, details folded. However much the report holds, the text stays within the limit: what matters least is
 * shortened first, and the last lines say what. Nothing that a plugin wrote comes alive, and no HTML comment is in it, so that a marker put there by the caller is the only one.
 */
export function renderMarkdown(report: Report, { limit = GITHUB_LIMIT, chartLinks = [] }: MarkdownOptions = {}): string {
  if (limit < SMALLEST_LIMIT) throw new RangeError(`a report needs at least ${SMALLEST_LIMIT} bytes`)
  const head = printHead(report)
  const foot = `<sub>${escapeMarkdown(`ctss ${report.tool.version}`)}</sub>`
  const shortened = new Set<string>()
  const units = report.sections.map(layoutSection).map((section) => sectionUnit(section, chartLinks, shortened))
  const body = printUnits(units, limit - sizeOf(head) - sizeOf(foot) - RESERVED_FOR_NOTE)
  const note = body.complete ? '' : shortenedNote([...shortened])
  return `${[head, body.text, note, foot].filter((part) => part !== '').join('\n\n')}\n`
}

function printHead({ verdict, name, version, subject }: Report): string {
  const commit = subject.commit === null ? '' : ` · ${subject.dirty ? 'changed since ' : ''}${markdownCode(subject.commit.slice(0, 7))}`
  return [
    `### ${SIGNS[verdict.outcome]} ${escapeMarkdown(clipText(verdict.sentence, 600))}`,
    `**Next:** ${escapeMarkdown(clipText(verdict.next, 600))}`,
    `<sub>${escapeMarkdown(clipText(`${name} ${version ?? ''}`, 200))}${commit}</sub>`,
  ].join('\n\n')
}

function shortenedNote(titles: readonly string[]): string {
  return `> Shortened to what fits into a comment: ${escapeMarkdown(formatList(titles))}. The HTML and JSON reports hold everything.`
}

function sectionUnit(section: LaidOutSection, chartLinks: readonly ChartLink[], shortened: Set<string>): Unit {
  const head = `#### ${escapeMarkdown(section.title)}`
  const charts = chartLinks
    .filter((link) => link.section === section.kind)
    .map(printChart)
    .join('\n\n')
  return {
    weight: section.weight,
    print(budget) {
      const body = section.folded
        ? printDetails({ summary: [{ kind: 'strong', text: section.title }], blocks: section.blocks }, budget - sizeOf(charts) - 2)
        : printBlocks(section.blocks, budget - sizeOf(charts) - sizeOf(head) - 4)
      shortened.delete(section.title)
      if (!body.complete) shortened.add(section.title)
      if (body.text === '') return NOTHING
      return { text: [...(section.folded ? [] : [head]), charts, body.text].filter((part) => part !== '').join('\n\n'), complete: body.complete }
    },
  }
}

function printChart({ alt, light, dark }: ChartLink): string {
  const [lightUrl, darkUrl] = [escapeHtml(sanitiseLine(light)), escapeHtml(sanitiseLine(dark))]
  return `<picture><source media="(prefers-color-scheme: dark)" srcset="${darkUrl}"><img alt="${escapeHtml(clipText(sanitiseLine(alt), MOST.summary))}" src="${lightUrl}" width="700"></picture>`
}

function printBlocks(blocks: readonly Block[], budget: number): Printed {
  return printUnits(
    blocks.map((block) => ({ weight: 0, print: (share) => printBlock(block, share) })),
    budget,
  )
}

/** Prints everything whole if it fits; else every unit gets a small share, and the rest goes to the heaviest first. */
function printUnits(units: readonly Unit[], budget: number): Printed {
  const order = units.map((unit, index) => ({ unit, index })).toSorted((a, b) => a.unit.weight - b.unit.weight)
  const printed = new Map<number, Printed>()
  let used = 0
  for (const { unit, index } of order) {
    // Once it is plain that not everything fits, nothing more is printed in vain.
    if (used > budget) break
    const whole = unit.print(budget)
    printed.set(index, whole)
    used += sizeOf(whole.text) + 2
  }
  if (used <= budget) return join(units, printed)
  return join(units, printShares(order, printed, budget))
}

function printShares(
  order: readonly { readonly unit: Unit; readonly index: number }[],
  whole: ReadonlyMap<number, Printed>,
  budget: number,
): ReadonlyMap<number, Printed> {
  const wanted = order.map(({ index }) => {
    const text = whole.get(index)?.text
    return text === undefined ? Infinity : sizeOf(text) + 2
  })
  let left = budget
  const shares = wanted.map((want) => {
    const share = Math.min(want, FLOOR, left)
    left -= share
    return share
  })
  wanted.forEach((want, position) => {
    const share = shares[position] ?? 0
    const more = Math.min(want - share, left)
    shares[position] = share + more
    left -= more
  })
  return new Map(
    order.map(({ unit, index }, position) => [
      index,
      (wanted[position] ?? 0) <= (shares[position] ?? 0) ? (whole.get(index) ?? NOTHING) : unit.print((shares[position] ?? 0) - 2),
    ]),
  )
}

function join(units: readonly Unit[], printed: ReadonlyMap<number, Printed>): Printed {
  const parts = units.map((_, index) => printed.get(index) ?? NOTHING)
  return {
    text: parts
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join('\n\n'),
    complete: parts.every(({ complete }) => complete),
  }
}

function printBlock(block: Block, budget: number): Printed {
  switch (block.kind) {
    case 'paragraph':
      return within(printLine(block.line, MOST.paragraph), budget)
    case 'items':
      return printItems(block.items, budget)
    case 'table':
      return printTable(block, budget)
    case 'code':
      return printCode(block, budget)
    case 'details':
      return printDetails(block, budget)
  }
}

/** Every entry's own lines come before any entry's excerpt; the excerpts share what is left. */
function printItems(items: readonly Item[], budget: number): Printed {
  const lines: string[] = []
  let left = budget
  for (const [index, { line, note }] of items.entries()) {
    const text = `- ${printLine(line, MOST.paragraph)}${note === undefined ? '' : `<br>${printLine(note, MOST.paragraph)}`}`
    left -= sizeOf(text) + 1
    if (left < (index === items.length - 1 ? 0 : MORE_ROWS_BYTES)) return { text: moreOf(items.length - index, 'entries', lines), complete: false }
    lines.push(text)
  }
  const excerpts = printExcerpts(items, left)
  return { text: lines.map((line, index) => `${line}${excerpts[index]?.text ?? ''}`).join('\n'), complete: excerpts.every(({ complete }) => complete) }
}

function printExcerpts(items: readonly Item[], budget: number): readonly Printed[] {
  let waiting = items.filter(({ detail }) => detail !== undefined).length
  let left = budget
  return items.map(({ line, detail }) => {
    if (detail === undefined) return { text: '', complete: true }
    const folded = printDetails(
      { summary: [{ kind: 'text', text: `Details: ${clipText(textOf(line), MOST.title)}` }], blocks: [{ kind: 'code', text: detail, keep: 'end' }] },
      Math.floor(left / waiting) - 4,
    )
    const text = folded.text === '' ? '' : `\n\n${folded.text}\n`
    waiting -= 1
    left -= sizeOf(text)
    return { text, complete: folded.complete }
  })
}

function printTable({ columns, rows }: Extract<Block, { kind: 'table' }>, budget: number): Printed {
  const parts = [
    `| ${columns.map(({ title }) => escapeMarkdown(title)).join(' | ')} |`,
    `|${columns.map(({ align }) => (align === 'right' ? '--:' : ':--')).join('|')}|`,
  ]
  let left = budget - sizeOf(parts.join('\n'))
  for (const [index, row] of rows.entries()) {
    const part = `| ${row.map((cell) => printLine(cell, MOST.cell)).join(' | ')} |`
    const last = index === rows.length - 1
    left -= sizeOf(part) + 1
    if (left < (last ? 0 : MORE_ROWS_BYTES)) return index === 0 ? NOTHING : { text: moreOf(rows.length - index, 'rows', parts), complete: false }
    parts.push(part)
  }
  return { text: parts.join('\n'), complete: true }
}

function moreOf(count: number, what: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : `${parts.join('\n')}\n\n… and ${formatCount(count)} more ${what} in the HTML report.`
}

/** The longest end (or start) of a text that fits; a few lines are worth nothing without their neighbours, so less than that is left out. */
function printCode({ text, keep, language }: Pick<Extract<Block, { kind: 'code' }>, 'text' | 'keep' | 'language'>, budget: number): Printed {
  const cutTo = (characters: number) => (keep === 'end' ? text.slice(Math.max(0, text.length - characters)) : text.slice(0, characters))
  for (let characters = Math.min(text.length, budget); characters > 0; characters = Math.floor(characters * 0.8)) {
    const fence = within(markdownFence(cutTo(characters), language), budget)
    if (fence.text !== '') return { text: fence.text, complete: characters === text.length }
    if (characters < 100) break
  }
  return NOTHING
}

function printDetails({ summary, blocks }: Pick<Extract<Block, { kind: 'details' }>, 'summary' | 'blocks'>, budget: number): Printed {
  const before = `<details><summary>${summary.map(printSummary).join('')}</summary>\n\n`
  const after = '\n\n</details>'
  const body = printBlocks(blocks, budget - sizeOf(before) - sizeOf(after))
  return body.text === '' ? NOTHING : { text: `${before}${body.text}${after}`, complete: body.complete }
}

/** Inside `<summary>` is HTML, not Markdown. */
function printSummary(inline: Inline): string {
  if (inline.kind === 'mark') return SIGNS[inline.mark]
  const escaped = escapeMarkdownHtml(clipText(inline.text, MOST.summary))
  return inline.kind === 'strong' ? `<b>${escaped}</b>` : keepEnds(inline.text, escaped)
}

function textOf(line: Line): string {
  return line
    .map((inline) => (inline.kind === 'mark' ? '' : inline.text))
    .join('')
    .trim()
}

function printLine(line: Line, most: number): string {
  return line.map((inline) => printInline(inline, most)).join('')
}

function printInline(inline: Inline, most: number): string {
  switch (inline.kind) {
    case 'mark':
      return SIGNS[inline.mark]
    case 'code':
      return markdownCode(clipText(inline.text, MOST.code))
    case 'link':
      return `[${markdownCode(clipText(inline.text, MOST.code))}](<${inline.url}>)`
    case 'strong':
      return keepEnds(inline.text, printStrong(clipText(inline.text, most)))
    case 'text':
    case 'muted':
      return keepEnds(inline.text, escapeMarkdown(clipText(inline.text, most)))
  }
}

function printStrong(text: string): string {
  const escaped = escapeMarkdown(text)
  return escaped === '' ? '' : `<b>${escaped}</b>`
}

/** Escaping trims a text; the space between it and its neighbours is the layout's. */
function keepEnds(text: string, escaped: string): string {
  if (escaped === '') return text === '' ? '' : ' '
  return `${text.startsWith(' ') ? ' ' : ''}${escaped}${text.endsWith(' ') ? ' ' : ''}`
}

function within(text: string, budget: number): Printed {
  return sizeOf(text) <= budget ? { text, complete: true } : NOTHING
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text)
}
