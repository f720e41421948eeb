import { describe, expect, it } from 'vitest'

import { buildFor, normalisePlatform, variablesOfStages } from '../../../../../pipeline/validate/dockerfile/build.ts'
import { parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import { parseImageReference } from '../../../../../pipeline/validate/dockerfile/image-reference.ts'
import { expand, unquote } from '../../../../../pipeline/validate/dockerfile/variables.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'

const parse = (text: string): ReturnType<typeof parseDockerfile> => parseDockerfile(textFile('Dockerfile', text))
const images = (text: string, platform = 'linux/arm64'): readonly (string | undefined)[] => buildFor(parse(text), platform).stages.map(({ image }) => image)

describe('variables', () => {
  const values = new Map([
    ['A', 'a'],
    ['EMPTY', ''],
  ])
  it.each([
    ['plain', 'plain', []],
    ['\\$A \\x', '$A x', []],
    ['$A-${A}', 'a-a', []],
    ['$B$C$B', '', ['B', 'C']],
    ['${B:-x$A}${EMPTY:-y}${EMPTY-z}', 'xay', []],
    ['${A:+x}${B:+y}${EMPTY+z}${EMPTY:+w}', 'xz', []],
    ['${B:-${C:-{x}}}', '{x}', []],
    ['${B:-$C}', '', ['C']],
    ['$ $1', '$ $1', []],
    ['x\\', 'x\\', []],
  ])('%s', (text, expanded, missing) => expect(expand(text, values)).toStrictEqual({ text: expanded, missing }))

  it.each(['${A%b}', '${A', '${A:?x}', '${1}', `\${Z:-${'${B:-'.repeat(20)}x${'}'.repeat(21)}`, '$A'.repeat(5000)])('not told: %s', (text) =>
    expect(expand(text, values)).toBeUndefined(),
  )

  it.each([
    [`a"b \\" c"'d'"`, 'ab \\" cd"'],
    [String.raw`\"a" b\'c'`, String.raw`\"a" b\'c'`],
    [`"${'\\"'.repeat(9)}`, `"${'\\"'.repeat(9)}`],
  ])('quotes of %s', (text, expected) => expect(unquote(text)).toBe(expected))
})

describe('image references', () => {
  it.each([
    ['python', 'docker.io', 'library/python', undefined, 'python'],
    ['library/python:3.12', 'docker.io', 'library/python', '3.12', 'python:3.12'],
    ['docker.io/waggle/plugin-base:1.1.1-ml', 'docker.io', 'waggle/plugin-base', '1.1.1-ml', 'waggle/plugin-base:1.1.1-ml'],
    ['index.docker.io/library/x', 'docker.io', 'library/x', undefined, 'x'],
    ['localhost/a', 'localhost', 'a', undefined, 'localhost/a'],
    ['10.31.81.1:5000/local/a:1', '10.31.81.1:5000', 'local/a', '1', '10.31.81.1:5000/local/a:1'],
    ['[::1]:5000/a', '[::1]:5000', 'a', undefined, '[::1]:5000/a'],
  ])('%s', (text, registry, repository, tag, name) => expect(parseImageReference(text)).toStrictEqual({ registry, repository, tag, digest: undefined, name }))

  it('digests', () => expect(parseImageReference(`a:1@sha256:${'0'.repeat(64)}`)).toMatchObject({ tag: '1', digest: `sha256:${'0'.repeat(64)}`, name: 'a:1' }))
  it.each(['', 'A', 'a:', ':1', 'a b', 'a@sha256:1', 'a//b', 'ex_ample.org/a', 'a'.repeat(600)])('none: %s', (text) =>
    expect(parseImageReference(text)).toBeUndefined(),
  )
})

describe('builds', () => {
  it.each([
    ['stages that take part', 'FROM a AS x\nFROM b AS y\nFROM c\nCOPY --from=X /a /b\n', ['a', 'c']],
    ['stages by number', 'FROM a\nFROM b\nFROM c\nRUN --mount=type=bind,from=1 x\n', ['b', 'c']],
    ['a stage on a stage', 'FROM a AS x\nFROM X\n', ['a', undefined]],
    ['defaults', 'ARG V=1\nARG I=python:$V\nFROM $I-slim\n', ['python:1-slim']],
    ['platforms', 'FROM a-amd64 AS s-amd64\nFROM b-arm64 AS s-arm64\nFROM s-${TARGETARCH}\n', ['b-arm64', undefined]],
    ['no image', 'FROM\n', [undefined]],
    ['nothing', '', []],
    ['another way round', 'FROM a AS x\nCOPY --from=x /a /b\nCOPY --from=9 /a /b\n', ['a']],
  ])('%s', (_, text, expected) => expect(images(text)).toStrictEqual(expected))

  it.each([
    ['FROM a', 'linux/arm64'],
    ['FROM --platform=linux/x86_64 a', 'linux/amd64'],
    ['FROM --platform=$TARGETPLATFORM a', 'linux/arm64'],
    ['FROM --platform=$BUILDPLATFORM a', undefined],
    ['FROM --platform=${X%y} a', undefined],
    ['FROM --platform= a', undefined],
    ['FROM --platform=amd64 a AS x\nFROM x', 'linux/amd64'],
  ])('platform of %j', (text, expected) => expect(buildFor(parse(text), 'linux/arm64').final?.platform).toBe(expected))

  it.each([
    ['arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['arm', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['armhf', 'linux/arm/v7'],
    ['linux/amd64/v2', 'linux/amd64/v2'],
    ['linux/riscv64', 'linux/riscv64'],
  ])('%s is %s', (text, expected) => expect(normalisePlatform(text)).toBe(expected))

  it('know variables', () => {
    const dockerfile = parse(
      'ARG G=g\nARG N=${X%y}\nFROM a AS x\nENV A=1 B=$NONE\nARG C=c$A\nFROM x\nARG G\nARG A=2 D\nENV E=$A$G A=3 G=${G%g}\nRUN x\nENV F=${C:-none}\n',
    )
    const build = buildFor(dockerfile, 'linux/arm64')
    const [first, last] = build.stages.map((built) => Object.fromEntries(variablesOfStages(dockerfile, 'linux/arm64')(built).all))
    expect(first).toStrictEqual({ A: '1', C: 'c1' })
    expect(last).toStrictEqual({ A: '3', E: '1g', F: 'none' })
  })
})
