import type { Problem } from '../../../pipeline/problem.ts'
import type { ValidateOutput } from '../../../schemas/generated/types.ts'
import type { ReportWriter, ShownReport } from './report-writer.ts'

type ManifestOutput = ValidateOutput['manifests'][number]

/** One JSON document (`schemas/validate-output.schema.json`), written piece by piece. `pathOf`: how a file of a report is named. */
export function jsonWriter(pathOf: (report: ShownReport, file: string) => string): ReportWriter {
  let isFirst = true
  return {
    showsLines: false,
    begin: () => '{"manifests":[',
    report(report) {
      const separator = isFirst ? '\n' : ',\n'
      isFirst = false
      return `${separator}${JSON.stringify(
        toOutput(report, (file) => pathOf(report, file)),
        wellFormed,
      )}`
    },
    end: () => `${isFirst ? '' : '\n'}]}\n`,
  }
}

/** Half a character, cut out of a hostile name, is one that strict readers refuse. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value
}

function toOutput({ path, verdict, problems }: ShownReport, pathOf: (file: string) => string): ManifestOutput {
  return {
    path: pathOf(path),
    verdict: { portal: verdict.portal, submitted: verdict.submitted },
    problems: problems.map((problem) => toProblem(problem, path, pathOf)),
  }
}

function toProblem({ code, severity, message, suggestion, detail, place, fix }: Problem, manifest: string, pathOf: (file: string) => string) {
  const { file = manifest, line = 1, column = 1, endLine, endColumn } = place ?? {}
  return {
    code,
    severity,
    path: pathOf(file),
    line,
    column,
    ...(endLine !== undefined && { endLine }),
    ...(endColumn !== undefined && { endColumn }),
    message,
    ...(suggestion !== undefined && { suggestion }),
    ...(detail !== undefined && { detail }),
    ...(fix !== undefined && { fix: { ...fix, edits: fix.edits.map((edit) => ({ ...edit, file: pathOf(edit.file) })) } }),
  } satisfies ManifestOutput['problems'][number]
}
