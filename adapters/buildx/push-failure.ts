import { randomBytes } from 'node:crypto'

import { Failure } from '../../pipeline/failure.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'

const PROBE_BYTES = 2 ** 20

/** Builders tell no more than the status of a push that failed. Whether a 5xx means a full disk comes out when we write something ourselves. */
export async function explainPushFailure(failure: Failure, registry: Registry, repository: string): Promise<Failure> {
  if (failure.code !== 'registry-unavailable' || !/\b50\d\b/.test(failure.message)) return failure
  try {
    // What is there already would not be written again.
    await registry.putBlob(repository, randomBytes(PROBE_BYTES))
    return failure
  } catch (error) {
    return error instanceof Failure && error.code === 'storage-full'
      ? new Failure('storage-full', error.message, { cause: failure, ...(error.suggestion !== undefined && { suggestion: error.suggestion }) })
      : failure
  }
}
