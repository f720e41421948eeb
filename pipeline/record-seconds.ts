import type { StageRecord } from '../schemas/generated/types.ts'

/** How long a stage took, in seconds. A build whose platforms were built in jobs of their own took as long as the slowest of them: its record is of joining them. */
export function secondsOfRecord({ started, ended, details }: StageRecord): number {
  const own = Math.max(0, Date.parse(ended) - Date.parse(started)) / 1000
  return details.kind === 'build' ? Math.max(own, ...details.platforms.map(({ seconds }) => seconds)) : own
}
