import { describe, expect, it } from 'vitest'
import { isSameRepository, normaliseRepositoryUrl, repositoryOwner } from '../../../pipeline/repository-url.ts'

describe('normaliseRepositoryUrl', () => {
  it.each([
    ['https://github.com/o/r', 'https://github.com/o/r'],
    ['https://github.com/o/r.git', 'https://github.com/o/r'],
    ['https://github.com/o/r/', 'https://github.com/o/r'],
    ['http://GitHub.com/o/r.git?x=1#y', 'https://github.com/o/r'],
    ['https://user:secret@github.com/o/r', 'https://github.com/o/r'],
    ['https://git.example.org:8443/o/r', 'https://git.example.org:8443/o/r'],
    ['git@github.com:o/r.git', 'https://github.com/o/r'],
    ['github.com:o/r', 'https://github.com/o/r'],
    ['ssh://git@github.com:22/o/r.git', 'https://github.com/o/r'],
    ['git://github.com/o/r', 'https://github.com/o/r'],
    ['git+ssh://git@github.com/o/r', 'https://github.com/o/r'],
    ['/home/o/r', undefined],
    ['file:///home/o/r', undefined],
    ['../r', undefined],
    ['', undefined],
    ['ext::sh -c x', undefined],
    ['https://', undefined],
    ['javascript:alert(1)', undefined],
  ])('reads %j as %j', (url, expected) => {
    expect(normaliseRepositoryUrl(url)).toBe(expected)
  })
})

describe('repositoryOwner', () => {
  it.each([
    ['https://github.com/Waggle-Sensor/plugin', 'Waggle-Sensor'],
    ['git@github.com:o/r.git', 'o'],
    ['https://github.com', undefined],
    ['cloud-counter', undefined],
  ])('of %j is %j', (url, owner) => {
    expect(repositoryOwner(url)).toBe(owner)
  })
})

describe('isSameRepository', () => {
  it('sees through spellings, and tells other repositories apart', () => {
    expect(isSameRepository('git@github.com:O/R.git', 'https://github.com/o/r')).toBe(true)
    expect(isSameRepository('https://github.com/o/r2', 'https://github.com/o/r')).toBe(false)
    expect(isSameRepository('somewhere', 'somewhere')).toBe(false)
  })
})
