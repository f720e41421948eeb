import { describe, expect, it } from 'vitest'

import { compareVersions, parseSpecifiers, parseVersion, satisfies } from '../../../../../pipeline/validate/python/version.ts'

describe('versions', () => {
  it('are in PyPI’s order', () => {
    const ordered = ['1.0.dev1', '1.0a1.dev2', '1.0a1', '1.0b2', '1.0rc1', '1.0', '1.0.post1', '1.1', '1.10', '1!0.1']
    const versions = ordered.map((text) => parseVersion(text)!)
    expect(
      versions
        .toReversed()
        .toSorted(compareVersions)
        .map(({ text }) => text),
    ).toStrictEqual(ordered)
  })

  it.each([
    ['1.0', '1.0.0'],
    ['v1.0', '1'],
    ['1.0-1', '1.0.post1'],
    ['1.0c1', '1.0rc1'],
    ['1.0-alpha', '1.0a0'],
    ['1.0+cu118', '1.0'],
    ['1.0.post.dev', '1.0.post0.dev0'],
  ])('%s is %s', (a, b) => expect(compareVersions(parseVersion(a)!, parseVersion(b)!)).toBe(0))

  it.each(['', 'a', '1.0.x', '1..0', '1.0+', '9'.repeat(200)])('%j is none', (text) => expect(parseVersion(text)).toBeUndefined())
})

describe('specifiers', () => {
  it.each([
    ['', '1.0', true],
    ['==1.0', '1.0.0', true],
    ['==1.0', '1.0.1', false],
    ['===1.0', '1.0', true],
    ['==1.0.*', '1.0.9', true],
    ['==1.0.*', '1.1', false],
    ['!=1.0', '1.0', false],
    ['!=1.0.*', '1.0.3', false],
    ['!=1.0.*', '1.1', true],
    ['~=1.4.2', '1.4.9', true],
    ['~=1.4.2', '1.5', false],
    ['~=1.4', '1.9', true],
    ['~=1.4', '2.0', false],
    ['~=1.4.0', '1.5', false],
    ['>=1.2, <2', '1.9', true],
    ['>=1.2,<2', '2.0', false],
    ['>1.2', '1.2', false],
    ['<=1.2', '1.2', true],
    ['<1.2', '1.2', false],
    ['>=1.0', '2.0rc1', false],
    ['>=2.0rc1', '2.0rc2', true],
  ])('%j takes %s: %s', (specifiers, version, expected) => expect(satisfies(parseVersion(version)!, parseSpecifiers(specifiers)!)).toBe(expected))

  it.each(['1.0', '=1.0', '>=', '>=x', '==1.0 || ==2.0', '<>1'])('%j cannot be read', (text) => expect(parseSpecifiers(text)).toBeUndefined())
})
