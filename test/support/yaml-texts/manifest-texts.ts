import { YamlTexts } from './yaml-texts.ts'

/** Manifests as authors write them, with odd values and odd layout. */
export class ManifestTexts extends YamlTexts {
  /** Most manifests are mostly ordinary. */
  #isTame = false

  manifest(seeds: readonly string[]): string {
    if (seeds.length > 0 && this.random.chance(0.3)) {
      const lines = this.random.pick(seeds).split('\n')
      for (let index = this.random.below(4); index > 0; index -= 1) this.disturb(lines)
      return this.random.chance(0.1) ? this.mutate(lines.join('\n'), 1) : lines.join(this.random.chance(0.05) ? '\r\n' : '\n')
    }
    this.#isTame = this.random.chance(0.75)
    const keys = [
      'name',
      'namespace',
      'version',
      'description',
      'keywords',
      'authors',
      'license',
      'homepage',
      'funding',
      'collaborators',
      'source',
      'inputs',
      'resources',
      'metadata',
      'x',
      'on',
      '1',
      'testing',
      '"q k"',
    ]
    const lines: string[] = this.random.chance(0.1) ? ['---'] : []
    if (this.random.chance(0.2)) keys.sort(() => this.random.next() - 0.5)
    for (const key of keys) {
      if (this.random.chance(key === 'name' || key === 'source' ? 0.05 : 0.5) || (this.#isTame && /^(?:on|1|"q k")$/.test(key))) continue
      if (key === 'source') lines.push(...this.source())
      else if (key === 'inputs' || key === 'resources') lines.push(...this.inputs(key))
      else if (key === 'metadata' || key === 'testing') lines.push(...this.nested(key))
      else lines.push(`${key}:${this.random.pick([' ', ' ', '  '])}${this.manifestScalar()}${this.tail()}`)
    }
    for (let index = this.random.below(this.#isTame ? 2 : 3); index > 0; index -= 1) this.disturb(lines)
    if (!this.#isTame && this.random.chance(0.1)) lines.sort(() => this.random.next() - 0.5)
    const text = lines.join(this.random.chance(0.06) ? '\r\n' : '\n') + this.random.pick(['\n', '', '\n\n', ' \n'])
    return this.random.chance(0.1) ? this.mutate(text, 1) : text
  }

  tail(): string {
    if (this.#isTame && this.random.chance(0.99)) return this.random.chance(0.8) ? '' : this.random.pick(['  # c', ' # a: b', ' #', ' ', ' # "', " # it's"])
    return this.random.chance(0.85) ? '' : this.random.pick(['  # c', ' # a: b', ' #', ' ', '   ', ' # "', " # it's", '# x'])
  }

  manifestScalar(): string {
    if (this.#isTame && this.random.chance(0.985)) return this.tameScalar()
    const kind = this.random.next()
    if (kind < 0.35) return this.scalar()
    if (kind < 0.6) return this.quote(this.prose())
    return this.quote(
      this.random.pick([
        'a',
        'my-app',
        '1.2.3',
        '0.1.0',
        '1.0',
        '1.10',
        '2',
        '007',
        'main',
        'master',
        'v1',
        '',
        'true',
        'no',
        'yes',
        'null',
        '~',
        '2023-01-01',
        '12:30:45',
        '1_000',
        '0x1F',
        '0o17',
        '1e3',
        '1.5e+3',
        '.5',
        'MIT',
        'https://x.y/z#w',
        'linux/amd64',
        'A <a@b.c>, D E <d@e.f> (http://g.h)',
        'a: b',
        'a #b',
        '-',
        '- a',
        '?',
        ':',
        ' a ',
        'é',
        '日本',
        '😀',
        '"',
        "'",
        `it's "x"`,
        '[a]',
        '{a}',
        'a,b',
        '<<',
        '=',
        '*',
        '&',
        '!',
        '%',
        '@',
        '`',
        '\\',
        '#',
        '...',
        '---',
        '--- a',
        'NaN',
        '.nan',
        'Infinity',
        '-.inf',
        '+1',
        '-1',
        '-0',
        '0',
        '1.',
        '99999999999999999999',
        '0.1',
        '100.50',
      ]),
    )
  }

  tameScalar(): string {
    const words = this.random.pick(this.random.chance(0.1) ? ODD_WORDS : TAME_WORDS)
    const text = this.random.chance(0.6)
      ? words
      : Array.from({ length: this.random.below(30) }, () => this.random.pick(TAME_WORDS)).join(this.random.pick([' ', ' ', ', ', '  ']))
    return this.quote(text)
  }

  quote(text: string): string {
    if (this.#isTame) {
      const canBePlain = !/^[-?:,[\]{}#&*!|>'"%@` ]|: | #|[ :]$/.test(text) || /^-[0-9.]+$/.test(text)
      const styles = [...(canBePlain ? [text, text] : []), ...(/["\\]/.test(text) ? [] : [`"${text}"`]), `'${text.replaceAll("'", "''")}'`]
      return this.random.pick(styles)
    }
    const style = this.random.next()
    if (style < 0.45) return text
    return style < 0.75 ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `'${text.replaceAll("'", "''")}'`
  }

  /** Long enough to be folded. */
  prose(): string {
    const words: string[] = []
    for (let index = this.random.below(30); index >= 0; index -= 1)
      words.push(
        this.random.pick([
          'the',
          'a',
          'plugin',
          'that',
          'counts',
          'cars,',
          '(and',
          'people)',
          '-',
          'YOLOv5.',
          'see',
          'https://example.org/a-very/long/path/that/does/not/fold?x=1&y=2',
          'é',
          '#1',
          'a:b',
          'it’s',
          '"quoted"',
          "it's",
          '\\n',
          'x: y',
          '',
          '---',
          '?',
          '|',
          '1',
          '2023-01-01',
          'no',
        ]),
      )
    return words.join(' ')
  }

  source(): string[] {
    const pad = this.random.pick(['  ', '  ', '    ', ' '])
    if (this.random.chance(0.1))
      return [
        `source: {architectures: ${this.architectures()}${this.random.pick(['', ', url: "x"', ', branch: main', ', branch: no', ', tag: 1.0'])}}${this.tail()}`,
      ]
    const lines = [`source:${this.tail()}`]
    for (const key of ['architectures', 'url', 'branch', 'tag', 'directory', 'dockerfile', 'build_args', 'git_commit']) {
      if (this.random.chance(key === 'architectures' ? 0.05 : 0.55)) continue
      if (key === 'architectures' && this.random.chance(0.7)) {
        lines.push(`${pad}${key}:${this.tail()}`)
        const inner = pad + this.random.pick(['', '  ', '  ', '    ', ' '])
        for (let index = 1 + this.random.below(3); index > 0; index -= 1)
          lines.push(`${inner}- ${this.quote(this.random.pick(['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'x', '1']))}${this.tail()}`)
      } else if (key === 'architectures') lines.push(`${pad}${key}: ${this.architectures()}${this.tail()}`)
      else if (key === 'build_args') lines.push(`${pad}${key}:`, `${pad}  A: ${this.manifestScalar()}`, `${pad}  B: ${this.manifestScalar()}${this.tail()}`)
      else lines.push(`${pad}${key}: ${this.manifestScalar()}${this.tail()}`)
    }
    return lines
  }

  architectures(): string {
    const items = Array.from({ length: this.random.below(4) }, () => this.quote(this.random.pick(['linux/amd64', 'linux/arm64', 'a', '1', 'no', 'x y', '1.0'])))
    return `[${this.random.pick(['', ' '])}${items.join(this.random.pick([', ', ',', ' , ', ',  ']))}${this.random.pick(['', ' ', '', ','])}]`
  }

  inputs(key: string): string[] {
    const pad = this.random.pick(['', '  ', '    '])
    if (this.random.chance(0.1)) return [`${key}:${this.random.pick([' []', ' {}', ' null', ' ~', ' ""'])}`]
    const lines = [`${key}:${this.tail()}`]
    for (let index = this.random.below(4); index > 0; index -= 1) {
      const gap = this.random.pick([' ', ' ', ' ', '   '])
      const inner = `${pad} ${gap.replaceAll(/./g, ' ')}`
      const kind = this.random.next()
      if (kind < 0.1) lines.push(`${pad}- {id: a, type: ${this.random.pick(['int', '"string"', 'no', '1.0'])}}${this.tail()}`)
      else if (kind < 0.2) lines.push(`${pad}-${this.tail()}`, `${inner}id: ${this.manifestScalar()}`)
      else
        lines.push(
          `${pad}-${gap}id: ${this.manifestScalar()}${this.tail()}`,
          `${inner}type: ${this.random.pick(['int', '"string"', 'float', 'boolean', this.manifestScalar()])}`,
        )
      if (this.random.chance(0.3)) lines.push(`${inner}default: ${this.manifestScalar()}`)
    }
    return lines
  }

  nested(key: string): string[] {
    const lines = [`${key}:`]
    const pad = this.random.pick(['  ', '    '])
    for (let index = this.random.below(4); index > 0; index -= 1) {
      const name = this.random.pick(
        this.#isTame ? ['a', 'b', 'my-key', 'k.x', 'c', 'd'] : ['a', 'b', 'my-key', 'ontology', 'command', 'k.x', 'toString', '1', '1a', 'a b'],
      )
      const kind = this.#isTame ? this.random.pick([0.1, 0.1, 0.1, 0.6, 0.95]) : this.random.next()
      if (kind < 0.5) lines.push(`${pad}${name}: ${this.manifestScalar()}${this.tail()}`)
      else if (kind < 0.65)
        lines.push(`${pad}${name}:`, `${pad}- ${this.manifestScalar()}`, `${pad}- - ${this.manifestScalar()}`, `${pad}  - ${this.manifestScalar()}`)
      else if (kind < 0.8) lines.push(`${pad}${name}: ${this.blockScalar(2).trimEnd()}`)
      else if (kind < 0.9) lines.push(`${pad}${name}: {a: ${this.manifestScalar()}, b: [${this.manifestScalar()}]}`)
      else lines.push(`${pad}${name}:`, `${pad}  x:`, `${pad}    y: ${this.manifestScalar()}`)
    }
    return lines
  }

  /** One oddity of layout. */
  disturb(lines: string[]): void {
    const at = this.random.below(lines.length + 1)
    const kind = this.random.next()
    if (kind < 0.4) lines.splice(at, 0, this.random.pick(['', '', '  ', '# c', '  # c', '    # c', '# a: b', '#', '      # c', '   ', '# ---']))
    else if (kind < 0.6) lines[at] = `${lines[at] ?? ''}${this.tail()}`
    else if (kind < 0.8) {
      const [start = '', key = ''] = /^([ -]*[\w]+:)/.exec(lines[at] ?? '') ?? []
      if (key !== '') lines[at] = `${start} ${this.manifestScalar()}`
    } else if (kind < 0.9)
      lines.splice(
        at,
        0,
        `${this.random.pick(this.#isTame ? [''] : ['', '  ', '    '])}${this.random.pick(['extra', 'namespace', 'branch', 'url', 'name'])}: ${this.manifestScalar()}`,
      )
    else lines.splice(at, 1)
  }
}

const TAME_WORDS = [
  '1.2.3',
  '1.10',
  '1.0',
  '2',
  '-5',
  '0',
  '-0.50',
  '0.000001',
  '123456789.125',
  '99999999999999',
  'main',
  'v1.0',
  'MIT',
  'true',
  'False',
  'null',
  '~',
  '',
  'https://x.y/z#w',
  'linux/amd64',
  'A <a@b.c>',
  '(http://g.h)',
  'é',
  '日本',
  'a,b',
  'x=y',
  'a:b',
  'it’s',
  "it's",
  '"x"',
  '#1',
  '- a',
  '--- a',
  'x: y',
  '?',
  '|',
  '[a]',
  '{a}',
  '*',
  '&',
  '%',
  'the',
  'plugin',
  'counts',
  'cars',
  'https://example.org/a-very/long/path/that/does/not/fold?x=1&y=2',
  'Aa',
  'nulls',
  'NaN',
  '1e',
  '1.2',
  'x_1',
  '.',
  '..',
  './Dockerfile',
  '1 2',
  'a  b',
  '+x',
  '$HOME',
  '\\n',
  '…',
  '—',
]

/** What the long way is for, or what breaks lines. */
const ODD_WORDS = ['no', 'On', '<<', '=', '😀', '😀 😀', '\u00A0', '1_000', '0o17', '2023-01-01', '.5', '12:30', '1e3']
