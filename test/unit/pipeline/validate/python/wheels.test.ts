import { describe, expect, it } from 'vitest'

import { readRequirement } from '../../../../../pipeline/validate/python/requirements.ts'
import { readWheelName } from '../../../../../pipeline/validate/python/wheel-name.ts'
import type { Libc, WheelPlatform } from '../../../../../pipeline/validate/python/wheel-name.ts'
import { suppliesOf, WHEELS_DATE } from '../../../../../pipeline/validate/python/wheels.ts'
import table from '../../../../../pipeline/validate/python/wheels.json' with { type: 'json' }
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import { rowsOf, writeTable } from '../../../../../scripts/record-wheels.ts'

describe('the name of a wheel', () => {
  it.each<readonly [string, readonly (readonly number[])[], string]>([
    ['numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl', [[12, 12]], 'linux/amd64 glibc, linux/amd64 glibc'],
    ['numpy-1.26.4-cp39-cp39-musllinux_1_1_aarch64.whl', [[9, 9]], 'linux/arm64 musl'],
    ['opencv_python-4.10.0-cp37-abi3-linux_armv7l.whl', [[7, Infinity]], 'linux/arm/v7 glibc'],
    ['a-1-1build-py2.py3-none-any.whl', [[0, Infinity]], 'any'],
    ['a-1-py38-none-win_amd64.whl', [[8, Infinity]], 'other glibc'],
    ['a-1-cp27-cp27mu-manylinux1_i686.whl', [], 'other glibc'],
    ['a-1-cp313-cp313t-macosx_11_0_arm64.whl', [], 'other glibc'],
    ['a-1-pp39-pypy39_pp73-manylinux2014_x86_64.whl', [], 'linux/amd64 glibc'],
  ])('%s', (file, pythons, targets) => {
    const wheel = readWheelName(file)
    expect(wheel?.pythons).toStrictEqual(pythons)
    expect(wheel?.targets?.map(({ platform, libc }) => `${platform} ${libc}`).join(', ') ?? 'any').toBe(targets)
  })

  it.each(['a.whl', 'a-1-py3-none.whl', 'a-1.tar.gz', 'a-1-py3-none-any.whl.txt'])('%s is none', (file) => expect(readWheelName(file)).toBeUndefined())
})

describe('what pip finds', () => {
  const ALL: readonly WheelPlatform[] = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
  const supplies = (line: string, python?: readonly [number, number], libc: Libc | undefined = 'glibc') =>
    suppliesOf(
      readRequirement(line, textFile('r.txt', line), (start, end) => ({ start, end }))!,
      ALL,
      { python, libc },
    )?.map(({ kind, version }) => `${kind} ${version}`)

  it.each<readonly [string, readonly [number, number] | undefined, Libc | undefined, readonly string[]]>([
    ['numpy==1.26.4', [3, 12], 'glibc', ['wheel 1.26.4', 'wheel 1.26.4', 'source 1.26.4']],
    ['numpy==1.26.4', [3, 13], 'glibc', ['source 1.26.4', 'source 1.26.4', 'source 1.26.4']],
    ['numpy==1.26.4', undefined, undefined, ['wheel 1.26.4', 'wheel 1.26.4', 'source 1.26.4']],
    ['numpy==1.19.5', [3, 8], 'musl', ['source 1.19.5', 'source 1.19.5', 'source 1.19.5']],
    ['numpy<2', [3, 9], 'glibc', ['wheel 1.26.4', 'wheel 1.26.4', 'source 1.26.4']],
    ['numpy==1.24.4', [3, 8], 'glibc', ['wheel 1.24.4', 'wheel 1.24.4', 'source 1.24.4']],
    ['onnxruntime-gpu==1.19.0', [3, 12], 'glibc', ['wheel 1.19.0', 'nothing undefined', 'nothing undefined']],
    ['tflite-runtime', [3, 11], 'glibc', ['wheel 2.14.0', 'wheel 2.14.0', 'wheel 2.14.0']],
    ['tflite-runtime', [3, 12], 'glibc', ['nothing undefined', 'nothing undefined', 'nothing undefined']],
    ['tflite-runtime>=2.5', [2, 7], 'glibc', ['nothing undefined', 'nothing undefined', 'nothing undefined']],
    // Some of the versions that an unknown Python may take have wheels for arm64, none has one for 32-bit Arm.
    ['onnxruntime-gpu', undefined, 'glibc', ['wheel 1.31.1', 'wheel 1.31.1', 'nothing undefined']],
    ['tensorflow<2.16,>=2.15', undefined, 'glibc', ['wheel 2.15.1', 'wheel 2.15.1', 'nothing undefined']],
    ['scipy', undefined, 'glibc', ['wheel', 'wheel', 'source']],
  ])('%s for Python %j, %s', (line, python, libc, expected) => {
    const found = supplies(line, python, libc)
    expect(expected.some((kind) => !kind.includes(' ')) ? found?.map((supply) => supply.split(' ')[0]) : found).toStrictEqual(expected)
  })

  it.each(['not-in-the-table', 'numpy>=x', 'numpy==99', 'numpy @ https://a.b/numpy.whl'])('%s: not known', (line) => expect(supplies(line)).toBeUndefined())
})

