import type { Subject } from '../../schemas/generated/types.ts'
import { asDigest } from '../digest.ts'
import { nameOf, type Pipeline } from '../pipeline.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { StageSummary } from '../run.ts'
import { decideRunGates } from '../train/run-gates.ts'
import type { ReportedBundle, ReportInput } from './report.ts'

/** The run that a report is about. */
export interface ReportedRun {
  readonly subject: Subject
  /** Undefined: the manifest cannot be read. */
  readonly pipeline: Pipeline | undefined
  readonly stages: readonly StageSummary[]
  readonly toolVersion: string
}

/** Everything that the report of a run is made of: its stages, its gates decided now, and the newest release to compare with. Fails as the catalogue does. */
export async function gatherReportInput({ subject, pipeline, stages, toolVersion }: ReportedRun, catalogue: Catalogue): Promise<ReportInput> {
  const bundle = bundleOf(stages)
  const baseline = pipeline && (await catalogue.newestRelease(nameOf(pipeline)))
  return {
    subject,
    stages,
    toolVersion,
    gates: await decideRunGates({ pipeline, record: stages.find(({ stage }) => stage === 'train')?.record }, catalogue),
    ...(bundle && { bundle }),
    ...(baseline && { baseline }),
  }
}

/** The bundle that a run has published; undefined without one. */
export function bundleOf(stages: readonly StageSummary[]): ReportedBundle | undefined {
  const details = stages.find(({ stage, outcome }) => stage === 'publish' && outcome === 'passed')?.record?.details
  if (details?.kind !== 'publish') return undefined
  const { name, version, digest, index, reference, state } = details
  return { name, version, digest: asDigest(digest), index: asDigest(index), reference, state }
}
