import { describe, expect, it } from 'vitest'

import { readAssignments } from '../../../../../pipeline/validate/dockerfile/assignments.ts'
import { MAX_DOCKERFILE_CHARACTERS, parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import type { Instruction } from '../../../../../pipeline/validate/dockerfile/instructions.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'

const read = (text: string): readonly Instruction[] => parseDockerfile(textFile('Dockerfile', text)).instructions
const only = (text: string): Instruction => read(text)[0] as Instruction

describe('instructions', () => {
  it.each([
    ['a plain line', 'RUN a  b', 'RUN', 'a  b'],
    ['small letters and white space', ' \trun a\t', 'RUN', 'a'],
    ['continued lines', 'RUN a \\\n  b', 'RUN', 'a   b'],
    ['Windows lines', 'RUN a \\\r\n  b\r\n', 'RUN', 'a   b'],
    ['white space behind the backslash', 'RUN a\\ \t\nb', 'RUN', 'ab'],
    ['comments and empty lines between', 'RUN a \\\n # c \\\n\n b', 'RUN', 'a  b'],
    ['a hash that is no comment', 'RUN a # b', 'RUN', 'a # b'],
    ['another escape', '# escape=`\nRUN a `\n b\\', 'RUN', 'a  b\\'],
    ['an escaped backslash', 'RUN a \\\\\n', 'RUN', 'a \\\\'],
    ['a backslash at the end', 'RUN a \\', 'RUN', 'a'],
    ['a mark of the byte order', '\uFEFFRUN a', 'RUN', 'a'],
    ['flags', 'RUN --mount=type=bind,from=a --network="none" a --b', 'RUN', 'a --b'],
    ['nothing', 'RUN', 'RUN', ''],
  ])('%s', (_, text, keyword, body) => {
    expect(only(text)).toMatchObject({ keyword, body: { text: body } })
  })

  it('know where their words stand', () => {
    const text = '# c\nCOPY --from=a \\\n  # c\n  b \\\r\n\tc/ \n'
    const { words, flags, span, keywordSpan } = only(text)
    expect([...words, ...flags, { span: keywordSpan }].map((part) => text.slice(part.span.start, part.span.end))).toStrictEqual(['b', 'c/', '--from=a', 'COPY'])
    expect(text.slice(span.start, span.end)).toBe(text.slice(4, -1))
    expect(flags).toMatchObject([{ name: 'from', value: 'a' }])
  })

  it('know the words of lists', () => {
    const text = 'CMD ["a b", "c\\"d" \\\n , "\\u00e9"]'
    const { json, words } = only(text)
    expect(json).toBe(words)
    expect(words.map((word) => [word.text, text.slice(word.span.start, word.span.end)])).toStrictEqual([
      ['a b', '"a b"'],
      ['c"d', '"c\\"d"'],
      ['é', '"\\u00e9"'],
    ])
    expect(only('CMD ["a", 1]').json).toBe('mixed')
    expect(only('CMD ["a",]').json).toBeUndefined()
    expect(only('CMD []')).toMatchObject({ json: [], words: [] })
  })

  it.each([
    ['RUN <<EOF\na\nEOF\nRUN b', [['EOF', 'a\n', true]]],
    [
      'RUN cat <<-"A" <<B\n\ta\n\tA\nb\nB\n',
      [
        ['A', '\ta\n', true],
        ['B', 'b\n', true],
      ],
    ],
    ["COPY <<'a' /x\nc\na\n", [['a', 'c\n', true]]],
    ['RUN <<EOF\na\n EOF', [['EOF', 'a\n EOF', false]]],
    ['RUN <<EOF', [['EOF', '', false]]],
    ['RUN echo "<<EOF" 1<<2 <<<x', []],
    ['ENV a=<<EOF', []],
  ])('heredocs of %j', (text, expected) => {
    expect(only(text).heredocs.map(({ name, content, isTerminated }) => [name, content.text, isTerminated])).toStrictEqual(expected)
  })

  it.each([
    ['ENV a b c', [['a', 'b c']]],
    [
      'ENV a=b c="d e" \\\n f=\'g\'',
      [
        ['a', 'b'],
        ['c', 'd e'],
        ['f', 'g'],
      ],
    ],
    ['ARG a', [['a', undefined]]],
    [
      'ARG a=$b c',
      [
        ['a', '$b'],
        ['c', undefined],
      ],
    ],
    ['ENV a="', [['a', '"']]],
    ['ENV', []],
    ['ENV a', [['a', '']]],
  ])('assignments of %j', (text, expected) => {
    expect(readAssignments(only(text)).map(({ name, value }) => [name, value])).toStrictEqual(expected)
  })
})

describe('a Dockerfile', () => {
  it('has stages', () => {
    const { stages, globalArguments } = parseDockerfile(
      textFile('Dockerfile', 'ARG A=1 B\nARG C="x y"\nFROM --platform=$P a:$A as Build\nRUN x\nFROM "b"\nARG A\n'),
    )
    expect(globalArguments).toStrictEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: undefined },
      { name: 'C', value: 'x y' },
    ])
    expect(stages).toMatchObject([
      { index: 0, base: { text: 'a:$A' }, alias: 'build', platform: { value: '$P' }, instructions: [{ keyword: 'RUN' }] },
      { index: 1, base: { text: 'b' }, alias: undefined, platform: undefined, instructions: [{ keyword: 'ARG' }] },
    ])
  })

  it.each([
    ['# syntax=docker/dockerfile:1.7\nFROM a', false],
    ['#syntax = docker.io/docker/dockerfile-upstream@sha256:0', false],
    ['# a\n# syntax=example.org/x', true],
    [`${'#\n'.repeat(9000)}# syntax=example.org/x`, true],
    ['\uFEFF#!/x\n\n  // SYNTAX = example.org/x\nFROM a', true],
    ['# syntax=docker/dockerfile:1\n// syntax=example.org/x', true],
    ['// syntax=docker/dockerfile:1', false],
    [' {"Syntax": "example.org/x", "a": 1}', true],
    ['{"syntax": "docker/dockerfile:1"}', false],
    ['{"syntax": 1}', false],
    ['{{ base }}', false],
    ['', false],
    ['FROM a\n# syntax=example.org/x', false],
  ])('%j in another language: %s', (text, expected) => expect(parseDockerfile(textFile('Dockerfile', text)).isForeign).toBe(expected))

  it('is not read where it is too large', () => {
    expect(parseDockerfile(textFile('Dockerfile', 'FROM a\n'.padEnd(MAX_DOCKERFILE_CHARACTERS)))).toMatchObject({ isTooLarge: false, stages: [{}] })
    expect(parseDockerfile(textFile('Dockerfile', 'FROM a\n'.padEnd(MAX_DOCKERFILE_CHARACTERS + 1)))).toMatchObject({
      isTooLarge: true,
      stages: [],
      instructions: [],
    })
  })
})