describe('the table of wheels', () => {
  const line = (file: string, requires = ''): string =>
    `  Found link https://files.example.org/packages/ab/${file}#sha256=00 (from https://pypi.org/simple/a/)${requires}, version: 1`

  it('is made of what pip prints', () => {
    const printed = [
      'Getting page https://pypi.org/simple/a/',
      line('a-1.0-cp38-cp38-manylinux2014_x86_64.whl', ' (requires-python:>=3.8)'),
      line('a-1.0-cp39-cp39-manylinux2014_x86_64.whl', ' (requires-python:>=3.8)'),
      line('a-1.0-cp311-cp311-manylinux2014_x86_64.whl', ' (requires-python:>=3.8)'),
      line('a-1.0-cp39-cp39-musllinux_1_1_x86_64.whl', ' (requires-python:>=3.8)'),
      line('a-1.0-cp39-cp39-win_amd64.whl', ' (requires-python:>=3.8)'),
      line('a-1.0.tar.gz', ' (requires-python:>=3.8)'),
      `  Skipping link: yanked for reason: bad: ${line('a-1.0-cp39-cp39-manylinux2014_aarch64.whl')}`,
      line('a-2.0rc1-py3-none-any.whl'),
      line('a-2.0-py3-none-any.whl'),
      line('a-2.1-py3-none-any.whl'),
      line('a-x.tar.gz'),
      line('a-3.0-cp37-abi3-manylinux2014_aarch64.whl'),
    ].join('\n')
    const rows = rowsOf(printed)
    expect(rows).toStrictEqual([
      { versions: ['3.0'], requires: '', source: false, wheels: { 'linux/arm64': '3.7+' } },
      { versions: ['2.1', '2.0'], requires: '', source: false, wheels: { any: '3.0+' } },
      { versions: ['1.0'], requires: '>=3.8', source: true, wheels: { 'linux/amd64': '3.8-3.9, 3.11', 'linux/amd64 musl': '3.9' } },
    ])
    expect(JSON.parse(writeTable('2026-11-21', new Map([['a', rows]])))).toStrictEqual({
      recorded: '2026-11-21',
      index: 'https://pypi.org/simple/',
      packages: { a: rows },
    })
  })

  it('has a date, an index, and names as they are compared', () => {
    expect(WHEELS_DATE).toMatch(/^20\d\d-\d\d-\d\d$/)
    expect(table.index).toBe('https://pypi.org/simple/')
    expect(Object.keys(table.packages).filter((name) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))).toStrictEqual([])
  })
})
