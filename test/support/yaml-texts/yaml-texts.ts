import { ScalarTexts } from './scalar-texts.ts'

/** Texts in YAML's dark corners. */
export class YamlTexts extends ScalarTexts {
  text(seeds: readonly string[]): string {
    const kind = this.random.next()
    let text: string
    if (kind < 0.2) text = this.soup(1 + this.random.below(12))
    else if (kind < 0.35) text = this.scalarDocument()
    else if (kind < 0.75 || seeds.length === 0) text = this.block(0, 0, 'any')
    else text = this.fragment(this.random.pick(seeds))
    if (this.random.chance(0.35)) text = this.mutate(text, 1 + this.random.below(3))
    if (this.random.chance(0.05)) text = this.random.pick(['\uFEFF', '---\n', '--- ', '%YAML 1.1\n---\n', '# c\n', '\n', ' ']) + text
    if (this.random.chance(0.05)) text += this.random.pick(['\n...\n', '\n---\n', '\n--- x', ' # end', '\n\n', '\t', ' ', '\n...\n---\n', '\n%FOO\n'])
    return text
  }

  block(indent: number, depth: number, kind: 'any' | 'map'): string {
    const pad = ' '.repeat(indent)
    const odd = (): string => (this.random.chance(0.04) ? this.random.pick([' ', '\t', '  ']) : '')
    const end = (): string =>
      this.random.chance(0.06) ? this.random.pick(['\r\n', '\r', '\n\n', ' # c\n', ' \n', '\n# c\n', '\n  # c\n', '\x85', '\u2028', '\t\n', '#c\n']) : '\n'
    const what = depth > 3 ? 0.95 : this.random.next()
    const count = 1 + this.random.below(3)
    let text = ''
    if (what < 0.45 || (kind === 'map' && what < 0.9)) {
      for (let index = 0; index < count; index += 1) {
        const key = this.key()
        if (this.random.chance(0.06)) {
          text += `${pad}${odd()}? ${this.inline(depth)}${end()}`
          if (this.random.chance(0.8)) text += `${pad}${odd()}: ${this.inline(depth)}${end()}`
        } else if (this.random.chance(0.35) && depth < 4) {
          const step = this.random.pick([0, 1, 2, 2, 2, 4])
          text += `${pad}${odd()}${key}:${this.random.chance(0.1) ? ` ${this.properties()}` : ''}${end()}${this.block(indent + step, depth + 1, 'any')}`
        } else text += `${pad}${odd()}${key}:${this.random.pick([' ', ' ', ' ', '', '  ', '\t'])}${this.inline(depth)}${end()}`
      }
    } else if (what < 0.8) {
      for (let index = 0; index < count; index += 1) {
        if (this.random.chance(0.3) && depth < 4) {
          const step = this.random.pick([2, 2, 2, 4])
          const nested = this.block(indent + step, depth + 1, 'map')
          text += `${pad}${odd()}-${nested.slice(indent + 1) || ' x'}`
        } else text += `${pad}${odd()}-${this.random.pick([' ', ' ', ' ', '', '  ', '\t'])}${this.inline(depth)}${end()}`
      }
    } else if (what < 0.9) text = `${pad}${this.properties()}${this.blockScalar(indent)}`
    else text = `${pad}${this.inline(depth)}${end()}`
    return text
  }

  key(): string {
    const kind = this.random.next()
    if (kind < 0.5) return this.random.pick(['a', 'b', 'c', 'd', 'name', 'source', 'k', '"q"', "'s'", 'a b'])
    if (kind < 0.62) return '<<'
    if (kind < 0.66) return '='
    if (kind < 0.7)
      return this.random.pick([
        '*a',
        '*b',
        '*a ',
        '&a k',
        '!!str k',
        '!!int 1',
        '? k',
        '[a]',
        '{a: b}',
        '[a, b] ',
        '"a\n b"',
        'a\n b',
        '😀',
        `${'k'.repeat(1020)}`,
        `"${'k'.repeat(1023)}"`,
      ])
    return this.scalar()
  }

  inline(depth: number): string {
    const kind = this.random.next()
    if (kind < 0.5) return this.properties() + this.scalar()
    if (kind < 0.58) return this.random.pick(['*a', '*b', '*c', '[*a, *b]', '*a ', '*a:', '&a x', '&b {x: 1}', '&c [*a]'])
    if (kind < 0.86) return this.properties() + this.flow(depth)
    if (kind < 0.93) return this.properties() + this.blockScalar(depth * 2)
    return ''
  }

  flow(depth: number): string {
    if (depth > 4) return this.scalar()
    const space = (): string => this.random.pick(['', '', ' ', ' ', ' ', '\n', '\n  ', ' # c\n ', '\t', '\r\n'])
    const isMapping = this.random.chance(0.5)
    const items: string[] = []
    for (let index = this.random.below(4); index > 0; index -= 1) {
      const value = this.random.chance(0.3) ? this.flow(depth + 1) : this.properties() + this.scalar()
      const isPair = this.random.chance(isMapping ? 0.85 : 0.15)
      items.push(
        isPair
          ? `${this.random.chance(0.1) ? '? ' : ''}${this.random.chance(0.8) ? this.key() : this.flow(depth + 1)}${this.random.pick([': ', ': ', ':', ' : ', ':\n ', ''])}${value}`
          : value,
      )
    }
    const inside = items.map((item) => space() + item + space()).join(',') + (this.random.chance(0.1) ? ',' : '')
    const [open, close] = isMapping ? ['{', '}'] : ['[', ']']
    return open + inside + (this.random.chance(0.97) ? close : this.random.pick(['', ']', '}']))
  }

  blockScalar(indent: number): string {
    const header = this.random.pick(['|', '>', '|-', '>-', '|+', '>+', '|2', '>1', '|1-', '|+2', '>-3', '| ', '|  # c', '|#c', '|x', '|0', '>9', '|\t'])
    let text = `${header}\n`
    for (let index = this.random.below(5); index > 0; index -= 1) {
      const pad = ' '.repeat(Math.max(0, indent + this.random.pick([0, 1, 2, 2, 2, 2, 3, 4])))
      text += `${this.random.pick([pad, pad, pad, pad, `${pad} `, '', '\t'])}${this.random.pick(['a', 'b c', '# x', '', ' d', '\te', '- f', 'g: h', '---', '...', '"', "'", 'é', '😀', 'x  '])}${this.random.pick(['\n', '\n', '\n', '\n\n', '\r\n', '\x85', '\u2028'])}`
    }
    return text
  }

  /** Some lines of a real manifest. */
  fragment(seed: string): string {
    const lines = seed.split('\n')
    const from = this.random.below(Math.max(1, lines.length - 3))
    return lines.slice(this.random.chance(0.5) ? 0 : from, from + 3 + this.random.below(8)).join('\n')
  }
}
