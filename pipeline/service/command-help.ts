import { closestWord } from '../validate/words.ts'
import type { RuleDocument } from '../validate/rule.ts'
import { RULE_DOCUMENTS } from '../validate/rules/rules.ts'
import { sayText } from './say.ts'

/** Answer to `/ctss help`. */
export const HELP = `| command | what it does |
|---|---|
| \`/ctss run [stage…] [--again]\` | runs what has no verdict yet; with \`--again\` also what has one |
| \`/ctss run --on NODE\` | runs on this Waggle node |
| \`/ctss cancel\` | stops what runs |
| \`/ctss approve [commit]\` | lets this commit of a fork or an unknown bot run |
| \`/ctss record\` | proposes what was measured as the expected results |
| \`/ctss explain CODE\` | explains a problem |
| \`/ctss init\` | proposes a manifest where there is none |

A command begins its line, and is for people with write access.`

/** A rule's page, for `/ctss explain`; undefined: there is none of this code or name. */
export function explainRule(asked: string): string | undefined {
  const rule = findRule(asked)
  return rule && `**${rule.code} ${rule.name}** (${rule.severity}): ${rule.title}\n\n${rule.reason}`
}

/** What to say of a code that no rule has. */
export function sayUnknownRule(asked: string): string {
  const meant = closestWord(
    fullCode(asked),
    RULE_DOCUMENTS.map(({ code }) => code),
  )
  return `${sayText(asked, 40)} is no rule's code.${meant === undefined ? '' : ` Did you mean ${meant}?`}`
}

function findRule(asked: string): RuleDocument | undefined {
  return RULE_DOCUMENTS.find(({ code, name }) => code === fullCode(asked) || name === asked.toLowerCase())
}

/** `m100`, `M100` and `ctss-m100` are CTSS-M100. */
function fullCode(asked: string): string {
  return `CTSS-${asked.toUpperCase().replace(/^CTSS-/, '')}`
}
