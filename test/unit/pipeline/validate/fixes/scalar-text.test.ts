import YAML from 'portal-yaml'
import { describe, expect, it } from 'vitest'

import { writeDouble, writeScalar } from '../../../../../pipeline/validate/fixes/scalar-text.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'

const TEXTS = [
  'plain', 'with space', 'a/b-c_d.e@f+g (h)', 'Yes', 'yes', 'no', 'y', 'NULL', '', ' ', ' a', 'a ', 'a  b', 'a: b', 'a:b', 'a #b', '# a', "it's", '"q"', '\\', '1.0', '1e3',
  '0x1', '1:30', '~', '-', '- a', '?', '*a', '&a', '!a', '%a', '@a', '`a', '{a}', '[a]', 'a,b', '|', '>', 'a\nb', 'a\tb', 'a\rb', '\u0085', '\u2028', '\uFEFF', '\u00A0', '\u007F', 'é', '☁', '😀',
  'x'.repeat(2000), '\0', '.inf', '<<', '=', '2023-01-01',
] // prettier-ignore

describe('a scalar', () => {
  it.each([
    ['plain where that is certain', 'linux/amd64', undefined, 'linux/amd64'],
    ['in double quotes where it is not', 'yes', undefined, '"yes"'],
    ['in double quotes when it would be a number', '1.0', undefined, '"1.0"'],
    ['in the single quotes asked for', "it's", 'single', "'it''s'"],
    ['in double quotes when single ones cannot hold it', 'a\nb', 'single', '"a\\nb"'],
    ['in the double quotes asked for', 'a', 'double', '"a"'],
    ['on one line where it stood on several', 'a\nb', 'literal', '"a\\nb"'],
    ['plain where it stood on several', 'a', 'folded', 'a'],
  ] as const)('is written %s', (_, text, style, expected) => {
    expect(writeScalar(text, style)).toBe(expected)
  })

  it.each(TEXTS)('%j is read as itself by both YAMLs, in block and in flow style', (text) => {
    for (const style of ['plain', 'single', 'double', 'literal', 'folded'] as const) {
      const written = writeScalar(text, style)
      for (const [document, path] of [
        [`k: ${written}\nz: 1\n`, 'k'],
        [`{k: ${written}, z: 1}`, 'k'],
        [`[${written}]`, 0],
      ] as const) {
        const parsed = loadPyYaml(document)
        const python =
          'value' in parsed
            ? parsed.value.type === 'dict'
              ? parsed.value.entries[0]?.value
              : parsed.value.type === 'list'
                ? parsed.value.items[0]
                : undefined
            : undefined
        expect(python).toMatchObject({ type: 'str', value: text })
        expect((YAML.parse(document) as Record<string | number, unknown>)[path]).toBe(text)
      }
      expect(written).not.toMatch(/[\n\r]/)
    }
    expect(JSON.parse(writeDouble(text))).toBe(text)
  })
})
