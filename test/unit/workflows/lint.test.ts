import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { renderActionYaml } from '../../../scripts/actions-files.ts'
import { ACTIONS } from '../../../actions/definitions.ts'
import { initControlCommand } from '../../../cli/commands/init-control.ts'
import { provideTool } from '../../support/tools.ts'

/** The first time compiles actionlint, or fetches Go for it. */
const INSTALLING_MS = 600_000

describe('actionlint', () => {
  const copy = mkdtempSync(join(tmpdir(), 'ctss-actionlint-'))
  let actionlint = ''

  beforeAll(async () => {
    actionlint = await provideTool('actionlint')
    // It finds a project by its .git, and wants the files of `runs` to be there.
    mkdirSync(join(copy, '.git'), { recursive: true })
    cpSync('.github', join(copy, '.github'), { recursive: true })
    for (const action of ACTIONS) {
      mkdirSync(join(copy, 'actions', action.name, 'dist'), { recursive: true })
      writeFileSync(join(copy, 'actions', action.name, 'action.yml'), renderActionYaml(action))
      for (const entry of ['main.mjs', 'post.mjs']) writeFileSync(join(copy, 'actions', action.name, 'dist', entry), '')
    }
    // It does not look through `$/`, which it does not know (https://github.com/rhysd/actionlint/issues/711); through `./` it checks inputs and outputs.
    for (const file of readdirSync(join(copy, '.github/workflows'))) rewrite(file, (text) => text.replaceAll('uses: $/', 'uses: ./'))
  }, INSTALLING_MS)
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  function rewrite(file: string, change: (text: string) => string): void {
    const path = join(copy, '.github/workflows', file)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  }

  function lint(): readonly string[] {
    const { stdout, stderr, status } = spawnSync(actionlint, ['-no-color', '-oneline'], { cwd: copy, encoding: 'utf8' })
    expect([0, 1], stderr).toContain(status)
    return stdout.trim().split('\n').filter(Boolean)
  }

  it('has nothing against any workflow, inputs and outputs of our actions included', () => {
    expect(lint()).toEqual([])
  })

  it('has nothing against the workflow of a control repository', async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const folder = mkdtempSync(join(tmpdir(), 'ctss-control-'))
    try {
      await initControlCommand(folder, { repository: 'sage/control', workflows: `sagecontinuum/ctss@${'0123456789'.repeat(4)}` })
      const text = readFileSync(join(folder, '.github/workflows/dispatch.yml'), 'utf8')
      // Through `./` it compares inputs and rights with those of the workflow that is called.
      writeFileSync(join(copy, '.github/workflows/control.yml'), text.replace(/uses: sagecontinuum\/ctss\/(\S+)@\S+/, 'uses: ./$1'))
      expect(lint()).toEqual([])
      rmSync(join(copy, '.github/workflows/control.yml'))
    } finally {
      vi.restoreAllMocks()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('sees an input and an output that no action has', () => {
    rewrite('virtual.yml', (text) => text.replace('staging: ${{', 'stagging: ${{').replace('steps.virtual.outputs.trials', 'steps.virtual.outputs.trails'))

    const complaints = lint().join('\n')

    expect(complaints).toContain('input "stagging" is not defined in action "CTSS virtual"')
    expect(complaints).toContain('property "trails" is not defined')
  })
})

describe('zizmor', () => {
  let zizmor = ''

  beforeAll(async () => {
    zizmor = await provideTool('zizmor')
  }, INSTALLING_MS)

  function audit(persona: string, ...inputs: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync(
      zizmor,
      ['--offline', '--no-progress', '--color=never', '--config=.github/zizmor.yml', `--persona=${persona}`, ...inputs],
      {
        encoding: 'utf8',
      },
    )
    // 0: no findings; 11 to 14: findings, by the worst severity. https://docs.zizmor.sh/usage/#exit-codes
    expect([0, 11, 12, 13, 14], stderr).toContain(status)
    return status === 0 ? '' : stdout
  }

  it('finds nothing in our workflows, actions and the updating bot, even when it is pedantic', () => {
    expect(audit('pedantic', '.github', 'actions')).toBe('')
  })

  it('finds nothing in the workflow of a control repository, even when it is pedantic', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctss-zizmor-'))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    try {
      await initControlCommand(folder, { repository: 'sage/control', workflows: `sagecontinuum/ctss@${'0123456789'.repeat(4)}` })
      expect(audit('pedantic', join(folder, '.github'))).toBe('')
    } finally {
      vi.restoreAllMocks()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("finds nothing in the example's workflows", () => {
    expect(audit('regular', 'examples/smoke-detector/.github')).toBe('')
  })

  it('finds what is wrong in a workflow', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctss-zizmor-'))
    try {
      const file = join(folder, 'bad.yml')
      writeFileSync(file, readFileSync('reusable-workflows/validate.yml', 'utf8').replace(/@[0-9a-f]{40} #/, '@'))

      expect(audit('pedantic', file)).toContain('unpinned-uses')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
