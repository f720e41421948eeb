import type { Problem } from '../../../../pipeline/problem.ts'
import type { RuleDocument } from '../../../../pipeline/validate/rule.ts'
import type { ShownReport } from '../../../../cli/output/validate/report-writer.ts'

/** A problem as a rule would find it. */
export function problem(overrides: Partial<Problem> = {}): Problem {
  return {
    code: 'CTSS-M012',
    severity: 'error',
    message: 'This is wrong.',
    place: { file: 'sage.yaml', line: 2, column: 10, endLine: 2, endColumn: 13 },
    ...overrides,
  }
}

/** A report over texts, by path. */
export function shown(texts: Readonly<Record<string, string>>, problems: readonly Problem[], overrides: Partial<ShownReport> = {}): ShownReport {
  return {
    path: 'sage.yaml',
    verdict: { portal: 'refused', submitted: 'refused' },
    isJudged: true,
    isPortals: true,
    fixes: 0,
    failed: true,
    problems,
    place: '.',
    shownPath: (file) => file,
    distinctPath: (file) => `plugin/${file}`,
    linesOf: (file) => texts[file]?.split(/\r\n|\n|\r/),
    ...overrides,
  }
}

/** The rule behind `problem()`. */
export const RULE: RuleDocument = {
  code: 'CTSS-M012',
  name: 'version-is-text',
  severity: 'error',
  title: 'The version is not text.',
  reason: 'It is stored as a number.',
  source: 'sage-ecr ecr_api.py L1.',
  example: { bad: { 'sage.yaml': 'version: 1.0\n' }, good: { 'sage.yaml': 'version: "1.0.0"\n' } },
}

export const FIX: NonNullable<Problem['fix']> = {
  title: 'put quotes around it',
  safe: true,
  edits: [{ file: 'sage.yaml', line: 2, column: 10, endLine: 2, endColumn: 13, text: '"1.0"' }],
}
