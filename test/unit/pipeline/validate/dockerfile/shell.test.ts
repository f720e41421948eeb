import { describe, expect, it } from 'vitest'

import { commandsOf } from '../../../../../pipeline/validate/dockerfile/commands.ts'
import { parseDockerfile } from '../../../../../pipeline/validate/dockerfile/dockerfile.ts'
import type { Instruction } from '../../../../../pipeline/validate/dockerfile/instructions.ts'
import { packageName, readPipInstall } from '../../../../../pipeline/validate/dockerfile/pip.ts'
import { readShell } from '../../../../../pipeline/validate/dockerfile/shell.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'

const words = (text: string): readonly (readonly string[])[] => readShell(text).map((command) => [command.program, ...command.words.map((word) => word.text)])

describe('a shell', () => {
  it.each([
    ['a b', [['a', 'b']]],
    ['a&&b||c;d|e&f\ng', [['a'], ['b'], ['c'], ['d'], ['e'], ['f'], ['g']]],
    ['(a; b) && { c; }', [['a'], ['b'], ['c']]],
    ['if a; then b; else ! c; fi', [['a'], ['b'], ['c']]],
    ['sudo -E A=1 /usr/bin/curl x', [['curl', 'x']]],
    ['A=1 b', [['b']]],
    ['A=1', []],
    ['a \'b c\' "d \\" $e \\x" f\\ g', [['a', 'b c', 'd " $e \\x', 'f g']]],
    ['a # b\nc', [['a'], ['c']]],
    ['# a', []],
    ['a b#c', [['a', 'b#c']]],
    ['a "$(b "c)" \')\' (d))" e', [['a', '$(b "c)" \')\' (d))', 'e'], ['b', 'c)', ')'], ['d']]],
    [
      'a `b c` ${d:-e f} $',
      [
        ['a', '`b c`', '${d:-e f}', '$'],
        ['b', 'c'],
      ],
    ],
    ["a 'b", [['a', 'b']]],
    ['a "b', [['a', 'b']]],
    ['a "${b', [['a', '${b']]],
    ['a $(b', [['a', '$(b'], ['b']]],
    ['a `b', [['a', '`b'], ['b']]],
    ['a \\\nb \\', [['a', 'b', '']]],
    [
      'a $(b $(c $(d $(e))))',
      [
        ['a', '$(b $(c $(d $(e))))'],
        ['b', '$(c $(d $(e)))'],
        ['c', '$(d $(e))'],
        ['d', '$(e)'],
      ],
    ],
  ])('%s', (text, expected) => expect(words(text)).toStrictEqual(expected))

  it.each([
    [
      'a>b 2>>c <d &>e',
      [
        ['>', 'b'],
        ['>>', 'c'],
        ['<', 'd'],
        ['&>', 'e'],
      ],
    ],
    ['>b', [['>', 'b']]],
    ['a 2>&1', [['>&', '1']]],
    ['a>', [['>', '']]],
    ['a >=1', [['>', '=1']]],
  ])('redirections of %s', (text, expected) => {
    expect(readShell(text)[0]?.redirections.map(({ operator, target }) => [operator, target])).toStrictEqual(expected)
  })

  it('knows what stands behind', () => expect(readShell('a | b && c').map(({ next }) => next)).toStrictEqual(['|', '&&', '']))
})

const instruction = (text: string): Instruction => parseDockerfile(textFile('Dockerfile', text)).instructions[0] as Instruction

describe('commands of instructions', () => {
  it.each([
    ['RUN a \\\n && b c', ['a', 'b c']],
    ['CMD ["/usr/bin/a", "b c"]', ['a b c']],
    ['CMD ["sh", "-ec", "a; b"]', ['a', 'b']],
    ['CMD ["bash", "run.sh"]', ['bash run.sh']],
    ['CMD []', []],
    ['RUN <<EOF\na b\nc\nEOF', ['a b', 'c']],
    ['RUN bash -x <<EOF\na\nEOF', ['a']],
    ['RUN python3 <<EOF\nimport a\nEOF', ['python3']],
    ['RUN sh -c "a" <<EOF\nb\nEOF', ['sh -c a']],
  ])('%j', (text, expected) => {
    expect(commandsOf(instruction(text)).map(({ program, words: all }) => [program, ...all.map((word) => word.text)].join(' '))).toStrictEqual(expected)
  })

  it.each([
    ['RUN a \\\n && b "c d"', 'b', '"c d"'],
    ['CMD ["a", "c d"]', 'a', '"c d"'],
    ['CMD ["sh", "-c", "b c"]', 'b', '"b c"'],
    ['RUN <<EOF\n  b c\nEOF', 'b', 'c'],
  ])('places in %j', (text, program, expected) => {
    const command = commandsOf(instruction(text)).find((candidate) => candidate.program === program)
    const span = command?.spanOf(command.words[0] ?? { start: 0, end: 0 })
    expect(text.slice(span?.start, span?.end)).toBe(expected)
  })
})

describe('pip', () => {
  const pip = (text: string): unknown => {
    const [command] = commandsOf(instruction(`RUN ${text}`))
    const install = command && readPipInstall(command)
    return install && { packages: install.requirements.map((word) => word.text), files: install.files.map((word) => word.text), isHashed: install.isHashed }
  }
  it.each([
    ['pip install a "b>=1"', ['a', 'b>=1'], [], false],
    ['pip3.8 --no-input install -U -r a.txt -rb.txt --requirement=c.txt d', ['d'], ['a.txt', 'b.txt', 'c.txt'], false],
    ['python3 -m pip install --require-hashes -r a.txt', [], ['a.txt'], true],
    ['uv pip install --system a', ['a'], [], false],
    ['pip install -i https://a/simple -c x.txt a', ['a'], [], false],
    ['pip install -r', [], [], false],
  ])('%s', (text, packages, files, isHashed) => expect(pip(text)).toStrictEqual({ packages, files, isHashed }))
  it.each(['pip uninstall a', 'pip', 'python3 -m venv pip', 'python3 a.py -m pip install b', 'uv sync', 'apt-get install a', 'pip --version'])(
    '%s installs nothing',
    (text) => expect(pip(text)).toBeUndefined(),
  )

  it.each([
    ['PyWaggle[all]>=0.55', 'pywaggle'],
    ['a_b.c', 'a-b-c'],
    ['a @ https://x', 'a'],
    ['./a', undefined],
    ['https://x/a.whl', undefined],
    ['a.whl', undefined],
    ['git+https://x/a', undefined],
  ])('%s is %s', (text, expected) => expect(packageName(text)).toBe(expected))
})
