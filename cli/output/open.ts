import type { CliEnvironment } from '../environment.ts'
import type { Output } from './output.ts'
import { plainOutput, quietOutput } from './plain.ts'

/** Columns below which a list cannot be redrawn in place (a terminal that does not know its size says 0). */
const NARROWEST = 40

/** The output that fits: nothing, lines for a log, or a list that is redrawn on a terminal. */
export async function openOutput({ quiet = false }: { readonly quiet?: boolean }, { ci }: CliEnvironment): Promise<Output> {
  if (quiet) return quietOutput()
  if (ci || !process.stderr.isTTY || process.stderr.columns < NARROWEST) return plainOutput(process.stderr)
  const { interactiveOutput } = await import('./interactive.ts')
  return interactiveOutput(process.stderr)
}
