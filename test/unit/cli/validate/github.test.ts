import { describe, expect, it } from 'vitest'
import { githubWriter } from '../../../../cli/output/validate/github.ts'
import { escapeData, escapeProperty } from '../../../../pipeline/annotation.ts'
import { problem, RULE, shown } from './reports.ts'

const writer = githubWriter(async () => (code) => (code === RULE.code ? RULE.name : undefined))
const linesOf = async (...parameters: Parameters<typeof shown>): Promise<string[]> => String(await writer.report(shown(...parameters))).split('\n')

describe('GitHub workflow commands', () => {
  it.each([
    [problem(), '::error file=sage.yaml,line=2,endLine=2,col=10,endColumn=13,title=CTSS-M012 version-is-text::This is wrong.'],
    [
      problem({ severity: 'warning', suggestion: 'Do that.' }),
      '::warning file=sage.yaml,line=2,endLine=2,col=10,endColumn=13,title=CTSS-M012 version-is-text::This is wrong.%0ADo that.',
    ],
    [problem({ severity: 'hint', code: 'other', place: { file: 'Dockerfile' } }), '::notice file=Dockerfile,title=other::This is wrong.'],
    [
      problem({ place: { file: 'a', line: 1, column: 2, endLine: 3, endColumn: 4 } }),
      '::error file=a,line=1,endLine=3,title=CTSS-M012 version-is-text::This is wrong.',
    ],
    [{ code: 'x', severity: 'error', message: 'Nowhere.' } as const, '::error file=sage.yaml,title=x::Nowhere.'],
  ])('%#', async (found, line) => {
    expect((await linesOf({}, [found]))[0]).toBe(line)
  })

  it.each([
    ['100%\r\n::error::', '100%25%0D%0A::error::'],
    ['%0A', '%250A'],
  ])('escapes %j in a message as the runner takes it back', (text, escaped) => {
    expect(escapeData(text)).toBe(escaped)
  })

  it('escapes what ends a property', () => {
    expect(escapeProperty('a,b:c%\n')).toBe('a%2Cb%3Ac%25%0A')
  })

  it('ends with the verdict, in a line that no runner obeys', async () => {
    const lines = await linesOf({}, [], { path: '::error::##[error]x', failed: false, verdict: { portal: 'accepted', submitted: 'refused' } })

    expect(lines).toEqual(['ctss: ::error::# #[error]x: valid, 0 problems; the Portal: accepted, POST /submit: refused', ''])
  })

  it('says that what is too large was not judged', async () => {
    expect((await linesOf({}, [], { isJudged: false })).at(-2)).toBe('ctss: sage.yaml: not valid, 0 problems; not judged')
  })

  it('says what it could not read', () => {
    expect(writer.begin()).toBe('')
    expect(writer.failure?.('x', 'x is not there.\nReally.')).toBe('::error::x is not there.%0AReally.\n')
    expect(writer.end({ manifests: 0, failed: 0, unreadable: 1 })).toBe('')
  })
})
