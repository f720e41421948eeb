import type { StageRecord } from '../../schemas/generated/types.ts'
import { nameOf, type Pipeline } from '../pipeline.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Problem } from '../problem.ts'
import type { PipelineReading } from '../validate/validate.ts'
import { decideGates, gateProblems, type GateDecision } from './gates.ts'

/** The gates of a run's training record, decided now; empty without one, and while the training is not finished. */
export async function decideRunGates(
  { pipeline, record }: { readonly pipeline: Pipeline | undefined; readonly record: StageRecord | undefined },
  catalogue: Catalogue,
): Promise<readonly GateDecision[]> {
  if (pipeline?.training === undefined || record?.details.kind !== 'train' || record.details.resumable) return []
  // A catalogue that nobody needs may be out of reach.
  const compares = pipeline.training.gates.some((gate) => 'max_drop' in gate)
  const baseline = compares ? await catalogue.newestRelease(nameOf(pipeline)) : undefined
  return decideGates(pipeline.training.gates, record.details, baseline)
}

/** The problems of gates that a training record does not pass, at their places in ctss.yaml. Fails as the catalogue does. */
export async function judgeGates(
  run: { readonly pipeline: Pipeline | undefined; readonly record: StageRecord | undefined },
  { catalogue, reading }: { readonly catalogue: Catalogue; readonly reading: PipelineReading },
): Promise<readonly Problem[]> {
  return gateProblems(await decideRunGates(run, catalogue), (index) => reading.placeOf(['training', 'gates', index]))
}
