import { validateScript } from '../pipeline/stage-scripts/validate-script.ts'
import type { VALIDATE } from './definitions.ts'
import { openJob } from './job.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { type ActionCall, type ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The action `validate`: judges the manifest with all that is around it. Runs nothing of the repository. */
export async function runValidateAction(call: ActionCall<typeof VALIDATE>): Promise<ActionResult<typeof VALIDATE>> {
  const { inputs } = call
  const job = await openJob(call)
  const finished = await runStageAction(job, { stage: 'validate', name: 'validate', script: validateScript, force: true, reuses: false })
  const { problems } = finished.summary
  const count = (severity: string): number => problems.filter((problem) => problem.severity === severity).length
  const failsStrictly = inputs.strict && count('warning') > 0
  if (failsStrictly) job.log.error('warnings fail too, since the input `strict` is true')
  return {
    outputs: { ...finished.outputs, errors: String(count('error')), warnings: String(count('warning')) },
    exitCode: failsStrictly && finished.exitCode === EXIT.passed ? EXIT.failed : finished.exitCode,
  }
}
