import { describe, expect, it } from 'vitest'
import { readImageReference, referenceSuffix } from '../../../../pipeline/build/image-reference.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

const DIGEST = digestOf('')

describe('image references', () => {
  it.each([
    ['debian', 'docker.io', 'library/debian', ':latest'],
    ['debian:bookworm-slim', 'docker.io', 'library/debian', ':bookworm-slim'],
    ['waggle/plugin-base:1.1.1-base', 'docker.io', 'waggle/plugin-base', ':1.1.1-base'],
    ['docker.io/waggle/plugin-base', 'docker.io', 'waggle/plugin-base', ':latest'],
    ['index.docker.io/debian', 'docker.io', 'library/debian', ':latest'],
    ['nvcr.io/nvidia/pytorch:24.06-py3', 'nvcr.io', 'nvidia/pytorch', ':24.06-py3'],
    ['127.0.0.1:5055/staging/a', '127.0.0.1:5055', 'staging/a', ':latest'],
    ['localhost/a:b', 'localhost', 'a', ':b'],
    ['registry:5000/a/b-c__d.e:T_1', 'registry:5000', 'a/b-c__d.e', ':T_1'],
    [`debian:12@${DIGEST}`, 'docker.io', 'library/debian', `@${DIGEST}`],
    [`ghcr.io/a/b@${DIGEST}`, 'ghcr.io', 'a/b', `@${DIGEST}`],
  ])('reads %s', (text, host, repository, suffix) => {
    const reference = readImageReference(text)
    expect(reference && { host: reference.host, repository: reference.repository, suffix: referenceSuffix(reference) }).toEqual({ host, repository, suffix })
  })

  it.each([[''], ['Debian'], ['a//b'], ['$BASE'], ['a:b c'], ['a@sha256:12'], [`a@${DIGEST}@${DIGEST}`], ['../a'], ['https://a.b/c']])('refuses %s', (text) => {
    expect(readImageReference(text)).toBeUndefined()
  })
})
