import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { assetName, documentAsset, prepareAssets } from '../../../../pipeline/forge/release-assets.ts'
import { Random } from '../../../oracle/random.ts'
import { renameAsset } from '../../../support/github/releases.ts'

describe('names of assets', () => {
  it.each([
    ['report.html', 'report.html'],
    ['my plugin (new).json', 'my-plugin-new-.json'],
    ['../../etc/passwd', '-.-etc-passwd'],
    ['.hidden.', 'hidden'],
    ['a...b', 'a.b'],
    ['wälder.json', 'w-lder.json'],
    ['…', '-'],
    ['...', 'file'],
    ['', 'file'],
  ])('%j becomes %s', (name, expected) => {
    expect(assetName(name)).toBe(expected)
  })

  it('are what GitHub keeps as they are', () => {
    const random = new Random(11)
    for (let count = 0; count < 2000; count += 1) {
      const name = assetName(
        Array.from({ length: random.integer(0, 300) }, () => String.fromCharCode(random.chance(0.3) ? 46 : random.integer(32, 300))).join(''),
      )
      expect(renameAsset(name)).toBe(name)
      expect(() => prepareAssets([documentAsset(name, 'text/plain', 'x')])).not.toThrow()
    }
  })
})

describe('the assets of a release', () => {
  it('come in the order of their names, and their sums at last', async () => {
    const { assets, problems } = prepareAssets([documentAsset('b.json', 'application/json', '{}'), documentAsset('a.html', 'text/html', '<p>')])
    expect(problems).toEqual([])
    expect(assets.map(({ name }) => name)).toEqual(['a.html', 'b.json', 'SHA256SUMS'])
    const sums = `${digestOf('<p>').slice(7)}  a.html\n${digestOf('{}').slice(7)}  b.json\n`
    expect(Buffer.from(await assets[2]!.read()).toString('utf8')).toBe(sums)
    expect(assets[2]).toMatchObject({ bytes: sums.length, digest: digestOf(sums) })
  })

  it('are none where nothing is wanted', () => {
    expect(prepareAssets([])).toEqual({ assets: [], problems: [] })
  })

  it('leave out what GitHub does not take, and say so', async () => {
    const large = { ...documentAsset('model.bin', 'application/octet-stream', 'x'), bytes: 2 ** 31 }
    const { assets, problems } = prepareAssets([large, documentAsset('empty.txt', 'text/plain', ''), { ...large, name: 'fits.bin', bytes: 2 ** 31 - 1 }])
    expect(assets.map(({ name }) => name)).toEqual(['fits.bin', 'SHA256SUMS'])
    expect(problems.map(({ code, severity, message }) => [code, severity, message])).toEqual([
      ['release-asset-left-out', 'warning', 'model.bin is not attached to the release: GitHub takes files of less than 2 GiB, and it has 2147483648 bytes'],
      ['release-asset-left-out', 'warning', 'empty.txt is not attached to the release: GitHub takes no empty file'],
    ])
    expect(Buffer.from(await assets[1]!.read()).toString('utf8')).not.toContain('model.bin')
  })

  it.each(['a b', 'a..b', '.a', 'a.', '', 'SHA256SUMS', 'x'.repeat(201), 'ä'])('cannot be called %j', (name) => {
    expect(() => prepareAssets([documentAsset(name, 'text/plain', 'x')])).toThrow(RangeError)
  })

  it('cannot have one name twice', () => {
    expect(() => prepareAssets([documentAsset('a', 'text/plain', 'x'), documentAsset('a', 'text/plain', 'y')])).toThrow(RangeError)
  })
})
