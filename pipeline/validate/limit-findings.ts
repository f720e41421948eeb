import type { Finding, Rule } from './rule.ts'

/** More findings of one rule help nobody, and a hostile file could cause as many as it has bytes. */
const MAX_FINDINGS = 100

/** The rule, which stops after 100 findings. */
export function limitFindings<Facts>(rule: Rule<Facts>): Rule<Facts> {
  return { ...rule, check: (facts) => firstOf(rule.check(facts)) }
}

function* firstOf(findings: Iterable<Finding>): Generator<Finding> {
  let count = 0
  for (const finding of findings) {
    yield finding
    if (++count >= MAX_FINDINGS) return
  }
}
