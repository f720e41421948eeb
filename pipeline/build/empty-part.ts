import type { BuildDetails } from '../../schemas/generated/types.ts'

/** Details of a part of a build that came to nothing. */
export const EMPTY_PART: BuildDetails = { kind: 'build', part: true, repository: '', platforms: [] }
