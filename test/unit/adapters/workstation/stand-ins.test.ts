import { describe, expect, test } from 'vitest'

import { splitCertificates } from '../../../../adapters/workstation/extra-certificates.ts'
import {
  debianArchitecture,
  listRecipes,
  listStandIns,
  RECIPES,
  renderDockerfile,
  STAND_IN_IMAGES,
  STAND_IN_LABEL,
  standInKey,
} from '../../../../adapters/workstation/stand-ins.ts'

const ALL = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']

describe('the table of stand-ins', () => {
  test('has a recipe for every image, and a recipe only after the one that it adds to', () => {
    const names = RECIPES.map(({ name }) => name)
    for (const { recipe } of STAND_IN_IMAGES) expect(names).toContain(recipe)
    const early = RECIPES.filter(({ from }, index) => from !== undefined && !names.slice(0, index).includes(from))
    expect(early).toEqual([])
  })

  test('gives no name twice on one platform', () => {
    const names = STAND_IN_IMAGES.flatMap(({ repository, tags, platforms }) =>
      tags.flatMap((tag) => platforms.map((platform) => `${repository}:${tag} ${platform}`)),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  test('offers waggle/plugin-base only where the real one exists', () => {
    const images = listStandIns(ALL)
    expect(images.find(({ image }) => image === 'waggle/plugin-base:1.1.1-base')?.platforms).toEqual(['linux/amd64', 'linux/arm64'])
    expect(images.find(({ image }) => image === 'debian:bookworm-slim')?.platforms).toEqual(ALL)
    expect(images.find(({ image }) => image === 'python:3.12-slim')?.note).toContain('Python 3.11')
    expect(listRecipes('linux/arm/v7').map(({ name }) => name)).not.toContain('plugin-base')
  })

  test('offers nothing for platforms that cannot be built', () => {
    const images = listStandIns(['linux/arm/v7'])
    expect(images.map(({ image }) => image)).not.toContain('waggle/plugin-base:1.1.1-base')
    expect(images.every(({ platforms }) => platforms.join() === 'linux/arm/v7')).toBe(true)
  })
})

describe('the Dockerfile of the stand-ins', () => {
  test('labels every stage as a stand-in', () => {
    const stages = renderDockerfile(false)
      .split(/^FROM /m)
      .slice(1)
    expect(stages).toHaveLength(RECIPES.length)
    for (const stage of stages) expect(stage).toContain(`LABEL ${STAND_IN_LABEL}="Debian 12`)
  })

  test('makes pip trust the extra authorities only where there are some', () => {
    expect(renderDockerfile(true)).toContain('ENV PIP_CERT=')
    expect(renderDockerfile(false)).not.toContain('PIP_CERT')
  })

  test.each([
    ['linux/amd64', 'amd64'],
    ['linux/arm64', 'arm64'],
    ['linux/arm/v7', 'armhf'],
  ])('%s is %s to Debian', (platform, architecture) => {
    expect(debianArchitecture(platform)).toBe(architecture)
  })
})

test('the key changes with authorities and platforms, and with nothing else', () => {
  const key = standInKey([], ALL)
  expect(standInKey([], ALL)).toBe(key)
  expect(standInKey(['a'], ALL)).not.toBe(key)
  expect(standInKey([], ['linux/amd64'])).not.toBe(key)
})

test('certificates are split, sorted, and each kept once', () => {
  const [a, b] = ['A', 'B'].map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`)
  expect(splitCertificates(`# comment\r\n${b}\n${a}\n${b}`)).toEqual([a, b])
  expect(splitCertificates('nothing')).toEqual([])
})
