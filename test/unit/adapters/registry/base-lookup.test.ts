import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { baseLookup } from '../../../../adapters/registry/base-lookup.ts'
import type { BaseLookupOptions } from '../../../../adapters/registry/base-lookup.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { ManifestAnswer, Registry } from '../../../../pipeline/ports/registry.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'

const DIGEST = digestOf('debian')

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A lookup at a registry that answers like this, and what it was asked for. */
function lookUp(
  answer: (reference: string) => Promise<ManifestAnswer | undefined>,
  options: Partial<BaseLookupOptions> = {},
): { readonly asked: string[]; readonly lookup: ReturnType<typeof baseLookup> } {
  const asked: string[] = []
  const registry: Registry = {
    ...memoryRegistry(),
    manifest: async (reference) => {
      asked.push(reference)
      return answer(reference)
    },
  }
  return { asked, lookup: baseLookup({ registry, findStandInHost: async () => '127.0.0.1:5055', memoryFile: join(folder, 'bases.json'), ...options }) }
}

const there = async (): Promise<ManifestAnswer> => ({ digest: DIGEST, mediaType: 'x', content: Buffer.from('{}') })
const down = async (): Promise<undefined> => {
  throw new Failure('registry-unavailable', 'down')
}

describe('looking up base images', () => {
  it.each([
    ['debian:12', '127.0.0.1:5055', '127.0.0.1:5055/library/debian:12', true],
    ['debian:12', undefined, 'docker.io/library/debian:12', false],
    ['ghcr.io/a/b', '127.0.0.1:5055', 'ghcr.io/a/b:latest', false],
  ])('asks for %s where it is, with stand-ins at %s', async (image, standInHost, reference, standIn) => {
    const { asked, lookup } = lookUp(there, { findStandInHost: async () => standInHost })
    expect(await lookup(image)).toEqual({ digest: DIGEST, standIn })
    expect(asked).toEqual([reference])
  })

  it('asks once in a run', async () => {
    const { asked, lookup } = lookUp(there)
    await Promise.all([lookup('debian'), lookup('debian')])
    expect(asked).toHaveLength(1)
  })

  it('asks again, after a while, a registry that did not answer: set-up may have started it', async () => {
    let up = false
    const { asked, lookup } = lookUp(async () => (up ? there() : undefined))
    expect(await lookup('debian')).toBeUndefined()
    up = true
    expect(await lookup('debian')).toBeUndefined()
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 6000)
    expect(await lookup('debian')).toEqual({ digest: DIGEST, standIn: true })
    expect(asked).toHaveLength(2)
    vi.restoreAllMocks()
  })

  it('knows nothing of what is no image, or of one that was never there', async () => {
    const { asked, lookup } = lookUp(async () => undefined)
    expect(await lookup('$BASE')).toBeUndefined()
    expect(asked).toEqual([])
    expect(await lookup('debian')).toBeUndefined()
  })

  it.each([
    ['is down', down],
    ['does not answer', () => new Promise<undefined>(() => undefined)],
  ])('gives the last answer when the registry %s', async (_, silent) => {
    await lookUp(there).lookup('debian')
    expect(await lookUp(silent, { waitMs: 20 }).lookup('debian')).toEqual({ digest: DIGEST, standIn: true })
  })

  it.each(['nonsense', '[]', 'null', '{"debian":{"digest":"sha256:1","standIn":true}}', '{"debian":1}'])('does not trust a memory like %s', async (text) => {
    await writeFile(join(folder, 'bases.json'), text)
    expect(await lookUp(down).lookup('debian')).toBeUndefined()
  })
})
