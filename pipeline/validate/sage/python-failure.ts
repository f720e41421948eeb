import type { PythonError } from './python-value.ts'

/** What Python raises, thrown inside the readers and printers only: they give it back as a value. */
export class PythonFailure extends Error {
  readonly error: PythonError

  constructor(name: string, message: string, start = 0) {
    super(message)
    this.error = { name, message, start }
  }
}

/** What `run` returns, or what Python raises in it. */
export function caught<Result>(run: () => Result): Result | { readonly error: PythonError } {
  try {
    return run()
  } catch (failure) {
    if (failure instanceof PythonFailure) return { error: failure.error }
    throw failure
  }
}
