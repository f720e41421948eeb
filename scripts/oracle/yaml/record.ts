/**
 * Asks Python again for all cases of a file of records (lines of {"text", "as": "yaml" | "json"}, whatever else they hold), and prints them with its answers.
 * The texts are one for each rule that we know of, and of 60,000 generated ones the shortest for each kind of answer. To add one, append its line and record.
 * usage: node scripts/oracle/yaml/record.ts PYTHON RECORDS >NEW_RECORDS; PYTHON (3.11) has PyYAML 6.0.3;
 * RECORDS is test/unit/pipeline/validate/sage/python-cases.ndjson.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Recorded } from '../../../test/support/python-dump.ts'

interface Case {
  readonly text: string
  readonly as: 'yaml' | 'json'
}

const [python = 'python3', records = ''] = process.argv.slice(2)
const cases = lines<Case>(readFileSync(records, 'utf8')).map(({ text, as }) => ({ text, as }))
const input = cases.map((asked) => `${JSON.stringify({ ...asked, words: true })}\n`).join('')
const { stdout } = spawnSync(python, [join(import.meta.dirname, 'read.py')], {
  input,
  maxBuffer: 2 ** 30,
  encoding: 'utf8',
  stdio: ['pipe', 'pipe', 'inherit'],
})
for (const [index, answer] of lines<Recorded>(stdout).entries()) {
  // A set has no order in Python: what it prints changes from run to run.
  const hasOrder = 'error' in answer || !/<[^>]*,/.test(answer.value)
  console.log(JSON.stringify({ ...cases[index], ...answer, ...(hasOrder ? {} : { repr: undefined }) }))
}

function lines<Line>(text: string): readonly Line[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
