import { describe, expect, it } from 'vitest'
import { baseImages, resolveBases } from '../../../../pipeline/build/base-images.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

describe('base images', () => {
  it.each([
    ['of one stage', 'FROM debian:bookworm-slim', {}, ['debian:bookworm-slim']],
    [
      'of several stages, without the stages themselves',
      'FROM golang:1 AS Build\nFROM debian\nCOPY --from=build /a /b\nCOPY --from=0 /a /b\nFROM build',
      {},
      ['golang:1', 'debian'],
    ],
    [
      'that COPY and mounts take from',
      'FROM debian\nCOPY --from=busybox:1 /a /b\nRUN --mount=type=bind,from=alpine:3,target=/x true',
      {},
      ['debian', 'busybox:1', 'alpine:3'],
    ],
    ['once', 'FROM debian\nFROM debian', {}, ['debian']],
    ['without scratch', 'FROM scratch\nCOPY --from=scratch /a /b', {}, []],
    ['with flags', 'FROM --platform=$BUILDPLATFORM debian AS a', {}, ['debian']],
    ['with quotes', 'FROM "debian:12"', {}, ['debian:12']],
    ['with a stage named like its image', 'FROM debian AS debian\nFROM debian', {}, ['debian']],
    ['with defaults of ARG', 'ARG TAG=3.11\nFROM python:${TAG}-slim', {}, ['python:3.11-slim']],
    ['with quoted defaults', 'ARG TAG="3.11"\nFROM python:$TAG', {}, ['python:3.11']],
    ['with build arguments', 'ARG TAG=3.11\nFROM python:$TAG', { TAG: '3.12' }, ['python:3.12']],
    ['with build arguments that no ARG declares', 'FROM python:$TAG', { TAG: '3.12' }, ['python:$TAG']],
    ['with ARGs that use others', 'ARG V=3 W=11\nARG TAG=$V.$W\nFROM python:$TAG', {}, ['python:3.11']],
    ['with an ARG after FROM, which does not count', 'FROM debian\nARG TAG=3\nFROM python:$TAG', {}, ['debian', 'python:$TAG']],
    ['with inline defaults', 'ARG A\nFROM ${A:-debian}:${B-12}${C:+x}', {}, ['debian:12']],
    ['with inline alternatives', 'ARG A=1\nFROM debian${A:+:12}', {}, ['debian:12']],
    ['with names of objects', 'ARG constructor\nFROM debian:$constructor', {}, ['debian:$constructor']],
    ['that come to nothing', 'ARG A=\nFROM $A', {}, []],
    ['of a broken file', 'FROM\nFROM AS', {}, ['AS']],
    ['of no file', '', {}, []],
  ])('%s', (_, text, buildArgs, images) => {
    expect(baseImages(text, buildArgs, ['linux/amd64'])).toEqual(images)
  })

  it('are no more than a registry can be asked for, with names no longer than an image has', () => {
    expect(baseImages(Array.from({ length: 20_000 }, (_, at) => `FROM image-${at}`).join('\n'), {}, ['linux/amd64'])).toHaveLength(100)
    const doubled = Array.from({ length: 40 }, (_, at) => `ARG A${at + 1}=$A${at}$A${at}`).join('\n')
    expect(baseImages(`ARG A0=xxxxxxxxxx\n${doubled}\nFROM $A40\nFROM $A6`, {}, ['linux/amd64'])[1]).toBe('x'.repeat(640))
  })

  it('differ by platform', () => {
    expect(baseImages('FROM base-$TARGETARCH$TARGETVARIANT', {}, ['linux/amd64', 'linux/arm/v7'])).toEqual(['base-amd64', 'base-armv7'])
    expect(baseImages('FROM debian', {}, [])).toEqual(['debian'])
  })
})

describe('digests of base images', () => {
  const now = digestOf('now')
  const before = digestOf('before')

  it('are asked for, and the last ones count for those that nobody answers for', async () => {
    const lookup = async (image: string) => (image === 'debian' ? { digest: now, standIn: true } : undefined)
    const previous = [
      { image: 'debian', digest: before, standIn: false },
      { image: 'python', digest: before, standIn: true },
    ]
    expect(await resolveBases(['debian', 'python', 'alpine'], lookup, previous)).toEqual([
      { image: 'debian', digest: now, standIn: true },
      { image: 'python', digest: before, standIn: true },
      { image: 'alpine', standIn: false },
    ])
  })

  it('are those of the name where it has one', async () => {
    const image = `debian@${before}`
    expect(await resolveBases([image], async () => undefined)).toEqual([{ image, digest: before, standIn: false }])
    expect(await resolveBases([image], async () => ({ digest: now, standIn: false }))).toEqual([{ image, digest: before, standIn: false }])
  })
})
