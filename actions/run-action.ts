import { setOutput, setSecret } from '@actions/core'
import { interruptible } from '../adapters/process/interruptible.ts'
import { EXIT, explainError, type ExitCode } from '../pipeline/exit-code.ts'
import type { ActionDefinition, InputValues } from './definition.ts'
import { readActionsEnvironment, type ActionsEnvironment } from './environment.ts'
import { jobLog, type JobLog } from './job-log.ts'
import { InputError, readInputs } from './read-inputs.ts'
import { tellRunner } from './tell-runner.ts'

/** What the work of an action is handed. */
export interface ActionCall<Definition extends ActionDefinition> {
  readonly inputs: InputValues<Definition['inputs']>
  readonly environment: ActionsEnvironment
  readonly log: JobLog
  /** Fires when the job is cancelled: GitHub sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that. */
  readonly signal: AbortSignal
}

/** What the work of an action came to. */
export interface ActionResult<Definition extends ActionDefinition> {
  /** An output that is absent is empty. */
  readonly outputs: { readonly [Name in keyof Definition['outputs']]?: string }
  readonly exitCode: ExitCode
}

/**
 * Runs an action: reads its inputs, hands them to `work`, writes its outputs, and turns whatever goes wrong into an annotation and an exit code.
 * Never throws.
 */
export async function runAction<Definition extends ActionDefinition>(
  definition: Definition,
  work: (call: ActionCall<Definition>) => Promise<ActionResult<Definition>>,
): Promise<void> {
  const log = jobLog(process.stdout)
  process.on('uncaughtException', (error) => process.exit(explain(error, log)))
  try {
    const environment = readActionsEnvironment()
    maskSecrets(definition, environment)
    const inputs = readInputs(definition.inputs, environment.inputs) as InputValues<Definition['inputs']>
    const result = await interruptible((signal) => work({ inputs, environment, log, signal }))
    writeOutputs(definition, result.outputs)
    process.exitCode = result.exitCode
  } catch (error) {
    process.exitCode = explain(error, log)
  }
}

function maskSecrets({ inputs }: ActionDefinition, environment: ActionsEnvironment): void {
  for (const [name, { secret }] of Object.entries(inputs)) {
    const text = environment.inputs.get(name) ?? ''
    // The runner masks line by line; a mask of nothing, or of one character, would wreck the log.
    if (secret) for (const line of text.split('\n').map((part) => part.trim())) if (line.length > 2) setSecret(line)
  }
}

function writeOutputs({ outputs }: ActionDefinition, values: Readonly<Record<string, string | undefined>>): void {
  tellRunner('writing the outputs of the step', () => {
    for (const name of Object.keys(outputs)) setOutput(name, values[name] ?? '')
  })
}

function explain(error: unknown, log: JobLog): ExitCode {
  if (error instanceof InputError) {
    error.complaints.forEach((complaint) => log.error(complaint))
    return EXIT.failed
  }
  const { code, text } = explainError(error)
  log.error(text)
  return code
}
