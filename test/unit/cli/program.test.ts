import { afterEach, describe, expect, it, vi } from 'vitest'
import { runProgram } from '../../../cli/program.ts'

function capture(): { stdout: () => string; stderr: () => string } {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const text = (spy: typeof stdout) => (): string => spy.mock.calls.map(([chunk]) => String(chunk)).join('')
  return { stdout: text(stdout), stderr: text(stderr) }
}

const ctss = async (...args: string[]): Promise<number> => runProgram(['node', 'ctss', ...args], '1.2.3')

describe('the command line', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('prints its version', async () => {
    const output = capture()

    expect(await ctss('--version')).toBe(0)
    expect(output.stdout()).toBe('1.2.3\n')
  })

  it('shows examples and exit codes in its help', async () => {
    const output = capture()

    expect(await ctss('--help')).toBe(0)
    expect(output.stdout()).toContain('ctss run examples/smoke-detector')
    expect(output.stdout()).toContain('Exit codes: 0 passed')
  })

  it.each([
    [['run', '--keep-goin'], 'Did you mean --keep-going?'],
    [['rum'], 'Did you mean run?'],
    [['run', '--from', 'bulid'], 'Allowed choices are validate, train, build'],
    [['run', '--force=bulid'], "'bulid' is not a stage"],
    [['run', '--platform', 'arm64'], "'arm64' is not a platform"],
    [['run', '--platform', ','], 'is not a platform'],
    [['test', '.', '--trail', 'x'], 'Did you mean --trial?'],
  ])('answers %j with a suggestion and exit code 1', async (args, answer) => {
    const output = capture()

    expect(await ctss(...args)).toBe(1)
    expect(output.stderr()).toContain(answer)
  })

  it('says what is wrong with a folder that is not there, with exit code 2', async () => {
    const output = capture()

    expect(await ctss('validate', '/nowhere/at/all')).toBe(2)
    expect(output.stderr()).toContain('/nowhere/at/all is not there')
  })
})
