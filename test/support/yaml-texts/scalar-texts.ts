import type { Random } from '../../oracle/random.ts'
import { PIECES, SCALARS, TIMES } from './yaml-pieces.ts'

/** Scalars in all styles, and texts of little else. */
export class ScalarTexts {
  protected readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  soup(length: number): string {
    let text = ''
    for (let index = 0; index < length; index += 1) text += this.random.chance(0.3) ? this.random.pick(SCALARS) : this.random.pick(PIECES)
    return text
  }

  scalarDocument(): string {
    const lines: string[] = []
    for (let index = this.random.below(4); index >= 0; index -= 1) {
      const tag = this.random.chance(0.4)
        ? this.random.pick(['!!str ', '!!int ', '!!float ', '!!bool ', '!!null ', '!!timestamp ', '!!binary ', '! ', '!!set ', '!!value ', '!!merge ', ''])
        : ''
      lines.push(`${this.random.pick(['- ', '- ', 'k: ', `k${index}: `, '? ', ''])}${tag}${this.scalar()}`)
    }
    return lines.join('\n')
  }

  numberText(): string {
    let text = this.random.pick(['', '', '-', '+'])
    for (let index = this.random.below(7); index >= 0; index -= 1)
      text += this.random.pick([
        '0',
        '1',
        '2',
        '7',
        '8',
        '9',
        '_',
        '.',
        ':',
        'e',
        'E',
        '+',
        '-',
        'x',
        'b',
        'a',
        'f',
        '59',
        '60',
        '00',
        'T',
        'Z',
        ' ',
        '-0',
        '-1',
        '2001-',
        '-02',
        ':30',
      ])
    return text
  }

  scalar(): string {
    const kind = this.random.next()
    const plain =
      kind < 0.6
        ? this.random.pick(SCALARS)
        : kind < 0.75
          ? this.random.pick(TIMES)
          : kind < 0.88
            ? this.numberText()
            : `${this.random.pick(SCALARS)}${this.random.pick(['', ' ', ':', ' #', '#', ', ', '\n ', '\n  ', '\n\n ', '\t'])}${this.random.pick(SCALARS)}`
    const style = this.random.next()
    if (style < 0.7) return plain
    if (style < 0.8) return `'${this.random.chance(0.8) ? plain.replaceAll("'", "''") : plain}'`
    return `"${this.random.chance(0.8) ? plain.replaceAll(/["\\]/g, '\\$&') : plain}${this.random.chance(0.2) ? this.random.pick(['\\n', '\\x4', '\\u00e9', '\\ud83d\\ude00', '\\uD800', '\\U00110000', '\\/', '\\_', '\\N', '\\L', '\\P', '\\e', '\\0', '\\\t', '\\ ', '\\\n  x', '\n', '\n\n', ' \n x', '\\q', '\\x00']) : ''}"`
  }

  properties(): string {
    if (this.random.chance(0.85)) return ''
    return this.random.pick([
      '&a ',
      '&b ',
      '&c ',
      '!!str ',
      '!!map ',
      '!!seq ',
      '!!set ',
      '!!omap ',
      '!!pairs ',
      '!!int ',
      '! ',
      '!foo ',
      '&a !!str ',
      '!!str &b ',
      '&a\n',
      '!!map\n',
      '&a &b ',
      '!!null ',
      '!!binary ',
      '!!timestamp ',
      '!!merge ',
      '!!float ',
      '!!bool ',
    ])
  }

  mutate(text: string, times: number): string {
    let mutated = text
    for (let index = 0; index < times; index += 1) {
      const at = this.random.below(mutated.length + 1)
      const kind = this.random.next()
      if (kind < 0.45) mutated = mutated.slice(0, at) + this.random.pick(PIECES) + mutated.slice(at)
      else if (kind < 0.65) mutated = mutated.slice(0, at) + mutated.slice(at + 1 + this.random.below(3))
      else if (kind < 0.75) mutated = mutated.slice(0, at) + this.random.pick(SCALARS) + mutated.slice(at)
      else if (kind < 0.85) {
        const from = this.random.below(mutated.length + 1)
        mutated = mutated.slice(0, at) + mutated.slice(from, from + 1 + this.random.below(20)) + mutated.slice(at)
      } else if (kind < 0.9) mutated = mutated.slice(0, at)
      else if (kind < 0.95) mutated = mutated.replaceAll('\n', this.random.pick(['\r\n', '\r', '\n ', '\x85', '\u2028']))
      else
        mutated =
          mutated.slice(0, at) +
          this.random.pick([
            '\0',
            '\x07',
            '\x7F',
            '\uD800',
            '\uDC00',
            '\uFFFE',
            '\uFFFF',
            '\uFEFF',
            '\x0B',
            '\x0C',
            '\x1B',
            '\xAD',
            '\u200B',
            '\uE000',
            '\u{10FFFF}',
          ]) +
          mutated.slice(at)
    }
    return mutated
  }
}
