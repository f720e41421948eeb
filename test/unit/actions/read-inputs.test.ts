import { describe, expect, it } from 'vitest'
import type { InputDefinition } from '../../../actions/definition.ts'
import { InputError, readInputs } from '../../../actions/read-inputs.ts'

const read = (definition: Omit<InputDefinition, 'description'>, text?: string): unknown =>
  readInputs({ it: { description: '', ...definition } }, new Map(text === undefined ? [] : [['it', text]])).it

function complaintsOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof InputError) return error.complaints
    throw error
  }
  return []
}

describe('an input', () => {
  it.each<[InputDefinition['kind'], string, unknown]>([
    ['text', ' main.py ', 'main.py'],
    ['text', '', undefined],
    ['text', '  ', undefined],
    ['text', '$(rm -rf /); `id` && "x" \' \\', '$(rm -rf /); `id` && "x" \' \\'],
    ['text', 'a\nb', 'a\nb'],
    ['lines', ' a \n\n b\r\n', ['a', 'b']],
    ['lines', '', []],
    ['flag', 'true', true],
    ['flag', 'TRUE', true],
    ['flag', ' False ', false],
    ['flag', '', false],
    ['count', '0', 0],
    ['count', '999999', 999_999],
    ['count', '', undefined],
    ['stages', 'train, build,', ['train', 'build']],
    ['stages', '', undefined],
    ['stages', ' , ', undefined],
    ['platforms', 'linux/arm64,linux/arm/v7,linux/arm64', ['linux/arm64', 'linux/arm/v7']],
    ['platforms', '', undefined],
  ])('%s %j is %j', (kind, text, value) => {
    expect(read({ kind }, text)).toEqual(value)
  })

  it.each<[Omit<InputDefinition, 'description'>, string, string]>([
    [{ kind: 'flag' }, 'yes', '`yes` is neither true nor false'],
    [{ kind: 'flag' }, '1', '`1` is neither true nor false'],
    [{ kind: 'flag' }, 'constructor', '`constructor` is neither true nor false'],
    [{ kind: 'flag' }, '__proto__', '`__proto__` is neither true nor false'],
    [{ kind: 'count' }, '-1', '`-1` is not a whole number'],
    [{ kind: 'count' }, '1e3', '`1e3` is not a whole number'],
    [{ kind: 'count' }, '1000000', '`1000000` is not a whole number'],
    [{ kind: 'stages' }, 'train,bulid', '`bulid` is not a stage: did you mean `build`?'],
    [{ kind: 'stages' }, 'everything', '`everything` is not a stage; it may be validate, train, build, virtual, node, publish, report'],
    [{ kind: 'platforms' }, 'linux/arm64 linux/amd64', '`linux/arm64 linux/amd64` is not a platform; one looks like linux/arm64 or linux/arm/v7'],
    [{ kind: 'platforms' }, 'windows/amd64', '`windows/amd64` is not a platform; one looks like linux/arm64 or linux/arm/v7'],
    [{ kind: 'platforms' }, 'linux/amd64\nlinux/arm64', '`linux/amd64\nlinux/arm64` is not a platform; one looks like linux/arm64 or linux/arm/v7'],
    [{ kind: 'choice', choices: ['auto', 'registry'] }, 'regstry', '`regstry` is not a choice: did you mean `registry`?'],
    [{ kind: 'choice', choices: ['auto', 'registry'] }, 'x', '`x` is not a choice; it may be auto, registry'],
    [{ kind: 'choice' }, 'x', '`x` is not a choice; it may be '],
    [{ kind: 'text' }, 'x'.repeat(65_537), 'it is longer than 65536 characters'],
    [{ kind: 'text' }, 'a\0b', 'it holds a NUL character'],
    [{ kind: 'flag' }, 'y'.repeat(500), `\`${'y'.repeat(80)}…\` is neither true nor false`],
  ])('of kind %o cannot be %j', (definition, text, complaint) => {
    expect(complaintsOf(() => read(definition, text))).toEqual([`input \`it\`: ${complaint}`])
  })

  it('has its default where nothing is given', () => {
    expect(read({ kind: 'text', default: '.' })).toBe('.')
    expect(read({ kind: 'flag', default: 'true' })).toBe(true)
    expect(read({ kind: 'choice', choices: ['auto'], default: 'auto' })).toBe('auto')
  })

  it('that is passed on empty has its default, but for a text, which it takes away', () => {
    expect(read({ kind: 'flag', default: 'true' }, '')).toBe(true)
    expect(read({ kind: 'count', default: '3' }, ' ')).toBe(3)
    expect(read({ kind: 'choice', choices: ['auto'], default: 'auto' }, '')).toBe('auto')
    expect(read({ kind: 'text', default: 'token' }, '')).toBeUndefined()
    expect(read({ kind: 'lines', default: 'a' }, '')).toEqual([])
  })

  it('is not given where the runner has not filled its expression in', () => {
    expect(read({ kind: 'text', default: '${{ github.token }}' })).toBeUndefined()
  })
})

describe('the inputs of an action', () => {
  const inputs = {
    path: { kind: 'text', description: '', default: '.' },
    strict: { kind: 'flag', description: '' },
    platform: { kind: 'platforms', description: '' },
  } as const

  it('are values under their names', () => {
    const values = readInputs(inputs, new Map([['strict', 'true']]))

    expect(values).toEqual({ path: '.', strict: true, platform: undefined })
  })

  it('are refused with all that is wrong, at once', () => {
    const texts = new Map([
      ['strict', 'maybe'],
      ['platform', 'arm64'],
      ['platforms', 'linux/arm64'],
      ['qqqqqqqq', ''],
    ])

    expect(complaintsOf(() => readInputs(inputs, texts))).toEqual([
      'input `strict`: `maybe` is neither true nor false',
      'input `platform`: `arm64` is not a platform; one looks like linux/arm64 or linux/arm/v7',
      'there is no input `platforms`: did you mean `platform`?',
      'there is no input `qqqqqqqq`; the inputs are path, strict, platform',
    ])
    expect(() => readInputs(inputs, texts)).toThrow(/^input `strict`.*\ninput `platform`/)
  })

  it('are only those that are defined', () => {
    expect(complaintsOf(() => readInputs(inputs, new Map([['constructor', 'x']])))).toHaveLength(1)
  })
})
