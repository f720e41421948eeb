import type { StageScript } from '../run.ts'
import { runValidate, validateInputs } from '../validate/validate.ts'
import type { StageOptions } from './stage-ports.ts'

/** The stage `validate`, bound to what was read. */
export function validateScript({ reading }: Pick<StageOptions, 'reading'>): StageScript {
  return { stage: 'validate', inputs: async () => validateInputs(reading), run: async (_run, context) => runValidate(context, reading) }
}
