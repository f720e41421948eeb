import { styleText } from 'node:util'

import type { ExampleFiles, RuleDocument } from '../../../pipeline/validate/rule.ts'
import { rulePage } from './report-writer.ts'

const WIDTH = 100
const COLOURS = { error: 'red', warning: 'yellow', hint: 'cyan' } as const

/** What a severity means, in a few words. */
export const SEVERITY_MEANINGS: Readonly<Record<RuleDocument['severity'], string>> = {
  error: 'Sage refuses it, or breaks',
  warning: 'accepted, but it will not do what its author thinks',
  hint: 'could be better',
}

/** A line for each rule. */
export function renderRuleList(rules: readonly RuleDocument[]): string {
  const width = Math.max(0, ...rules.map(({ name }) => name.length))
  return rules.map(({ code, name, severity, title }) => `${code}  ${severity.padEnd(7)}  ${name.padEnd(width)}  ${title}\n`).join('')
}

/** A rule's page as text for a terminal. */
export function renderRule({ code, name, severity, title, reason, source, example }: RuleDocument, color: boolean): string {
  const paint = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'cyan', text: string): string => (color ? styleText(style, text, { validateStream: false }) : text)
  const head = `${paint('bold', `${code} ${name}`)}  ${paint(COLOURS[severity], severity)}: ${SEVERITY_MEANINGS[severity]}`
  const blocks = [head, wrap(title), wrap(reason), `${paint('bold', 'Source:')} ${source}`]
  if ('none' in example) blocks.push(`${paint('bold', 'Example:')} none. ${example.none}`)
  else {
    blocks.push(`${paint('bold', 'Wrong:')}\n${renderFiles(example.bad)}`)
    if (example.good !== undefined) blocks.push(`${paint('bold', 'Right:')}\n${renderFiles(example.good)}`)
  }
  return `${[...blocks, paint('dim', rulePage(code))].join('\n\n')}\n`
}

function renderFiles(files: ExampleFiles): string {
  return Object.entries(files)
    .map(
      ([path, text]) =>
        `  ${path}\n${text
          .trimEnd()
          .split('\n')
          .map((line) => `    ${visible(line)}`)
          .join('\n')}`,
    )
    .join('\n')
}

/** Examples of invisible characters show them. */
export function visible(line: string): string {
  return line.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Lines of at most 100 characters; paragraphs stay apart. */
function wrap(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((paragraph) => {
      const lines: string[] = ['']
      for (const word of paragraph.split(/\s+/)) {
        const last = lines.at(-1) ?? ''
        if (last !== '' && last.length + word.length >= WIDTH) lines.push(word)
        else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
      }
      return lines.join('\n')
    })
    .join('\n\n')
}
