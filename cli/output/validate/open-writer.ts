import packageJson from '../../../package.json' with { type: 'json' }
import type { RuleDocument } from '../../../pipeline/validate/rule.ts'
import type { ValidateOptions } from '../../options.ts'
import type { LoadNames, ReportWriter } from './report-writer.ts'

export interface WriterFacts {
  readonly color: boolean
  readonly documents: () => Promise<readonly RuleDocument[]>
  /** Whether paths need no place in front to tell them apart. */
  readonly isOnlyPlace: boolean
}

/** Says nothing: only the exit code counts, or a patch is what stdout is for. */
const silentWriter: ReportWriter = { showsLines: false, begin: () => '', report: () => '', end: () => '' }

/** The writer that the options ask for. */
export async function openWriter({ json, sarif, github, diff, quiet }: ValidateOptions, { color, documents, isOnlyPlace }: WriterFacts): Promise<ReportWriter> {
  if (json) return (await import('./json.ts')).jsonWriter((report, file) => (isOnlyPlace ? file : report.distinctPath(file)))
  if (sarif) return (await import('./sarif.ts')).sarifWriter({ version: packageJson.version, documents: await documents() })
  if (diff || (quiet && !github)) return silentWriter
  const loadNames: LoadNames = async () => {
    const names = new Map((await documents()).map(({ code, name }) => [code, name]))
    return (code) => names.get(code)
  }
  if (github) return (await import('./github.ts')).githubWriter(loadNames)
  return (await import('./human.ts')).humanWriter({ color, loadNames })
}
