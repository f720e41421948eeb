import type { Random } from '../../oracle/random.ts'

const JSON_SCALARS = [
  'null',
  'true',
  'false',
  'NaN',
  'Infinity',
  '-Infinity',
  '0',
  '-0',
  '1',
  '-1',
  '01',
  '1.0',
  '1.',
  '.5',
  '1e5',
  '1E+5',
  '1e-5',
  '1e',
  '-',
  '--1',
  '+1',
  '1.5e300',
  '1e999',
  '-1e999',
  '0.1',
  '123456789012345678901234567890',
  '1.10',
  '-0.0',
  '1e16',
  '1e-7',
  'nul',
  'True',
  'None',
  "'a'",
  'x',
  '0x1',
  '1_0',
  '5e-324',
  '١',
  '9'.repeat(4300),
  '9'.repeat(4301),
  `-${'9'.repeat(4301)}`,
  '1e22',
  '123456789.125',
]

const JSON_PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  ' ',
  '\n',
  'null',
  'a',
  '1',
  '-',
  '.',
  'e5',
  '\t',
  '\x01',
  '\uFEFF',
  '#',
  "'",
  'Infinity',
  '\\u',
  ',}',
  ',]',
  '😀',
]

/** JSON, and texts that are nearly JSON. */
export class JsonTexts {
  protected readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  text(): string {
    let text = this.jsonSpace() + this.jsonValue(0) + this.jsonSpace()
    if (this.random.chance(0.5)) {
      for (let index = this.random.below(3); index >= 0; index -= 1) {
        const at = this.random.below(text.length + 1)
        text = this.random.chance(0.6)
          ? text.slice(0, at) + this.random.pick(JSON_PIECES) + text.slice(at)
          : text.slice(0, at) + text.slice(at + 1 + this.random.below(3))
      }
    }
    // What is read as UTF-8 holds no half characters.
    return text.toWellFormed()
  }

  jsonSpace(): string {
    return this.random.chance(0.8) ? this.random.pick(['', '', ' ']) : this.random.pick(['\n', '\t', '\r\n', '  ', '\xA0', '\uFEFF', '\f'])
  }

  jsonValue(depth: number): string {
    const kind = this.random.next()
    if (kind < 0.3) return this.jsonString()
    if (kind < 0.6 || depth > 3) return this.random.pick(JSON_SCALARS)
    const items: string[] = []
    const isObject = this.random.chance(0.6)
    for (let index = this.random.below(4); index > 0; index -= 1) {
      const key = isObject ? `${this.random.chance(0.5) ? this.random.pick(['"a"', '"b"']) : this.jsonString()}${this.jsonSpace()}:${this.jsonSpace()}` : ''
      items.push(this.jsonSpace() + key + this.jsonValue(depth + 1) + this.jsonSpace())
    }
    return isObject ? `{${items.join(',') || this.jsonSpace()}}` : `[${items.join(',') || this.jsonSpace()}]`
  }

  jsonString(): string {
    let text = ''
    for (let index = this.random.below(4); index > 0; index -= 1)
      text += this.random.pick([
        'a',
        'b c',
        'é',
        '😀',
        '\\n',
        '\\"',
        '\\\\',
        '\\/',
        '\\u00e9',
        '\\ud83d\\ude00',
        '\\ud83d',
        '\\ude00',
        '\\b',
        '\\f',
        '\\u0000',
        "'",
        '\x7F',
        '\u2028',
        '\\x',
        '\\u12',
        '\n',
        '\t',
        '\uFEFF',
        '\\uD83Dx',
        '\\u00E9',
      ])
    return `"${text}"`
  }
}
