import type { RuleDocument } from '../../pipeline/validate/rule.ts'
import { closestWord } from '../../pipeline/validate/words.ts'
import { readEnvironment, wantsColor } from '../environment.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { printable } from '../../pipeline/printable.ts'
import { renderRule, renderRuleList } from '../output/validate/rule-text.ts'
import { writeOut } from '../output/validate/write-out.ts'

/** `ctss explain`: the page of a rule in the terminal, by code or name; all of them in a line each without one. */
export async function explainCommand(
  asked: string | undefined,
  { json = false }: { readonly json?: boolean },
  rules?: readonly RuleDocument[],
): Promise<ExitCode> {
  const documents = rules ?? (await import('../../pipeline/validate/rules/rules.ts')).RULE_DOCUMENTS
  const found = asked === undefined ? documents : documents.filter(({ code, name }) => code === fullCode(asked) || name === asked.toLowerCase())
  if (found.length === 0) return refuse(asked ?? '', documents)
  const isColored = wantsColor(readEnvironment(), process.stdout)
  const text = json
    ? `${JSON.stringify({ rules: found.map(toOutput) }, undefined, 2)}\n`
    : asked === undefined
      ? renderRuleList(found)
      : found.map((rule) => renderRule(rule, isColored)).join('\n')
  await writeOut(process.stdout, text)
  return EXIT.passed
}

/** Only what the document says, in one order; a rule carries its check too. */
function toOutput({ code, name, severity, title, reason, source, example }: RuleDocument): RuleDocument {
  return { code, name, severity, title, reason, source, example }
}

/** `m100`, `M100` and `ctss-m100` are CTSS-M100. */
function fullCode(asked: string): string {
  return `CTSS-${asked.toUpperCase().replace(/^CTSS-/, '')}`
}

function refuse(asked: string, documents: readonly RuleDocument[]): ExitCode {
  const meant =
    closestWord(
      fullCode(asked),
      documents.map(({ code }) => code),
    ) ??
    closestWord(
      asked.toLowerCase(),
      documents.map(({ name }) => name),
    )
  const hint = meant === undefined ? 'ctss explain lists them all.' : `Did you mean ${meant}?`
  process.stderr.write(`ctss: '${printable(asked)}' is no rule's code or name. ${hint}\n`)
  return EXIT.failed
}
