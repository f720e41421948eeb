import { describe, expect, it } from 'vitest'
import { asDigest, canonicalJson, digestOf, digestOfJson, isDigest, listingDigest } from '../../../pipeline/digest.ts'
import { Failure } from '../../../pipeline/failure.ts'
import { keyOf } from '../../../pipeline/key.ts'
import { error, hasErrors, warning } from '../../../pipeline/problem.ts'

describe('digests', () => {
  it('are SHA-256 as OCI writes it', () => {
    expect(digestOf('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(isDigest(digestOf('x'))).toBe(true)
    expect(isDigest('sha256:ABC')).toBe(false)
    expect(() => asDigest('latest')).toThrow(TypeError)
    expect(asDigest(digestOf('x'))).toBe(digestOf('x'))
  })

  it('of JSON do not depend on the order of names', () => {
    expect(digestOfJson({ a: 1, b: [true, null] })).toBe(digestOfJson({ b: [true, null], a: 1 }))
    expect(canonicalJson({ b: 1, a: 'ü' })).toBe('{"a":"ü","b":1}')
  })

  it('refuse what JSON cannot hold', () => {
    expect(() => canonicalJson(undefined as never)).toThrow(TypeError)
    expect(() => canonicalJson({ value: Number.NaN })).toThrow()
  })

  it('of a folder are those of its sha256sum listing, whatever the order', () => {
    const a = { path: 'a.txt', digest: digestOf('a') }
    const b = { path: 'b/c.txt', digest: digestOf('c') }

    expect(listingDigest([b, a])).toBe(digestOf(`${a.digest.slice(7)}  a.txt\n${b.digest.slice(7)}  b/c.txt\n`))
  })
})

describe('keys', () => {
  it('differ between stages with the same inputs', () => {
    expect(keyOf('build', { x: 1 })).not.toBe(keyOf('virtual', { x: 1 }))
  })
})

describe('problems', () => {
  it('fail a stage only when one is an error', () => {
    expect(hasErrors([warning('a-warning', 'careful')])).toBe(false)
    expect(hasErrors([warning('a-warning', 'careful'), error('an-error', 'wrong', { place: { file: 'sage.yaml', line: 1 }, suggestion: 'mend it' })])).toBe(
      true,
    )
  })

  it('keep the end of a long detail', () => {
    expect(error('crashed', 'it crashed', { detail: `${'x'.repeat(9000)}end` }).detail).toMatch(/^x{8189}end$/)
  })
})

describe('a failure', () => {
  it('says whether the same call may succeed later', () => {
    expect(new Failure('registry-unavailable', 'down').retryable).toBe(true)
    expect(new Failure('storage-full', 'full', { suggestion: 'make room' })).toMatchObject({ retryable: false, suggestion: 'make room' })
  })
})
