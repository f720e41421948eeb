import type { StageScript } from '../run.ts'
import { judgeGates } from '../train/run-gates.ts'
import type { StageOptions, StagePorts } from './stage-ports.ts'

/** What is decided about a training anew in every run, for runs that train nothing. */
export function gatesScript(
  { reading }: Pick<StageOptions, 'reading'>,
  { catalogue }: Pick<StagePorts, 'catalogue'>,
): StageScript & Required<Pick<StageScript, 'judge'>> {
  return {
    stage: 'train',
    inputs: async () => undefined,
    async run() {
      throw new TypeError('nothing is trained here')
    },
    judge: async ({ pipeline }, record) => judgeGates({ pipeline, record }, { catalogue, reading }),
  }
}
