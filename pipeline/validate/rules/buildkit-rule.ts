import type { Problem } from '../../problem.ts'
import { problemOf } from '../rule.ts'
import type { RuleDocument } from '../rule.ts'

/** One finding of BuildKit's own check. Untrusted text. */
export interface BuildkitWarning {
  /** `JSONArgsRecommended`, for instance. */
  readonly name: string
  readonly message: string
  readonly url: string | undefined
  readonly line: number | undefined
}

export const BUILDKIT_CHECK: RuleDocument = {
  code: 'CTSS-D080',
  name: 'buildkit-check',
  severity: 'hint',
  title: 'BuildKit’s own check has something to say about the Dockerfile.',
  reason:
    'With `--buildkit`, the check that ships with the builder (`docker build --check`) is asked too, where there is a builder; its findings depend on the builder’s version, so they are hints. Each names its own page.',
  source: 'https://docs.docker.com/reference/build-checks/',
  example: { none: 'What is found is decided by the builder that is there; `ENTRYPOINT python3 main.py` gives JSONArgsRecommended, for instance.' },
}

/** BuildKit's findings as problems of a Dockerfile. */
export function buildkitProblems(file: string, warnings: readonly BuildkitWarning[]): readonly Problem[] {
  return warnings.map(({ name, message, url, line }) =>
    problemOf(BUILDKIT_CHECK, {
      place: { file, ...(line !== undefined && line > 0 && { line }) },
      message: `${name}: ${message}${/[.!?]$/.test(message) ? '' : '.'}`,
      ...(url !== undefined && { suggestion: `Read ${url}` }),
    }),
  )
}
