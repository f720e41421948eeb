import { describe, expect, it } from 'vitest'
import { annotation, escapeData, escapeProperty, printableLines, type AnnotationOptions } from '../../../pipeline/annotation.ts'
import type { Problem } from '../../../pipeline/problem.ts'
import { hostileTexts } from './report/hostile-texts.ts'

const problem = (overrides: Partial<Problem> = {}): Problem => ({ code: 'name-invalid', severity: 'error', message: 'The name has a blank.', ...overrides })

/** As the runner reads it (actions/runner, ActionCommand.TryParseV2). */
function obey(line: string): { readonly command: string; readonly properties: Readonly<Record<string, string>>; readonly data: string } {
  const [, command = '', properties = '', data = ''] = /^::([a-z]+)(?: ([^:]*))?::(.*)$/.exec(line) ?? []
  const unescape = (text: string): string =>
    text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%25', '%')
  const pairs = properties.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), unescape(pair.slice(pair.indexOf('=') + 1))])
  return { command, properties: Object.fromEntries(pairs), data: unescape(data) }
}

describe('an annotation', () => {
  it.each([
    ['error', 'error'],
    ['warning', 'warning'],
    ['hint', 'notice'],
  ] as const)('of severity %s is a command %s', (severity, command) => {
    expect(annotation(problem({ severity }))).toBe(`::${command} title=name-invalid::The name has a blank.`)
  })

  it.each<[string, Partial<Problem>, AnnotationOptions, string]>([
    ['a line', { place: { file: 'sage.yaml', line: 3 } }, {}, 'file=sage.yaml,line=3,title=name-invalid'],
    [
      'a range in one line',
      { place: { file: 'a', line: 3, column: 2, endLine: 3, endColumn: 9 } },
      {},
      'file=a,line=3,endLine=3,col=2,endColumn=9,title=name-invalid',
    ],
    ['a column and no end', { place: { file: 'a', line: 3, column: 2 } }, {}, 'file=a,line=3,col=2,title=name-invalid'],
    [
      'a range over lines, without columns',
      { place: { file: 'a', line: 3, column: 2, endLine: 5, endColumn: 9 } },
      {},
      'file=a,line=3,endLine=5,title=name-invalid',
    ],
    ['a file', { place: { file: 'a' } }, {}, 'file=a,title=name-invalid'],
    ['no place', {}, { file: 'sage.yaml' }, 'file=sage.yaml,title=name-invalid'],
    ['a place of its own', { place: { file: 'a' } }, { file: 'sage.yaml' }, 'file=a,title=name-invalid'],
    ['a path as GitHub sees it', { place: { file: 'a' } }, { shownPath: (path) => `plugin/${path}` }, 'file=plugin/a,title=name-invalid'],
    ['a rule', {}, { name: 'name-is-valid' }, 'title=name-invalid name-is-valid'],
    ['a path with what ends a property', { place: { file: 'a,b:c%d\n' } }, {}, 'file=a%2Cb%3Ac%25d%0A,title=name-invalid'],
  ])('stands at %s', (_, changes, options, properties) => {
    expect(annotation(problem(changes), options)).toBe(`::error ${properties}::The name has a blank.`)
  })

  it('says what to do, in a line of its own', () => {
    expect(annotation(problem({ suggestion: 'Use a hyphen.' }))).toBe('::error title=name-invalid::The name has a blank.%0AUse a hyphen.')
  })

  it('is one command and one line, whatever it quotes', () => {
    const texts = [...hostileTexts(300), '::error::x', '\r\n::set-output name=a::b', '##[error]x', '%0A::add-mask::a', '\u2028::debug::', '\u001b[31m']
    for (const text of texts) {
      const line = annotation(problem({ message: text, suggestion: text, place: { file: text, line: 1 } }))
      const { command, properties, data } = obey(line)

      expect(line).not.toMatch(/[\r\n]/)
      expect(command).toBe('error')
      expect(Object.keys(properties)).toEqual(['file', 'line', 'title'])
      expect(properties).toMatchObject({ file: text, title: 'name-invalid' })
      expect(data).not.toContain('##[')
      expect(data).toBe(printableLines(`${text}\n${text}`))
    }
  })
})

describe('lines for a log', () => {
  it('stay lines, each made safe', () => {
    expect(printableLines('a\u001b[31mb\n##[c]\n')).toBe('ab\n# #[c]\n')
  })
})

describe('escaping for the runner', () => {
  it.each([
    ['100%', '100%25', '100%25'],
    ['a\r\nb', 'a%0D%0Ab', 'a%0D%0Ab'],
    ['%0A', '%250A', '%250A'],
    ['a:b,c', 'a:b,c', 'a%3Ab%2Cc'],
  ])('%j', (text, data, property) => {
    expect(escapeData(text)).toBe(data)
    expect(escapeProperty(text)).toBe(property)
  })
})
