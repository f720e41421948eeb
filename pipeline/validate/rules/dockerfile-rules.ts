import { readAssignments } from '../dockerfile/assignments.ts'
import type { Instruction } from '../dockerfile/instructions.ts'
import type { RepositoryRule } from '../rule.ts'
import type { Span } from '../sage/python-value.ts'
import { findNamedSecret, findSecrets } from '../secret-patterns.ts'
import { BASE_RULES } from './dockerfile-rules-base.ts'
import { CONTEXT_RULES } from './dockerfile-rules-context.ts'
import { DOWNLOAD_RULES } from './dockerfile-rules-download.ts'
import { PATH_RULES } from './dockerfile-rules-path.ts'
import { PYWAGGLE_RULES } from './dockerfile-rules-pywaggle.ts'
import { START_RULES } from './dockerfile-rules-start.ts'
import { SYNTAX_RULES } from './dockerfile-rules-syntax.ts'

const hasSecret: RepositoryRule = {
  code: 'CTSS-D070',
  name: 'secret-in-dockerfile',
  severity: 'warning',
  title: 'A secret stands in the Dockerfile.',
  reason:
    'Everybody who can pull the image or read the repository has it: values of ENV and ARG stay in the image’s history. Revoke it, and hand secrets over when the plugin runs (`env` of a job with `{secret.…}`), or to a build with RUN --mount=type=secret.',
  source: 'https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env; waggle-sensor/edge-scheduler 5391a00 (`{secret.name.key}`).',
  example: {
    bad: { Dockerfile: 'FROM python:3.12-slim\nENV SAGE_USER_TOKEN=4b7d0f2a9c6e8153d2b4f6a8c0e1d3f5a7b9c1d2\nENTRYPOINT ["python3", "/app/main.py"]\n' },
    good: { Dockerfile: 'FROM python:3.12-slim\nENV SAGE_USER_TOKEN=""\nENTRYPOINT ["python3", "/app/main.py"]\n' },
  },
  *check({ dockerfile }) {
    if (dockerfile === undefined || dockerfile.isForeign) return
    const hasTokens = findSecrets(dockerfile.text.text).length > 0
    for (const instruction of dockerfile.instructions) {
      const found = secretIn(instruction, hasTokens)
      if (found === undefined) continue
      yield {
        place: dockerfile.text.place(found.span),
        message: `${found.kind.replace(/^a/, 'A')} stands in the Dockerfile, for everybody to read.`,
        suggestion: 'Revoke it, and take it out: a job hands secrets over in `env`, a build with RUN --mount=type=secret.',
      }
    }
  },
}

/** The first secret of an instruction; its place says where, its text is nowhere repeated. */
function secretIn(instruction: Instruction, hasTokens: boolean): { readonly kind: string; readonly span: Span } | undefined {
  for (const text of !hasTokens ? [] : [instruction.body, ...instruction.heredocs.map(({ content }) => content)]) {
    const [found] = findSecrets(text.text)
    if (found !== undefined) return { kind: found.kind, span: text.span(found.start, found.end) }
  }
  if (instruction.keyword !== 'ENV' && instruction.keyword !== 'ARG') return undefined
  for (const { name, value, span } of readAssignments(instruction)) {
    const kind = value === undefined ? undefined : findNamedSecret(name, value)
    if (kind !== undefined) return { kind, span }
  }
  return undefined
}

/** Rules about the Dockerfile, alone and together with the manifest and the files around it. */
export const DOCKERFILE_RULES: readonly RepositoryRule[] = [
  ...PATH_RULES,
  ...SYNTAX_RULES,
  ...BASE_RULES,
  ...PYWAGGLE_RULES,
  ...START_RULES,
  ...DOWNLOAD_RULES,
  ...CONTEXT_RULES,
  hasSecret,
]
