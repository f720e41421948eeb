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
  ])('%j are answered with a sentence and exit code 1', async (args, answer) => {
    expect(await ctss('validate', '.', ...args)).toMatchObject({ code: 1, err: expect.stringContaining(answer) })
  })

  it('are all in the help', async () => {
    const { out } = await ctss('validate', '--help')

    for (const option of ['user', 'repository', 'branch', 'as-submitted', 'fix', 'diff', 'json', 'sarif', 'github', 'buildkit', 'strict', 'ref', 'quiet'])
      expect(out).toContain(`--${option} `)
  })
})
