import { describe, expect, it } from 'vitest'

import { commandLineOf, readsNothing } from '../../../../../pipeline/validate/python/argument-parser.ts'
import { understand } from '../../../../../pipeline/validate/python/job-form.ts'
import type { Program } from '../../../../../pipeline/validate/python/program.ts'
import { moduleOf } from './facts.ts'

const HEAD = 'import argparse\nparser = argparse.ArgumentParser()\n'

function program(main: string, others: Readonly<Record<string, string>> = {}): Program {
  const entry = moduleOf(main)
  const modules = [entry, ...Object.entries(others).map(([file, text]) => moduleOf(text, file))]
  return { entry, modules, words: [], takesArguments: true, isWhole: modules.every(({ isWhole }) => isWhole) }
}

const flagOf = (call: string) => commandLineOf(program(`${HEAD}parser.add_argument(${call})\n`))?.flags[0]

describe('a flag', () => {
  it.each<readonly [string, Record<string, unknown>]>([
    [
      '"--stream"',
      { options: ['--stream'], name: 'stream', takes: 'one', type: undefined, default: undefined, isRequired: false, choices: undefined, isHidden: false },
    ],
    ['"-s", "--conf-thres", type=float, default=0.25', { options: ['-s', '--conf-thres'], name: 'conf_thres', type: 'float', default: 0.25 }],
    ['"-x", dest="other", type=str', { name: 'other', type: undefined }],
    ['"-x", type=lambda text: 1', { name: 'x', type: 'unknown' }],
    ['"-x", type=pathlib.Path', { type: 'pathlib.Path' }],
    ['"--x", required=True', { isRequired: true }],
    ['"--x", action="store_true"', { takes: 'none', default: false }],
    ['"--x", action="store_false"', { takes: 'none', default: true }],
    ['"--x", action="count"', { takes: 'none', default: undefined }],
    ['"--x", action=argparse.BooleanOptionalAction', { takes: 'none' }],
    ['"--x", action=Mine', { takes: 'unknown' }],
    ['"--x", action=f()', { takes: 'unknown' }],
    ['"--x", action="append"', { takes: 'one' }],
    ['"--x", nargs="?"', { takes: 'optional' }],
    ['"--x", nargs="+"', { takes: 'many' }],
    ['"--x", nargs=2', { takes: 'many' }],
    ['"--x", nargs=1', { takes: 'one' }],
    ['"--x", nargs=None', { takes: 'one' }],
    ['"--x", nargs=argparse.REMAINDER', { takes: 'unknown' }],
    ['"--x", nargs="A..."', { takes: 'unknown' }],
    ['"--x", default=None', { default: null }],
    ['"--x", default=-1', { default: -1 }],
    ['"--x", default=os.getenv("X")', { default: undefined }],
    ['"--x", choices=["a", 1]', { choices: ['a', 1] }],
    ['"--x", choices=("a", b)', { choices: undefined }],
    ['"--x", choices=[*a]', { choices: undefined }],
    ['"--x", choices=range(3)', { choices: undefined }],
    ['"--x", help=argparse.SUPPRESS', { isHidden: true }],
    ['"--x", **more', { takes: 'unknown', type: 'unknown' }],
    ['"file"', { options: [], name: 'file', isRequired: true }],
    ['"file", nargs="?"', { isRequired: false }],
    ['"file", default="a"', { isRequired: false }],
    ['name', undefined as unknown as Record<string, unknown>],
    ['', undefined as unknown as Record<string, unknown>],
  ])('%s', (call, expected) => (expected === undefined ? expect(flagOf(call)).toBeUndefined() : expect(flagOf(call)).toMatchObject(expected)))

  it('has its option where it is written in the call', () => {
    expect(flagOf('"--x"')?.optionSpan).toStrictEqual({ start: 71, end: 76 })
    expect(commandLineOf(program(`${HEAD}X = "--x"\nparser.add_argument(X)\n`))?.flags[0]).toMatchObject({ options: ['--x'], optionSpan: undefined })
  })
})

