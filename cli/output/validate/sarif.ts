import { createHash } from 'node:crypto'

import type { Place, Problem } from '../../../pipeline/problem.ts'
import type { RuleDocument } from '../../../pipeline/validate/rule.ts'
import type { Edit, Fix } from '../../../schemas/generated/types.ts'
import { rulePage } from './report-writer.ts'
import type { ReportWriter, ShownReport } from './report-writer.ts'

/** SARIF 2.1.0 sections 3.27.10 and 3.49.14. */
const LEVELS = { error: 'error', warning: 'warning', hint: 'note' } as const

/** Relative addresses begin at the folder that ctss was run in; GitHub takes this name for the repository's root. */
const ROOT = '%SRCROOT%'

/** The algorithm behind a fingerprint; a new one when it changes. */
const FINGERPRINT = 'ctssProblem/v1'

export interface SarifOptions {
  readonly version: string
  readonly documents: readonly RuleDocument[]
}

interface Unreadable {
  readonly level: 'error'
  readonly message: { readonly text: string }
}

/** A log of one run (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), results written as they come; places that cannot be read are notifications at its end. */
export function sarifWriter({ version, documents }: SarifOptions): ReportWriter {
  const indices = new Map(documents.map(({ code }, index) => [code, index]))
  const notifications: Unreadable[] = []
  let isFirst = true
  const head = {
    tool: { driver: { name: 'ctss', semanticVersion: version, informationUri: 'https://github.com/sagecontinuum/ctss', rules: documents.map(describeRule) } },
    columnKind: 'utf16CodeUnits',
    newlineSequences: ['\r\n', '\n', '\r'],
    originalUriBaseIds: { [ROOT]: { description: { text: 'The folder that ctss was run in.' } } },
  }
  return {
    showsLines: true,
    begin: () =>
      `{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","version":"2.1.0","runs":[${JSON.stringify(head).slice(0, -1)},"results":[`,
    report(report) {
      const seen = new Map<string, number>()
      const results = report.problems.map((problem) => JSON.stringify(toResult(problem, report, indices.get(problem.code), seen)))
      const separator = results.length === 0 ? '' : isFirst ? '\n' : ',\n'
      if (results.length > 0) isFirst = false
      return separator + results.join(',\n')
    },
    failure(_place, message) {
      notifications.push({ level: 'error', message: { text: message.toWellFormed() } })
      return ''
    },
    end: ({ unreadable }) =>
      `],"invocations":[${JSON.stringify({ executionSuccessful: unreadable === 0, ...(notifications.length > 0 && { toolExecutionNotifications: notifications }) })}]}]}\n`,
  }
}

function describeRule({ code, name, severity, title, reason, source }: RuleDocument) {
  return {
    id: code,
    name: name
      .split('-')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join(''),
    shortDescription: { text: title },
    fullDescription: { text: reason },
    helpUri: rulePage(code),
    help: { text: `${reason}\n\nSource: ${source}`, markdown: `${reason}\n\n*Source:* ${source}\n\n[All of it](${rulePage(code)})` },
    defaultConfiguration: { level: LEVELS[severity] },
  }
}

function toResult(problem: Problem, report: ShownReport, ruleIndex: number | undefined, seen: Map<string, number>) {
  const { code, severity, message, suggestion, place = { file: report.path }, fix } = problem
  const fingerprint = fingerprintOf(problem, place, report)
  const occurrence = (seen.get(fingerprint) ?? 0) + 1
  seen.set(fingerprint, occurrence)
  return {
    ruleId: code,
    ...(ruleIndex !== undefined && { ruleIndex }),
    level: LEVELS[severity],
    message: { text: (suggestion === undefined ? message : `${message} ${suggestion}`).toWellFormed() },
    locations: [{ physicalLocation: { artifactLocation: locate(report, place.file), region: toRegion(place, report) } }],
    partialFingerprints: { [FINGERPRINT]: `${fingerprint}:${occurrence}` },
    ...(fix !== undefined && { fixes: [toFix(fix, report)] }),
  }
}

function toRegion(place: Place, report: ShownReport) {
  // GitHub shows nothing that has no line; what is about a whole file stands at its beginning.
  const { line: startLine = 1, column: startColumn, endLine, endColumn } = place
  const text = report.linesOf(place.file)?.[startLine - 1]
  return {
    startLine,
    ...(startColumn !== undefined && { startColumn }),
    ...(endLine !== undefined && { endLine }),
    ...(endColumn !== undefined && { endColumn }),
    // A snippet is the region's own text (3.30.13), which is known where it ends in the line.
    ...(text !== undefined &&
      endLine === startLine &&
      startColumn !== undefined && {
        snippet: {
          text: text
            .slice(startColumn - 1, (endColumn ?? startColumn) - 1)
            .slice(0, 500)
            .toWellFormed(),
        },
      }),
  }
}

/** The same as long as the line says the same, wherever it has moved to. */
function fingerprintOf({ code }: Problem, { file, line = 1 }: Place, report: ShownReport): string {
  const text = report.linesOf(file)?.[line - 1]?.trim() ?? ''
  return createHash('sha256')
    .update(JSON.stringify([code, report.shownPath(file), text]))
    .digest('hex')
    .slice(0, 32)
}

function toFix({ title, safe, edits }: Fix, report: ShownReport) {
  const byFile = Map.groupBy(edits, ({ file }) => file)
  return {
    description: { text: safe ? title : `${title} (look at it first)` },
    artifactChanges: [...byFile].map(([file, changes]) => ({ artifactLocation: locate(report, file), replacements: changes.map(toReplacement) })),
  }
}

function toReplacement({ line, column, endLine, endColumn, text }: Edit) {
  return {
    deletedRegion: { startLine: line, startColumn: column, endLine, endColumn },
    ...(text !== '' && { insertedContent: { text: text.toWellFormed() } }),
  }
}

function locate(report: ShownReport, file: string) {
  const path = report.shownPath(file)
  // Nothing but a path from the root needs no base.
  if (path.startsWith('/')) return { uri: `file://${encodePath(path)}` }
  return { uri: encodePath(path), uriBaseId: ROOT }
}

/** RFC 3986 section 3.3. */
function encodePath(path: string): string {
  return path.toWellFormed().split('/').map(encodeURIComponent).join('/')
}
