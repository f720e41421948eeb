import { storageFailure } from '../adapters/filesystem/storage-failure.ts'
import { Failure } from '../pipeline/failure.ts'

/** What @actions/core says of a file of the runner's that is not there. */
const MISSING = /^Missing file at path/

/** Writes to the files by which a step tells the runner something. Fails with `storage-full`, `storage-unavailable`. */
export function tellRunner(doing: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    if (error instanceof Error && MISSING.test(error.message)) throw new Failure('storage-unavailable', `${doing}: ${error.message}`, { cause: error })
    throw storageFailure(error, doing)
  }
}
