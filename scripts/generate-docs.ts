/** Writes docs/rules.md from the rules' own documents. `--check` writes nothing and fails when what lies there is stale. */
import { readFile, writeFile } from 'node:fs/promises'
import { RULE_DOCUMENTS } from '../pipeline/validate/rules/rules.ts'
import { DIFFERENCES } from '../test/oracle/differences.ts'
import { renderRulesPage } from './rules-page.ts'

const page = new URL('../docs/rules.md', import.meta.url)
const text = renderRulesPage(RULE_DOCUMENTS, DIFFERENCES)
if (!process.argv.includes('--check')) await writeFile(page, text)
else if ((await readFile(page, 'utf8').catch(() => '')) !== text) {
  process.stderr.write('docs/rules.md is stale: run `npm run generate`.\n')
  process.exitCode = 1
}