describe('a command line', () => {
  it.each<readonly [string, string, readonly string[]]>([
    [
      'groups',
      `${HEAD}group = parser.add_argument_group("g")\ngroup.add_argument("-a")\nparser.add_mutually_exclusive_group().add_argument("-b")\n`,
      ['-a', '-b'],
    ],
    ['imported by name', 'from argparse import ArgumentParser as A\np = A(description=__doc__, add_help=False)\np.add_argument("-a")\n', ['-a']],
    ['the job’s own words', `${HEAD}import sys\nparser.add_argument("-a")\nparser.parse_args(sys.argv[1:])\n`, ['-a']],
    ['words handed on', `${HEAD}parser.add_argument("-a")\ndef main(argv=None):\n  parser.parse_args(argv)\n`, ['-a']],
    ['a function of the program', `${HEAD}def more(p): p.add_argument("-a")\nmore(parser)\n`, ['-a']],
    ['none', HEAD, []],
  ])('%s', (_, text, options) => expect(commandLineOf(program(text))?.flags.flatMap((flag) => flag.options)).toStrictEqual(options))

  it.each([
    ['no parser', 'x = 1'],
    ['two parsers', `${HEAD}argparse.ArgumentParser()\n`],
    ['a class of one’s own', 'class MyArgumentParser(argparse.ArgumentParser): pass\nMyArgumentParser()\n'],
    ['subcommands', `${HEAD}parser.add_subparsers()\n`],
    ['set_defaults', `${HEAD}parser.set_defaults(a=1)\n`],
    ['parents', 'import argparse\nargparse.ArgumentParser(parents=[a])\n'],
    ['other prefixes', 'import argparse\nargparse.ArgumentParser(prefix_chars="+")\n'],
    ['options from elsewhere', 'import argparse\nargparse.ArgumentParser(**o)\n'],
    ['another library', `${HEAD}import click\n`],
    ['absl', `${HEAD}from absl import app\n`],
    ['flags of TensorFlow', `${HEAD}from tensorflow.compat.v1.app import flags\n`],
    ['its own look at the words', `${HEAD}import sys\nif "--x" in sys.argv: pass\n`],
    ['argv by name', `${HEAD}from sys import argv\n`],
    ['words of its own', `${HEAD}parser.parse_args(["-a"])\n`],
    ['words of its own by keyword', `${HEAD}parser.parse_args(args=[])\n`],
    ['a stranger’s function', `${HEAD}add_options(parser)\n`],
    ['a stranger’s function by keyword', `${HEAD}lib.add(1, parser=parser)\n`],
    ['what is no Python', `${HEAD}x = = 1\n`],
    ['too many flags', HEAD + 'parser.add_argument("-a")\n'.repeat(1001)],
  ])('is not understood: %s', (_, text) => expect(commandLineOf(program(text))).toBeUndefined())

  it('counts no parser of a module that only runs when it is started itself', () => {
    const other = 'import argparse\nif __name__ == "__main__":\n  p = argparse.ArgumentParser()\n  p.add_argument("-b")\n'
    expect(commandLineOf(program(`${HEAD}import b\nparser.add_argument("-a")\n`, { 'b.py': other }))?.flags).toHaveLength(1)
    expect(commandLineOf(program(other))?.flags).toHaveLength(1)
  })
})

describe('a program that reads nothing', () => {
  it.each([
    ['x = 1', true],
    ['import sys\nsys.exit(1)', true],
    ['import sys\nsys.argv', false],
    ['from sys import argv', false],
    ['import argparse', false],
    ['import typer', false],
    ['x = = 1', false],
  ])('%s: %s', (text, expected) => expect(readsNothing(program(text))).toBe(expected))
})

describe('what becomes of -<id>', () => {
  const understood = (id: string, lines: string, parser = ''): string => {
    const found = understand(id, commandLineOf(program(`import argparse\np = argparse.ArgumentParser(${parser})\n${lines}\n`))!)
    return 'reads' in found ? `${found.kind}: ${found.reads}` : found.kind
  }

  // Each tried with Python 3.6, 3.11 and 3.13.
  it.each([
    ['stream', 'p.add_argument("-stream", "--stream")', 'understood'],
    ['stream', 'p.add_argument("--stream")', 'two-dashes: ends with "unrecognized arguments: -stream"'],
    ['stream', 'p.add_argument("-s", "--stream")', 'two-dashes: takes -stream for -s with the value "tream"'],
    ['stream', 'p.add_argument("-s", action="store_true")\np.add_argument("--stream")', 'two-dashes: takes -stream for -s and more'],
    ['host', 'p.add_argument("--host")', 'two-dashes: takes -host for -h, help'],
    ['stream', 'p.add_argument("-streams")', 'understood'],
    ['stream', 'p.add_argument("-streams")\np.add_argument("-streamed")', 'uncertain'],
    ['o', 'p.add_argument("-o")', 'understood'],
    ['o', 'p.add_argument("--o")', 'two-dashes: ends with "unrecognized arguments: -o"'],
    ['-rate', 'p.add_argument("--rate")', 'understood'],
    ['--rate', 'p.add_argument("--rate")', 'two-dashes: ends with "unrecognized arguments: -rate"'],
    ['image-dir', 'p.add_argument("image_dir")', 'positional'],
    ['rate', 'p.add_argument("--stream")', 'unknown'],
    ['rate', 'p.add_argument(f"--{x}")', 'uncertain'],
    ['stream', 'p.add_argument(f"--{x}")\np.add_argument("--stream")', 'two-dashes: ends with "unrecognized arguments: -stream"'],
    ['stream', 'p.add_argument(x)\np.add_argument("--stream")', 'uncertain'],
    ['stream', 'p.add_argument(f"-{x}")', 'uncertain'],
    ['stream', 'p.add_argument(f"-stream-{x}")', 'uncertain'],
    ['rate', 'p.add_argument(f"--x-{x}")', 'unknown'],
    ['stream', 'p.add_argument("--stream")\np.parse_known_args()', 'two-dashes: leaves -stream unread'],
  ])('%s with %s', (id, lines, expected) => expect(understood(id, lines)).toBe(expected))

  it('counts what the parser was told', () => {
    expect(understood('host', 'p.add_argument("--host")', 'add_help=False')).toBe('two-dashes: ends with "unrecognized arguments: -host"')
    expect(understood('stream', 'p.add_argument("-streams")', 'allow_abbrev=False')).toBe('unknown')
  })
})
