import { describe, expect, it } from 'vitest'
import { compiledPackages, watchCompilations } from '../../../../pipeline/build/slow-wheels.ts'
import type { Compilations } from '../../../../pipeline/build/slow-wheels.ts'

/** Each line one second after the other. */
function compiled(lines: readonly string[]): ReturnType<typeof compiledPackages> {
  const compilations: Compilations = new Map()
  for (const [second, line] of lines.entries()) watchCompilations(compilations, line, second * 1000)
  return compiledPackages(compilations)
}

const build = (name: string, wheel: string, how = 'pyproject.toml') => [
  `  Building wheel for ${name} (${how}): started`,
  `  Building wheel for ${name} (${how}): still running...`,
  `  Building wheel for ${name} (${how}): finished with status 'done'`,
  `  Created wheel for ${name}: filename=${wheel} size=34938 sha256=8c91e5cc`,
]

describe('packages that pip compiles', () => {
  it.each([
    ['a wheel of the platform', build('netifaces', 'netifaces-0.11.0-cp311-cp311-linux_aarch64.whl', 'setup.py'), [{ name: 'netifaces', seconds: 2 }]],
    ['a wheel of Python alone', build('docopt', 'docopt-0.6.2-py2.py3-none-any.whl'), undefined],
    [
      'an installation without a wheel',
      ['Running setup.py install for pycrypto: started', "Running setup.py install for pycrypto: finished with status 'done'"],
      [{ name: 'pycrypto', seconds: 1 }],
    ],
    ['one that does not end', ['  Building wheel for numpy (pyproject.toml): started'], undefined],
    ['an end without a beginning', ["  Building wheel for numpy (pyproject.toml): finished with status 'done'"], undefined],
    ['a wheel that nobody made', ['  Created wheel for numpy: filename=numpy-1.26.4-cp311-cp311-linux_armv7l.whl size=1'], undefined],
    [
      'what only looks like it',
      ['  Building wheel for <b>x</b> (setup.py): started', "  Building wheel for <b>x</b> (setup.py): finished with status 'done'"],
      undefined,
    ],
  ])('%s', (_, lines, expected) => {
    expect(compiled(lines)).toEqual(expected)
  })

  it('come slowest first, twenty at most', () => {
    const lines = Array.from({ length: 30 }, (_, index) => [
      `Building wheel for p${index} (setup.py): started`,
      ...Array.from({ length: index }, () => 'gcc'),
      `Building wheel for p${index} (setup.py): finished with status 'done'`,
    ]).flat()
    const found = compiled(lines)
    expect(found).toHaveLength(20)
    expect(found?.[0]).toEqual({ name: 'p29', seconds: 30 })
  })

  it('are forgotten where a step prints more names than there are packages, and where the log has no times', () => {
    const compilations: Compilations = new Map()
    for (let index = 0; index < 5000; index += 1) watchCompilations(compilations, `Building wheel for p${index} (setup.py): started`, index)
    expect(compilations.size).toBe(1000)
    const without: Compilations = new Map()
    for (const line of build('x', 'x-1-cp311-cp311-linux_aarch64.whl')) watchCompilations(without, line, Number.NaN)
    expect(compiledPackages(without)).toBeUndefined()
  })
})
