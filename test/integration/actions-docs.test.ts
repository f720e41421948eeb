import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { ACTIONS } from '../../actions/definitions.ts'
import type { ActionDefinition } from '../../actions/definition.ts'
import { makeTestRegistry, type TestRegistry } from '../support/actions/test-registry.ts'
import { makeRelease } from '../support/actions/action-machine.ts'
import { tinyFiles } from '../support/act/story.ts'
import { makeStandIns } from '../support/act/stand-ins/make-stand-ins.ts'
import { hostFiles } from '../support/mini-runner/hosted-files.ts'
import { makeMiniGitHub } from '../support/mini-runner/make-github.ts'
import { runWorkflow } from '../support/mini-runner/run.ts'
import { push } from '../support/mini-runner/trigger.ts'
import { NATIVE } from '../support/tiny-plugin.ts'

/** As docs/actions.md writes it. */
const OWNER = 'OWNER/ctss'
const PLUGIN = 'sage/tiny-plugin'
const WORKFLOW = '.github/workflows/docs.yml'

interface Step {
  readonly uses: string
  readonly with?: Readonly<Record<string, unknown>>
}

const EXAMPLES: readonly ActionDefinition[] = ACTIONS
/** What belongs to a run of the app is run with one: test/e2e/dispatch.test.ts. */
const OF_THE_APP = ['deliver']
/** An example with which another one begins is run by that. */
const WHOLE = EXAMPLES.filter(({ name }) => !OF_THE_APP.includes(name)).filter(
  ({ example }) => !EXAMPLES.some((other) => other.example.startsWith(`${example}\n- `)),
)

const resources = new AsyncDisposableStack()
let registry: TestRegistry
let folder = ''
let folders: Readonly<Record<string, string>> = {}
beforeAll(async () => {
  registry = resources.use(await makeTestRegistry())
  const release = resources.use(await makeRelease())
  folder = mkdtempSync(join(tmpdir(), 'ctss-docs-'))
  folders = { ...(await makeStandIns(join(folder, 'stand-ins'))), [OWNER]: release.folder }
})
afterAll(async () => {
  await resources.disposeAsync()
  rmSync(folder, { recursive: true, force: true })
})

/** Only the registry is another one, since GitHub's is not to be had here. */
function stepsOf(example: string, root: string): readonly Step[] {
  const steps = parse(example.replaceAll('linux/amd64', NATIVE)) as readonly Step[]
  return steps.map((step) => {
    const action = EXAMPLES.find(({ name }) => step.uses === `${OWNER}/actions/${name}@v1`)
    return action?.inputs['registry'] === undefined ? step : { ...step, with: { ...step.with, registry: root } }
  })
}

describe('the example of an action in its docs', () => {
  it.each(WHOLE.map(({ name, example, permissions }) => [name, example, permissions] as const))(
    '%s: runs as it stands there',
    async (name, example, permissions) => {
      const steps = stepsOf(example, `${registry.root}/${name}`)
      const job = {
        'runs-on': 'ubuntu-24.04',
        'timeout-minutes': 10,
        permissions: Object.fromEntries(permissions.map(({ scope, access }) => [scope, access])),
        steps,
      }
      const commit = hostFiles(folder, PLUGIN, {
        ...(await tinyFiles('tiny-plugin')),
        [WORKFLOW]: stringify({ on: 'push', permissions: {}, jobs: { docs: job } }),
      })
      const github = await makeMiniGitHub(folder, { ...folders, [PLUGIN]: join(folder, 'repositories', PLUGIN) })
      const run = await runWorkflow(github, push(PLUGIN, commit), { workflow: WORKFLOW })
      const [ran] = run.jobs

      expect(
        ran?.steps.map((step) => `${step.name} ${step.conclusion}`).filter((line) => !line.startsWith('Post ')),
        run.log.join('\n'),
      ).toEqual(steps.map(({ uses }) => `${uses} success`))
      expect(ran).toMatchObject({ conclusion: 'success', orphans: [] })
      expect(ran?.annotations.filter(({ level }) => level !== 'notice')).toEqual([])
    },
  )

  it('of every action is among them', () => {
    const run = WHOLE.map(({ example }) => example).join('\n')
    expect(ACTIONS.filter(({ name }) => !OF_THE_APP.includes(name)).filter(({ name }) => !run.includes(`${OWNER}/actions/${name}@v1`))).toEqual([])
  })
})
