import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { initControlCommand } from '../../../cli/commands/init-control.ts'
import { runProgram } from '../../../cli/program.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import { complaintsOf } from '../../support/workflow-parser.ts'
import { askedFor, workflowNamed, type WrittenWorkflow } from '../../support/workflows.ts'

const COMMIT = '0123456789'.repeat(4)
const OPTIONS = { repository: 'sage/ctss-control', workflows: `sagecontinuum/ctss@${COMMIT}` }
const FILE = '.github/workflows/dispatch.yml'

let folder = ''
let said = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-control-'))
  said = ''
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text)
      return true
    })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

const written = async (): Promise<string> => readFile(join(folder, FILE), 'utf8')
const read = async (): Promise<WrittenWorkflow> => parse(await written()) as WrittenWorkflow

describe('ctss init --control', () => {
  it('writes the one workflow of a control repository, and says what is next', async () => {
    expect(await initControlCommand(folder, OPTIONS)).toBe(0)

    expect((await readdir(folder)).toSorted()).toEqual(['.github', 'README.md'])
    expect(await complaintsOf('dispatch.yml', await written())).toEqual([])
    expect(said).toContain('CONTROL_REPOSITORY=sage/ctss-control')
    expect(said).toContain(`DISPATCH_WORKFLOW=sagecontinuum/ctss/${FILE}@${COMMIT}`)
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('# ctss-control')
  })

  it('hands every input on to the workflow of a release commit, with the rights that its jobs ask for and no others', async () => {
    await initControlCommand(folder, OPTIONS)
    const { on, jobs, permissions } = await read()
    const { ctss } = jobs
    const inputs = workflowNamed('dispatch.yml').on.workflow_call?.inputs ?? {}

    expect(on).toEqual({ workflow_dispatch: { inputs } })
    expect(ctss?.with).toEqual(Object.fromEntries(Object.keys(inputs).map((name) => [name, `\${{ inputs.${name} }}`])))
    expect(ctss?.uses).toBe(`sagecontinuum/ctss/${FILE}@${COMMIT}`)
    expect(permissions).toEqual({})
    expect(ctss?.permissions).toEqual(askedFor({ uses: '$/.github/workflows/dispatch.yml' }))
  })

  it('is named after the plan, by which the app finds it, and lets nothing cancel a run', async () => {
    await initControlCommand(folder, OPTIONS)
    const { concurrency, ...workflow } = await read()

    expect(workflow).toHaveProperty('run-name', '${{ inputs.repository }} · ${{ inputs.plan || inputs.commit }}')
    expect(concurrency).toEqual({ group: 'ctss ${{ inputs.repository }} ${{ inputs.path }} ${{ inputs.commit }}', 'cancel-in-progress': false })
    // The same group in both would wait for itself.
    expect(concurrency?.group).not.toBe(workflowNamed('dispatch.yml').concurrency?.group)
  })

  it('changes nothing the second time, only the commit for another release, and no README that is there', async () => {
    await writeFile(join(folder, 'README.md'), '# Ours\n')
    await initControlCommand(folder, OPTIONS)
    const before = await written()
    said = ''
    expect(await initControlCommand(folder, OPTIONS)).toBe(0)
    expect(said).toContain('Nothing was to be changed.')
    await initControlCommand(folder, { ...OPTIONS, workflows: `sagecontinuum/ctss@${'a'.repeat(40)}` })

    expect(await written()).toBe(before.replaceAll(COMMIT, 'a'.repeat(40)))
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe('# Ours\n')
  })

  it('leaves a workflow alone that somebody wrote', async () => {
    await mkdir(join(folder, '.github/workflows'), { recursive: true })
    await writeFile(join(folder, FILE), 'on: push\n')

    expect(await initControlCommand(folder, OPTIONS)).toBe(1)
    expect(said).toContain('was not written by ctss')
    expect(await written()).toBe('on: push\n')
  })

  it.each([
    [{ repository: 'control' }, "'control' is no repository"],
    [{ repository: 'sage/../control' }, 'is no repository'],
    [{ workflows: 'sagecontinuum/ctss@v1' }, 'A branch or a tag could be moved'],
    [{ workflows: COMMIT }, 'names no workflows'],
  ])('refuses %o', async (options, message) => {
    expect(await initControlCommand(folder, { ...OPTIONS, ...options })).toBe(1)
    expect(said).toContain(message)
    expect(await readdir(folder)).toEqual([])
  })

  it('fails as the disk does', async () => {
    await writeFile(join(folder, '.github'), '')
    await expect(initControlCommand(folder, OPTIONS)).rejects.toMatchObject({ code: 'storage-unavailable' })
    await mkdir(join(folder, 'other/README.md'), { recursive: true })
    await expect(initControlCommand(join(folder, 'other'), OPTIONS)).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

describe('the release of this version', () => {
  function makeProject(...tags: readonly (readonly string[])[]): { readonly url: string; readonly commit: string } {
    const project = join(folder, 'project')
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: folder, encoding: 'utf8' }).trim()
    git('init', '--quiet', project)
    git('-C', project, 'commit', '--quiet', '--allow-empty', '--message=one')
    for (const tag of tags) git('-C', project, 'tag', ...tag)
    return { url: pathToFileURL(project).href, commit: git('-C', project, 'rev-parse', 'HEAD') }
  }

  it.each([
    ['a plain tag', [`v${packageJson.version}`]],
    ['an annotated one', ['--annotate', '--message=release', `v${packageJson.version}`]],
  ])('is asked for its commit: %s', async (_, tag) => {
    const { url, commit } = makeProject(tag)

    expect(await initControlCommand(folder, { ...OPTIONS, workflows: undefined }, url)).toBe(0)
    expect(await written()).toContain(`uses: sagecontinuum/ctss/${FILE}@${commit} # v${packageJson.version}\n`)
  })

  it('may not be there, or out of reach', async () => {
    const { url } = makeProject()
    const suggestion = expect.stringContaining('--workflows') as string

    await expect(initControlCommand(folder, { ...OPTIONS, workflows: undefined }, url)).rejects.toMatchObject({ code: 'forge-refused', suggestion })
    await expect(initControlCommand(folder, { ...OPTIONS, workflows: undefined }, `${url}-gone`)).rejects.toMatchObject({
      code: 'forge-unavailable',
      suggestion,
    })
  })
})

describe('the command line', () => {
  const ctss = async (...args: readonly string[]): Promise<number> => runProgram(['node', 'ctss', ...args], '1.2.3')

  it('writes into the folder that is named', async () => {
    expect(await ctss('init', '--control', 'sage/control', '--workflows', `sagecontinuum/ctss@${COMMIT}`, folder)).toBe(0)
    expect(await written()).toContain(COMMIT)
  })

  it('still wants the name of a plugin otherwise', async () => {
    expect(await ctss('init')).toBe(1)
    expect(said).toContain("missing required argument 'name'")
  })
})
