import type { StageRecord, Subject } from '../../schemas/generated/types.ts'
import { keyOf } from '../key.ts'
import { makeRecord, type RunPorts } from '../run.ts'
import { runValidate, validateInputs, type PipelineReading } from '../validate/validate.ts'

/** The record of `validate` of what was read, as its stage would leave it: a plan needs it, and nothing runs for it. */
export async function recordVerdict(
  reading: PipelineReading,
  subject: Subject,
  ports: Pick<RunPorts, 'clock' | 'environment' | 'toolVersion'>,
): Promise<StageRecord> {
  const started = ports.clock.now()
  const result = await runValidate({ progress: { step: () => undefined, output: () => undefined }, signal: new AbortController().signal }, reading)
  return makeRecord('validate', result, keyOf('validate', validateInputs(reading)), started, subject, ports)
}
