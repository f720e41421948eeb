import { afterEach, describe, expect, it, vi } from 'vitest'
import { explainCommand } from '../../../../cli/commands/explain.ts'
import { renderRule } from '../../../../cli/output/validate/rule-text.ts'
import type { RuleDocument } from '../../../../pipeline/validate/rule.ts'
import { RULE } from './reports.ts'

const OTHER: RuleDocument = { ...RULE, code: 'CTSS-D003', name: 'no-entrypoint', severity: 'warning', example: { none: 'It is what is missing.' } }

async function explain(...[asked, options = {}]: [string?, { json?: boolean }?]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
  const code = await explainCommand(asked, options, [OTHER, RULE])
  const [out = '', err = ''] = [stdout, stderr].map((spy) => spy?.mock.calls.map(([chunk]) => String(chunk)).join(''))
  return { code, out, err }
}

describe('ctss explain', () => {
  afterEach(() => void vi.restoreAllMocks())

  it.each(['CTSS-M012', 'ctss-m012', 'M012', 'm012', 'version-is-text', 'Version-Is-Text'])('prints the page of %s', async (asked) => {
    expect(await explain(asked)).toEqual({
      code: 0,
      err: '',
      out: [
        'CTSS-M012 version-is-text  error: Sage refuses it, or breaks',
        '',
        'The version is not text.',
        '',
        'It is stored as a number.',
        '',
        'Source: sage-ecr ecr_api.py L1.',
        '',
        'Wrong:',
        '  sage.yaml',
        '    version: 1.0',
        '',
        'Right:',
        '  sage.yaml',
        '    version: "1.0.0"',
        '',
        'https://github.com/sagecontinuum/ctss/blob/main/docs/rules.md#ctss-m012',
        '',
      ].join('\n'),
    })
  })

  it.each([
    ['CTSS-M021', 'Did you mean CTSS-M012?'],
    ['m021', 'Did you mean CTSS-M012?'],
    ['no-entrypiont', 'Did you mean no-entrypoint?'],
    ['\u001b[31mzzz', "'zzz' is no rule's code or name. ctss explain lists them all."],
  ])('answers %j with the one that was meant', async (asked, answer) => {
    expect(await explain(asked)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(answer) })
  })

  it('lists all of them without a code', async () => {
    expect((await explain()).out).toBe(
      'CTSS-D003  warning  no-entrypoint    The version is not text.\nCTSS-M012  error    version-is-text  The version is not text.\n',
    )
  })

  it.each([
    [undefined, 2],
    ['CTSS-M012', 1],
  ])('prints %j as JSON', async (asked, length) => {
    expect(JSON.parse((await explain(asked, { json: true })).out)).toMatchObject({ rules: { length } })
  })

  it('says why there is no example, shows invisible characters, breaks long lines and uses colours where it may', () => {
    expect(renderRule(OTHER, false)).toContain('Example: none. It is what is missing.')
    expect(renderRule({ ...RULE, example: { bad: { a: 'x\u0000y' } } }, false)).toContain(String.raw`x\u0000y`)
    expect(
      Math.max(
        ...renderRule({ ...RULE, reason: 'word '.repeat(200) }, false)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100)
    expect(renderRule(RULE, true)).toContain('\u001b[31merror')
  })
})
