import type { Json } from '../digest.ts'
import { hasErrors } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import type { PipelineReading } from './read-pipeline.ts'

export type { PipelineReading }

/** Everything that can change what `validate` says. */
export function validateInputs({ inputs }: PipelineReading): Json {
  return inputs
}

/** The stage: what reading found becomes its result. It fails when one problem is an error. */
export async function runValidate(
  { progress, signal }: Pick<StageContext, 'progress' | 'signal'>,
  { pipeline, problems }: PipelineReading,
): Promise<StageResult> {
  signal.throwIfAborted()
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.filter(({ severity }) => severity === 'warning').length
  progress.step(`${errors} errors, ${warnings} warnings`)
  return {
    outcome: hasErrors(problems) ? 'failed' : 'passed',
    problems,
    metrics: { errors, warnings },
    files: [],
    details: { kind: 'validate', manifest: pipeline === undefined ? null : describeManifest(pipeline.manifest) },
  }
}

function describeManifest({
  namespace,
  name,
  version,
  description,
  authors,
  license,
  keywords,
  homepage,
}: NonNullable<PipelineReading['pipeline']>['manifest']): NonNullable<Extract<StageResult['details'], { kind: 'validate' }>['manifest']> {
  return { namespace, name, version, description, authors, license, keywords, homepage }
}
