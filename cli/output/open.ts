import type { CliEnvironment } from '../environment.ts'
import type { Output } from './output.ts'
import { plainOutput, quietOutput } from './plain.ts'

/** The output that fits: nothing, lines for a log, or a list that is redrawn on a terminal. */
export async function openOutput({ quiet = false }: { readonly quiet?: boolean }, { ci }: CliEnvironment): Promise<Output> {
  if (quiet) return quietOutput()
  if (ci || !process.stderr.isTTY) return plainOutput(process.stderr)
  const { interactiveOutput } = await import('./interactive.ts')
  return interactiveOutput(process.stderr)
}
