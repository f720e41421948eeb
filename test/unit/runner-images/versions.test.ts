import { describe, expect, it } from 'vitest'
import { TESTBED_VERSION } from '../../../pipeline/virtual/testbed-version.ts'
import { changeFiles } from '../../../scripts/runner-images/changed-files.ts'
import { IMAGES, isImageName, planImage } from '../../../scripts/runner-images/images.ts'
import { PROPOSED_FILES, proposalBranch } from '../../../scripts/runner-images/proposed-files.ts'
import { parseVersions, readSource, readVersions } from '../../../scripts/runner-images/versions.ts'
import type { Versions } from '../../../scripts/runner-images/versions.ts'

const VERSIONS = readVersions()
const SUM = 'f'.repeat(64)

function change(changes: (versions: Record<string, Record<string, unknown>>) => void): string {
  const copy = JSON.parse(readSource('runner-images/versions.json')) as Record<string, Record<string, unknown>>
  changes(copy)
  return JSON.stringify(copy)
}

describe('the version manifest', () => {
  it('has a runner that knows `$/` in `uses`', () => {
    const [major = 0, minor = 0] = VERSIONS.runner.version.split('.').map(Number)
    expect(major * 1000 + minor).toBeGreaterThanOrEqual(2336)
  })

  it.each([
    ['a sum that is none', (v: Record<string, Record<string, unknown>>) => (v['runner']!['sha256'] = { amd64: 'abc', arm64: SUM })],
    ['a missing architecture', (v: Record<string, Record<string, unknown>>) => (v['runner']!['sha256'] = { amd64: SUM })],
    ['a version without numbers', (v: Record<string, Record<string, unknown>>) => (v['runner']!['version'] = 'latest')],
    ['a source without TLS', (v: Record<string, Record<string, unknown>>) => (v['runner']!['source'] = 'http://x/y')],
    ['nothing about where it comes from', (v: Record<string, Record<string, unknown>>) => delete v['runner']!['origin']],
    ['no word on whether it was tried', (v: Record<string, Record<string, unknown>>) => delete v['nvidia-container-toolkit']!['tried']],
    ['a date that is none', (v: Record<string, Record<string, unknown>>) => (v['runner']!['seen'] = 'yesterday')],
    [
      'an image without its digest',
      (v: Record<string, Record<string, unknown>>) => (v['images']!['debian'] = { ...VERSIONS.images['debian'], digest: undefined }),
    ],
    ['a field that nobody reads', (v: Record<string, Record<string, unknown>>) => (v['runner']!['sha512'] = SUM)],
  ])('is refused with %s', (_, changes) => {
    expect(() => parseVersions(change(changes))).toThrow(/^runner-images\/versions\.json: \/\S* ?must/)
  })

  it('says in so many words that a digest is not known', () => {
    for (const [name, { digest, origin }] of Object.entries(VERSIONS.images)) if (digest === null) expect(origin, name).toMatch(/^Unknown/)
  })

  it('is not behind what the Dockerfiles have as their own default', () => {
    expect(readSource('runner-images/virtual-waggle/Dockerfile')).toContain(`ARG BASE=debian:bookworm-slim@${VERSIONS.images['debian']?.digest}\n`)
    expect(readSource('runner-images/runner/Dockerfile')).toContain(`ARG BASE=ubuntu:24.04@${VERSIONS.images['ubuntu']?.digest}\n`)
  })
})

describe('what an image is built with', () => {
  it('is a base by digest, and for a runner its version and sums', () => {
    expect(planImage('virtual-waggle', VERSIONS)).toEqual({
      kind: 'build',
      buildArguments: [`BASE=docker.io/library/debian:bookworm-slim@${VERSIONS.images['debian']?.digest}`],
    })
    expect(planImage('chameleon-gpu', VERSIONS)).toMatchObject({
      buildArguments: expect.arrayContaining([
        expect.stringMatching(/^BASE=docker\.io\/nvidia\/cuda:.*@sha256:[0-9a-f]{64}$/),
        'TITLE=ctss-chameleon-gpu',
        `RUNNER_SHA256_AMD64=${VERSIONS.runner.sha256.amd64}`,
      ]),
    })
  })

  it.each(Object.keys(IMAGES).filter(isImageName))('%s is left out when nobody knows the digest of its base', (name) => {
    const images = Object.fromEntries(Object.entries(VERSIONS.images).map(([key, image]) => [key, { ...image, digest: null }]))
    expect(planImage(name, { ...VERSIONS, images })).toMatchObject({
      kind: 'leave-out',
      reason: expect.stringMatching(/^nobody knows the digest of docker\.io\//),
    })
  })

  it('leaves a runner out when nobody knows the sum for its architecture, and no other', () => {
    const versions: Versions = { ...VERSIONS, runner: { ...VERSIONS.runner, sha256: { amd64: SUM, arm64: null } } }
    expect(planImage('waggle-arm64', versions)).toEqual({ kind: 'leave-out', reason: `nobody knows the sum of runner ${VERSIONS.runner.version} for arm64` })
    expect(planImage('chameleon-cpu', versions)).toMatchObject({ kind: 'build' })
  })

  it.each(['', 'toString', '../x', 'Virtual-Waggle'])('has no image %j', (name) => {
    expect(isImageName(name)).toBe(false)
  })
})

describe('the files that newer versions change', () => {
  const digest = `sha256:${'e'.repeat(64)}`
  const newer: Versions = { ...VERSIONS, images: { ...VERSIONS.images, debian: { ...VERSIONS.images['debian']!, digest } } }
  const files = changeFiles(VERSIONS, newer, readSource, (dockerfile) => (dockerfile.includes(digest) ? '0123456789abcdef' : 'unchanged'))

  it('are the manifest, the Dockerfile with that base, and the version of the testbed whose folder changes with it', () => {
    expect(Object.keys(files)).toEqual(['runner-images/versions.json', 'runner-images/virtual-waggle/Dockerfile', 'pipeline/virtual/testbed-version.ts'])
    expect(parseVersions(files['runner-images/versions.json'] ?? '').images['debian']?.digest).toBe(digest)
    expect(files['runner-images/virtual-waggle/Dockerfile']).toContain(`ARG BASE=debian:bookworm-slim@${digest}\n`)
    expect(files['pipeline/virtual/testbed-version.ts']).toContain(TESTBED_VERSION.replace(/[0-9a-f]{16}$/, '0123456789abcdef'))
  })

  it('are among those that may be proposed', () => {
    for (const path of Object.keys(files)) expect(PROPOSED_FILES).toContain(path)
  })

  it('are none when nothing changed', () => {
    expect(changeFiles(VERSIONS, VERSIONS, readSource, () => TESTBED_VERSION.slice(-16))).toEqual({})
  })

  it('go onto a branch that is the same for the same files alone', () => {
    expect(proposalBranch({ a: '1', b: '2' })).toBe(proposalBranch({ b: '2', a: '1' }))
    expect(proposalBranch({ a: '1', b: '2' })).not.toBe(proposalBranch({ a: '1', b: '3' }))
    expect(proposalBranch(files)).toMatch(/^runner-images\/versions-[0-9a-f]{12}$/)
  })
})
