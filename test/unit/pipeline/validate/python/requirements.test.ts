import { describe, expect, it } from 'vitest'

import { readRequirements, wheelFileOf } from '../../../../../pipeline/validate/python/requirements.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'

const read = (text: string) => readRequirements(textFile('requirements.txt', text))

describe('requirements', () => {
  it.each<readonly [string, Record<string, unknown>]>([
    ['numpy', { name: 'numpy', extras: [], specifiers: [], marker: undefined, url: undefined }],
    ['Foo.Bar_baz==1', { name: 'foo-bar-baz', writtenName: 'Foo.Bar_baz' }],
    ['pywaggle[ALL, vision] ==0.56.*', { extras: ['all', 'vision'] }],
    ['numpy (>=1.2)', { name: 'numpy', specifiers: [{ operator: '>=', isWildcard: false, version: expect.objectContaining({ text: '1.2' }) }] }],
    ['numpy>=1.2; python_version < "3.8"', { marker: 'python_version < "3.8"' }],
    ['numpy>=x', { specifiers: undefined }],
    ['numpy==1 --hash=sha256:00 --hash=sha256:11', { specifiers: [expect.objectContaining({ operator: '==' })] }],
    ['foo @ https://a.b/foo-1-py3-none-any.whl ; os_name == "posix"', { name: 'foo', url: 'https://a.b/foo-1-py3-none-any.whl', marker: 'os_name == "posix"' }],
    ['foo[x]@git+https://a.b/foo.git', { name: 'foo', extras: ['x'], url: 'git+https://a.b/foo.git' }],
    ['https://a.b/c_d-1.0-py3-none-any.whl#sha256=0', { name: 'c-d', url: 'https://a.b/c_d-1.0-py3-none-any.whl#sha256=0' }],
    ['git+https://github.com/waggle-sensor/pywaggle', { name: 'pywaggle', url: 'git+https://github.com/waggle-sensor/pywaggle' }],
    ['git+https://a.b/x.git@main#egg=pywaggle', { name: 'pywaggle' }],
    ['./wheels/a-1-py3-none-any.whl', { name: 'a', url: './wheels/a-1-py3-none-any.whl' }],
    ['a-1-py3-none-any.whl', { name: 'a' }],
    ['./folder', { name: '', url: './folder' }],
    ['git+https://user@a.b/c/d.git@feature/x', { name: 'd' }],
    ['git+ssh://git@a.b/c/d@v1?x#subdirectory=e/f', { name: 'd' }],
    ['git+git@a.b:c/d.git', { name: 'd' }],
    ['git+https://a.b/c d@e', { name: 'c' }],
    ['git+https://a.b/$C', { name: '' }],
    ['https://a.b/a-.whl#.whl\u2028x', { name: 'a' }],
    ['-e git+https://a.b/c.git', { name: 'c', url: 'git+https://a.b/c.git' }],
    ['--editable ./c', { url: './c' }],
  ])('%s', (line, expected) => expect(read(line).requirements).toStrictEqual([expect.objectContaining(expected)]))

  it.each(['', '# a', '   # a', '==1', 'foo bar', '[x]', `${'a'.repeat(9000)}`, '-e', '-r a.txt'])('%j asks for nothing', (line) =>
    expect(read(line).requirements).toStrictEqual([]),
  )

  it.each([
    ['-r a.txt', '--requirement', 'a.txt'],
    ['-ra.txt', '--requirement', 'a.txt'],
    ['--requirement=a.txt', '--requirement', 'a.txt'],
    ['-c a.txt', '--constraint', 'a.txt'],
    ['--index-url https://a.b', '--index-url', 'https://a.b'],
    ['--no-index', '--no-index', ''],
    ['-x', '-x', ''],
  ])('%s', (line, name, value) => expect(read(line).options).toStrictEqual([{ name, value, span: expect.objectContaining({ start: 0 }) }]))

  it('are where they stand, over lines and behind a byte order mark', () => {
    const text = '\uFEFF# first\r\nnumpy[x] \\\r\n  >=1.2 \\\r\n  --hash=sha256:00 # why\r\n\r\n  scipy  # two\r\npandas\\'
    const found = read(text).requirements.map(({ name, span, specifierSpan, text: file }) => [
      name,
      text.slice(span.start, span.end),
      file.place(span).line,
      text.slice(specifierSpan.start, specifierSpan.end),
    ])
    expect(found).toStrictEqual([
      ['numpy', 'numpy[x] \\\r\n  >=1.2', 2, ' \\\r\n  >=1.2'],
      ['scipy', 'scipy', 6, ''],
      ['pandas', 'pandas', 7, ''],
    ])
  })

  it.each<readonly [string, string | undefined]>([
    ['https://a.b/c.whl?x=/d.whl#e.whl', 'c.whl'],
    ['wheels\\c.whl', 'c.whl'],
    ['c.whl', 'c.whl'],
    ['https://a.b/c.whl.txt', undefined],
    ['https://a.b/c?d.whl', undefined],
  ])('the wheel of %s', (address, file) => expect(wheelFileOf(address)).toBe(file))

  it('end after 2000', () => expect(read('numpy\n'.repeat(2001)).requirements).toHaveLength(2000))

  it.each([' ', 'a-', 'git+/a/', 'a==1 \\\n', '#', '-r', '[', '(', ';', '@', 'a;'])('%j again and again is no more than can be judged', (piece) => {
    expect(read(piece.repeat(262_144 / piece.length)).requirements.length).toBeLessThanOrEqual(2000)
  })
})
