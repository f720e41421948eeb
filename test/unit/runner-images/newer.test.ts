import { describe, expect, it } from 'vitest'
import { daysBehind, proposeVersions, readRunnerReleases, readToolkit } from '../../../scripts/runner-images/newer.ts'
import type { Found } from '../../../scripts/runner-images/newer.ts'
import { readVersions } from '../../../scripts/runner-images/versions.ts'

const VERSIONS = readVersions()
const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string]
const TOOLKIT = ['libnvidia-container1', 'nvidia-container-toolkit']

/** As GitHub's API answers one, with sums in its notes and at its assets. */
function release(
  version: string,
  { noted = [A, B], kept = noted, ...more }: { noted?: readonly string[]; kept?: readonly string[]; draft?: boolean; prerelease?: boolean } = {},
): object {
  const names = ['linux-x64', 'linux-arm64']
  return {
    tag_name: `v${version}`,
    published_at: '2026-11-01T10:00:00Z',
    draft: false,
    prerelease: false,
    body: names.map((name, index) => `- x <!-- BEGIN SHA ${name} -->${noted[index] ?? ''}<!-- END SHA ${name} -->`).join('\n'),
    assets: names.map((name, index) => ({
      name: `actions-runner-${name}-${version}.tar.gz`,
      digest: kept[index] === undefined ? null : `sha256:${kept[index]}`,
    })),
    ...more,
  }
}

describe("releases of GitHub's runner", () => {
  it('are read with their sums, newest first, by number', () => {
    expect(readRunnerReleases([release('2.9.0'), release('2.339.0'), release('2.10.1')])).toEqual([
      { version: '2.339.0', released: '2026-11-01', sha256: { amd64: A, arm64: B } },
      { version: '2.10.1', released: '2026-11-01', sha256: { amd64: A, arm64: B } },
      { version: '2.9.0', released: '2026-11-01', sha256: { amd64: A, arm64: B } },
    ])
  })

  it.each([
    ['notes alone', { kept: [] }, { amd64: A, arm64: B }],
    ['assets alone', { noted: [], kept: [A, B] }, { amd64: A, arm64: B }],
    ['neither', { noted: [], kept: [] }, { amd64: null, arm64: null }],
    ['a contradiction', { noted: [A, B], kept: [A, C] }, { amd64: A, arm64: null }],
    ['what is no sum', { noted: ['<sha>', 'zz'], kept: ['md5:1', ''] }, { amd64: null, arm64: null }],
  ])('have the sums of %s', (_, sums, expected) => {
    expect(readRunnerReleases([release('2.339.0', sums)])[0]?.sha256).toEqual(expected)
  })

  it.each([
    ['a draft', [release('2.339.0', { draft: true })]],
    ['a pre-release', [release('2.339.0', { prerelease: true })]],
    ['another name', [{ ...release('1.0.0'), tag_name: 'v2.339.0-beta' }]],
    ['no date', [{ ...release('2.339.0'), published_at: null }]],
    ['rubbish', [null, 7, 'x', {}]],
    ['no list', { message: 'API rate limit exceeded' }],
  ])('are none for %s', (_, list) => {
    expect(readRunnerReleases(list)).toEqual([])
  })
})

describe("NVIDIA's package list", () => {
  const paragraph = (name: string, version: string, sum = A): string =>
    `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nSHA256: ${sum}\nDescription: x\n`

  it('gives the newest version of which every package is there', () => {
    const list = [
      paragraph('libnvidia-container1', '1.9.0-1'),
      paragraph('nvidia-container-toolkit', '1.9.0-1'),
      paragraph('libnvidia-container1', '1.20.1-1', B),
      paragraph('nvidia-container-toolkit', '1.20.1-1', C),
      paragraph('nvidia-container-toolkit', '1.21.0-1'),
      paragraph('nvidia-container-toolkit', '1.22.0~rc.1-1'),
      paragraph('nvidia-container-runtime', '3.14.0-1'),
    ].join('\n')
    expect(readToolkit(list, TOOLKIT)).toEqual({ version: '1.20.1-1', sha256: { 'libnvidia-container1': B, 'nvidia-container-toolkit': C } })
  })

  it.each(['', '<html>Not Found</html>', paragraph('libnvidia-container1', '1.20.1-1', 'no sum')])('gives nothing out of %j', (list) => {
    expect(readToolkit(list, TOOLKIT)).toBeUndefined()
  })
})

describe('a proposal', () => {
  const nothing: Found = { runner: undefined, toolkit: undefined, digests: {} }
  const runner = { version: '2.999.0', released: '2026-11-20', sha256: { amd64: A, arm64: B } }

  it('takes over what is newer, and says since when and that nobody has tried it', () => {
    const digest = `sha256:${C}`
    const { versions, changes } = proposeVersions(
      VERSIONS,
      { runner, toolkit: { version: '9.0.0-1', sha256: { x: A } }, digests: { debian: digest, rocm: digest, binfmt: VERSIONS.images['binfmt']?.digest ?? '' } },
      '2026-11-21',
    )
    expect(versions.runner).toMatchObject({ ...runner, seen: '2026-11-21', tried: false, source: VERSIONS.runner.source })
    expect(versions['nvidia-container-toolkit']).toMatchObject({ version: '9.0.0-1', sha256: { x: A }, tried: false })
    expect([versions.images['debian']?.digest, versions.images['rocm']?.digest]).toEqual([digest, digest])
    expect(versions.images['binfmt']).toEqual(VERSIONS.images['binfmt'])
    expect(changes).toEqual([
      `GitHub's runner ${VERSIONS.runner.version} -> 2.999.0 (2026-11-20)`,
      `NVIDIA's container toolkit ${VERSIONS['nvidia-container-toolkit'].version} -> 9.0.0-1`,
      `docker.io/library/debian:bookworm-slim: ${VERSIONS.images['debian']?.digest} -> ${digest}`,
      `docker.io/rocm/dev-ubuntu-24.04:10.0.0: unknown -> ${digest}`,
    ])
  })

  it.each([
    ['nobody answers', nothing],
    ['a release has no sum', { ...nothing, runner: { ...runner, sha256: { amd64: A, arm64: null } } }],
    ['everything is as it was', { ...nothing, runner: { ...runner, version: VERSIONS.runner.version } }],
    ['what is found is older', { ...nothing, runner: { ...runner, version: '2.99.0' }, toolkit: { version: '1.2.0-1', sha256: {} } }],
    ['an image is none of ours', { ...nothing, digests: { alpine: `sha256:${A}` } }],
  ] satisfies [string, Found][])('is none when %s', (_, found) => {
    expect(proposeVersions(VERSIONS, found, '2026-11-21')).toEqual({ versions: VERSIONS, changes: [] })
  })
})

describe('the age of the runner', () => {
  const releases = readRunnerReleases([
    { ...release('2.340.0'), published_at: '2026-11-18T00:00:00Z' },
    { ...release('2.339.0'), published_at: '2026-10-20T00:00:00Z' },
    { ...release('2.338.0'), published_at: '2026-10-06T00:00:00Z' },
  ])
  const now = new Date('2026-11-21T12:00:00Z')

  it.each([
    // Counted from the first release that it does not follow, which is what GitHub counts from.
    ['2.338.0', 32],
    ['2.339.0', 3],
    ['2.340.0', 0],
    ['2.341.0', 0],
    ['2.99.0', 46],
  ])('of %s is %i days', (version, days) => {
    expect(daysBehind(version, releases, now)).toBe(days)
  })
})
