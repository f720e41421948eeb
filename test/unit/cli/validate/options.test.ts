import { afterEach, describe, expect, it, vi } from 'vitest'
import { runProgram } from '../../../../cli/program.ts'

async function ctss(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
  const code = await runProgram(['node', 'ctss', ...args], '1.2.3')
  const [out = '', err = ''] = [stdout, stderr].map((spy) => spy?.mock.calls.map(([chunk]) => String(chunk)).join(''))
  return { code, out, err }
}

describe('options of ctss validate', () => {
  afterEach(() => void vi.restoreAllMocks())

  it.each([
    [['--json', '--sarif'], "'--json' cannot be used with option '--sarif'"],
    [['--sarif', '--github'], "'--sarif' cannot be used with option '--github'"],
    [['--fix', '--diff'], "'--fix' cannot be used with option '--diff'"],
    [['--diff', '--json'], "'--diff' cannot be used with option '--json'"],
    [['--strikt'], 'Did you mean --strict?'],
    [['--user'], "'--user <name>' argument missing"],
    [['--user', ''], 'It is empty: name one, or leave the option out.'],
    [['--branch', ' '], 'It is empty'],
    [['--ref', ''], 'It is empty'],
    [['--repository', ''], "'' is no address of a Git repository"],
    [['--repository', 'not a url'], "'not a url' is no address of a Git repository; one looks like https://"],
    [['--ref', 'main'], "'--ref' is only for Git URLs, and . is none"],
    [['https://example.org/x', '--ref', 'main'], "'--ref' is only for Git URLs, and . is none"],
  ])('%j are answered with a sentence and exit code 1', async (args, answer) => {
    expect(await ctss('validate', '.', ...args)).toMatchObject({ code: 1, err: expect.stringContaining(answer) })
  })

  it.each(['run', 'train', 'build', 'test', 'publish', 'report'])('--ref goes with no folder in ctss %s either', async (command) => {
    expect(await ctss(command, 'my folder', '--ref', 'main')).toMatchObject({ code: 1, err: expect.stringContaining('and my folder is none') })
  })

  it('does not take a working directory that is gone for a bug', async () => {
    vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), { code: 'ENOENT', syscall: 'uv_cwd' })
    })

    expect(await ctss('validate', '.')).toMatchObject({ code: 2, err: expect.stringMatching(/^ctss: The working directory is not there any more\.\n/) })
  })

  it('are all in the help', async () => {
    const { out } = await ctss('validate', '--help')

    for (const option of ['user', 'repository', 'branch', 'as-submitted', 'fix', 'diff', 'json', 'sarif', 'github', 'buildkit', 'strict', 'ref', 'quiet'])
      expect(out).toContain(`--${option} `)
  })
})
