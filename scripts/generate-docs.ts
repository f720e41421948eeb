/** Writes docs/rules.md from the rules' own documents, and docs/actions.md and every action.yml from the actions' definitions, and the tables of docs/workflows.md. `--check` writes nothing and fails when what lies there is stale. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { ACTIONS } from '../actions/definitions.ts'
import { RULE_DOCUMENTS } from '../pipeline/validate/rules/rules.ts'
import { DIFFERENCES } from '../test/oracle/differences.ts'
import { renderActionsPage, renderActionYaml } from './actions-files.ts'
import { renderRulesPage } from './rules-page.ts'
import { renderWorkflowsPage } from './workflows-page.ts'

const root = new URL('../', import.meta.url)
/** What stands before it is written by hand. */
const ACTIONS_BEGIN = '<!-- generated from actions/definitions.ts -->'

const actionsPage = await readFile(new URL('docs/actions.md', root), 'utf8')
const intro = actionsPage.slice(0, actionsPage.indexOf(ACTIONS_BEGIN) + ACTIONS_BEGIN.length)
async function readWorkflows(): Promise<{ readonly file: string; readonly text: string }[]> {
  const folder = new URL('reusable-workflows/', root)
  const names = (await readdir(folder)).toSorted()
  return Promise.all(names.map(async (file) => ({ file, text: await readFile(new URL(file, folder), 'utf8') })))
}

const files: readonly (readonly [string, string])[] = [
  ['docs/rules.md', renderRulesPage(RULE_DOCUMENTS, DIFFERENCES)],
  ['docs/actions.md', renderActionsPage(intro)],
  ['docs/workflows.md', renderWorkflowsPage(await readFile(new URL('docs/workflows.md', root), 'utf8'), await readWorkflows())],
  ...ACTIONS.map((action) => [`actions/${action.name}/action.yml`, renderActionYaml(action)] as const),
]

for (const [path, text] of files) {
  const file = new URL(path, root)
  if (!process.argv.includes('--check')) await writeFile(file, text)
  else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    process.stderr.write(`${path} is stale: run \`npm run generate\`.\n`)
    process.exitCode = 1
  }
}
