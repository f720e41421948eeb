import { describe, expect, it } from 'vitest'
import { isForPlatform, platformObject, readImageConfig, readOciDocument } from '../../../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

const DIGEST = digestOf('')
const part = (more: object = {}) => ({ mediaType: 'x/y', digest: DIGEST, size: 3, ...more })

describe('OCI documents', () => {
  it('reads an index with platforms, and leaves out what it does not know', () => {
    const text = JSON.stringify({
      mediaType: 'index',
      manifests: [
        part({ platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, urls: ['http://x'] }),
        part({ platform: { os: 'linux' }, artifactType: 'a', annotations: { b: 'c', d: 1 } }),
      ],
      annotations: { e: 'f' },
    })
    expect(readOciDocument(text)).toEqual({
      mediaType: 'index',
      artifactType: undefined,
      config: undefined,
      layers: [],
      subject: undefined,
      annotations: { e: 'f' },
      manifests: [part({ platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }), part({ artifactType: 'a', annotations: { b: 'c' } })],
    })
  })

  it('reads a manifest with its subject', () => {
    expect(readOciDocument(JSON.stringify({ config: part(), layers: [part(), part()], subject: part() }))).toMatchObject({
      config: part(),
      layers: [part(), part()],
      subject: part(),
      manifests: [],
    })
  })

  it.each([
    ['', 'nothing'],
    ['[]', 'a list'],
    ['null', 'null'],
    ['{}', 'no document'],
    ['{"manifests":{}}', 'a wrong list'],
    ['{"manifests":[1]}', 'a wrong entry'],
    ['{"manifests":[{"mediaType":"a","digest":"sha256:1","size":1}]}', 'a wrong digest'],
    ['{"config":{}}', 'a wrong configuration'],
  ])('refuses %s (%s)', (text) => {
    expect(readOciDocument(text)).toBeUndefined()
  })

  it('reads a configuration and its labels', () => {
    expect(readImageConfig(JSON.stringify({ os: 'linux', architecture: 'arm', variant: 'v7', config: { Labels: { a: 'b', __proto__: 'x' } } }))).toEqual({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      labels: { a: 'b' },
    })
    expect(readImageConfig(JSON.stringify({ os: 'linux', architecture: 'amd64', variant: '', config: { Labels: null } }))).toEqual({
      os: 'linux',
      architecture: 'amd64',
      variant: undefined,
      labels: {},
    })
    expect(readImageConfig('{"os":"linux"}')).toBeUndefined()
    expect(readImageConfig('no')).toBeUndefined()
  })

  it.each([
    ['linux/amd64', { os: 'linux', architecture: 'amd64', variant: undefined }, true],
    ['linux/arm64', { os: 'linux', architecture: 'arm64', variant: 'v8' }, true],
    ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: undefined }, true],
    ['linux/arm/v6', { os: 'linux', architecture: 'arm', variant: 'v7' }, false],
    ['linux/arm64', { os: 'linux', architecture: 'amd64', variant: undefined }, false],
    ['linux/amd64', { os: 'windows', architecture: 'amd64', variant: undefined }, false],
  ])('tells whether an image is for %s', (platform, config, answer) => {
    expect(isForPlatform(config, platform)).toBe(answer)
  })

  it('splits platforms', () => {
    expect(platformObject('linux/amd64')).toEqual({ os: 'linux', architecture: 'amd64' })
    expect(platformObject('linux/arm/v7')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' })
    expect(platformObject('')).toEqual({ os: '', architecture: '' })
  })
})
