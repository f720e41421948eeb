import { rulePage } from '../cli/output/validate/report-writer.ts'
import { SEVERITY_MEANINGS, visible } from '../cli/output/validate/rule-text.ts'
import type { ExampleFiles, RuleDocument } from '../pipeline/validate/rule.ts'

/** Where our verdict is not Sage's, and why. */
export interface Difference {
  readonly what: string
  readonly why: string
}

const CHAPTERS: readonly (readonly [letter: string, title: string])[] = [
  ['M', 'The manifest'],
  ['R', 'The repository'],
  ['D', 'The Dockerfile'],
  ['P', 'Python'],
  ['C', 'ctss.yaml'],
]

const LANGUAGES: Readonly<Record<string, string>> = { yaml: 'yaml', yml: 'yaml', json: 'json', py: 'python', txt: 'text', md: 'markdown', toml: 'toml' }

/** `docs/rules.md`: all rules, then where they differ from Sage's own code. */
export function renderRulesPage(rules: readonly RuleDocument[], differences: readonly Difference[]): string {
  const chapters = CHAPTERS.map(([letter, title]) => ({ title, rules: rules.filter(({ code }) => code.startsWith(`CTSS-${letter}`)) })).filter(
    (chapter) => chapter.rules.length > 0,
  )
  return [
    '# Rules',
    '<!-- Generated from the rules by `npm run generate`; do not edit. -->',
    INTRODUCTION,
    ...chapters.map(({ title, rules: listed }) => renderTable(title, listed)),
    ...chapters.flatMap(({ title, rules: listed }) => [`## ${title}`, ...listed.map(renderRule)]),
    '<a id="differences"></a>\n\n## Where this differs from Sage',
    "Every verdict is compared with the one of Sage's own server. These differences are known, and meant:",
    differences.length === 0 ? 'None.' : differences.map(({ what, why }) => `- **${what}** ${why}`).join('\n'),
    '',
  ].join('\n\n')
}

const INTRODUCTION = `What \`ctss validate\` can say. \`ctss explain CODE\` prints a page in the terminal; codes are stable, and never used again for something else.

| severity | means |
|---|---|
${Object.entries(SEVERITY_MEANINGS)
  .map(([severity, meaning]) => `| ${severity} | ${meaning} |`)
  .join('\n')}

Two verdicts are given for each manifest: what Sage answers when the **Portal** sends it, with the namespace, the address and the branch filled in; and what it answers
when the file is sent to **\`POST /submit\`** as it is written. Errors are those of the first; with \`--as-submitted\`, of the second.`

function renderTable(title: string, rules: readonly RuleDocument[]): string {
  const rows = rules.map(({ code, name, severity, title: sentence }) => `| [${code}](#${anchorOf(code)}) | ${severity} | \`${name}\` | ${cell(sentence)} |`)
  return `**${title}**\n\n| code | severity | name | what is wrong |\n|---|---|---|---|\n${rows.join('\n')}`
}

function renderRule({ code, name, severity, title, reason, source, example }: RuleDocument): string {
  const parts = [`<a id="${anchorOf(code)}"></a>`, `### ${code} ${name}`, `**${severity}** · ${title}`, reason, `*Source:* ${source}`]
  if ('none' in example) return [...parts, `*Example:* none. ${example.none}`].join('\n\n')
  return [...parts, `Wrong:\n\n${renderFiles(example.bad)}`, ...(example.good === undefined ? [] : [`Right:\n\n${renderFiles(example.good)}`])].join('\n\n')
}

function renderFiles(files: ExampleFiles): string {
  return Object.entries(files)
    .map(([path, text]) => {
      const shown = text.replace(/\n$/, '').split('\n').map(visible).join('\n')
      const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
      const fence = '`'.repeat(longest + 1)
      const language = path.endsWith('Dockerfile') ? 'dockerfile' : (LANGUAGES[path.split('.').at(-1) ?? ''] ?? '')
      return `\`${path}\`\n\n${fence}${language}\n${shown}\n${fence}`
    })
    .join('\n\n')
}

/** The fragment of the address that everything links to. */
function anchorOf(code: string): string {
  return rulePage(code).split('#').at(-1) ?? ''
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')
}
