import { describe, expect, it } from 'vitest'

import { describeBase, isMoving } from '../../../../../pipeline/validate/dockerfile/base-images.ts'
import type { BaseImage } from '../../../../../pipeline/validate/dockerfile/base-images.ts'
import { findDeadHost } from '../../../../../pipeline/validate/dockerfile/dead-hosts.ts'
import { parseImageReference } from '../../../../../pipeline/validate/dockerfile/image-reference.ts'
import type { ImageReference } from '../../../../../pipeline/validate/dockerfile/image-reference.ts'

const reference = (text: string): ImageReference => parseImageReference(text) as ImageReference
const describe_ = (text: string): BaseImage | undefined => describeBase(reference(text))

/** `amd64 arm64` of what is not missing. */
const offers = (text: string): string =>
  ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7']
    .filter((platform) => !describe_(text)?.lacks.includes(platform))
    .map((platform) => platform.slice(6))
    .join(' ')

describe('base images', () => {
  it.each([
    ['waggle/plugin-base:1.1.1-base', 'amd64 arm64', '3.8', undefined, undefined],
    ['waggle/plugin-base:1.1.0-base', 'amd64 arm64', '3.8', undefined, undefined],
    ['waggle/plugin-base:1.1.1-ml', 'amd64 arm64', '3.6', 11, 10.2],
    ['waggle/plugin-base:1.1.1-ml-torch1.9', 'amd64 arm64', '3.6', 11, 10.2],
    ['waggle/plugin-base:1.1.1-ml-cuda10.2-l4t', 'arm64', '3.6', undefined, 10.2],
    ['waggle/plugin-base:1.1.1-ml-cuda11.0-amd64', 'amd64', '3.6', 11, undefined],
    ['waggle/plugin-base:1.1.1-ml-tensorflow2.3-arm64', 'arm64', '3.6', undefined, 10.2],
    ['waggle/plugin-base:0.9', 'amd64 arm64', undefined, undefined, undefined],
    ['waggle/sage-thor-base:0.1.0', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
    ['python:3.12-slim', 'amd64 arm64 arm/v6 arm/v7', '3.12', undefined, undefined],
    ['python:3.13.0rc1', 'amd64 arm64 arm/v6 arm/v7', '3.13', undefined, undefined],
    ['python:slim', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
    ['ubuntu:22.04', 'amd64 arm64 arm/v7', '3.10', undefined, undefined],
    ['ubuntu:focal', 'amd64 arm64 arm/v7', '3.8', undefined, undefined],
    ['debian:bookworm-slim', 'amd64 arm64 arm/v6 arm/v7', '3.11', undefined, undefined],
    ['debian:sid', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
    ['alpine:3.20', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
    ['golang:1.23', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
    ['continuumio/miniconda3', 'amd64 arm64', undefined, undefined, undefined],
    ['nvcr.io/nvidia/l4t-ml:r32.4.4-py3', 'arm64', '3.6', undefined, 10.2],
    ['nvcr.io/nvidia/l4t-jetpack:r36.3.0', 'arm64', undefined, undefined, 12],
    ['nvcr.io/nvidia/l4t-cuda:12.2', 'arm64', undefined, undefined, undefined],
    ['dustynv/l4t-pytorch:r36.2.0', 'arm64', undefined, undefined, 12],
    ['dustynv/vllm:0.8', 'amd64 arm64', undefined, undefined, undefined],
    ['nvcr.io/nvidia/pytorch:25.08-py3', 'amd64 arm64', '3.12', 13, 13],
    ['nvcr.io/nvidia/pytorch:24.06-py3-igpu', 'arm64', '3.10', undefined, 12],
    ['nvcr.io/nvidia/tritonserver:21.02-py3', 'amd64 arm64', undefined, 11, 11],
    ['nvcr.io/nvidia/pytorch:latest', 'amd64 arm64', undefined, undefined, undefined],
    ['nvcr.io/nvidia/pytorch:18.01-py3', 'amd64 arm64', undefined, undefined, undefined],
    ['nvidia/cuda:12.4.1-runtime-ubuntu22.04', 'amd64 arm64', '3.10', 12, 12],
    ['nvidia/cuda:10.2-base', 'amd64 arm64', undefined, 10.2, 10.2],
    ['nvidia/cuda', 'amd64 arm64', undefined, undefined, undefined],
    ['pytorch/pytorch:2.5.1', 'amd64 arm64', undefined, undefined, undefined],
    ['ultralytics/ultralytics:8.3-arm64', 'arm64', undefined, undefined, undefined],
    ['ultralytics/ultralytics:8.3', 'amd64 arm64', undefined, undefined, undefined],
    ['ghcr.io/astral-sh/uv:0.5', 'amd64 arm64 arm/v6 arm/v7', undefined, undefined, undefined],
  ])('%s', (image, platforms, python, amd64, arm64) => {
    expect(offers(image)).toBe(platforms)
    expect(describe_(image)?.python?.join('.')).toBe(python)
    expect(describe_(image)?.cuda?.get('linux/amd64')?.version).toBe(amd64)
    expect(describe_(image)?.cuda?.get('linux/arm64')?.version).toBe(arm64)
  })

  it('are unknown', () => expect(describe_('example.org/python:3.12')).toBeUndefined())

  it.each([
    'python',
    'python:latest',
    'python:3',
    'python:alpine',
    'python:3-slim-bookworm',
    'debian:stable-slim',
    'debian:sid',
    'ubuntu:rolling',
    'alpine:edge',
    'alpine:3',
    'a/b',
    'a/b:latest',
  ])('%s moves', (text) => expect(isMoving(reference(text))).toBe(true))
  it.each(['python:3.12', `python@sha256:${'0'.repeat(64)}`, 'debian:bookworm', 'ubuntu:24.04', 'alpine:3.20', 'a/b:3', 'a/b:edge'])('%s stays', (text) =>
    expect(isMoving(reference(text))).toBe(false),
  )
})

describe('dead hosts', () => {
  it.each([
    ['git clone git://github.com/a/b', "GitHub's unencrypted git protocol"],
    ['https://dl.bintray.com/a', 'Bintray'],
    ['--keyserver ha.pool.sks-keyservers.net', 'The pool of SKS key servers'],
    ['https://dl.dropboxusercontent.com/u/1/a', "Dropbox's public folder"],
    ['http://a.googlecode.com/files/b', 'Google Code'],
  ])('%s', (text, name) => expect(findDeadHost(text)?.name).toBe(name))
  it.each(['https://github.com/a', 'https://www.dropbox.com/scl/fi/a', 'https://web.lcrc.anl.gov/public/waggle/models/a'])('%s lives', (text) =>
    expect(findDeadHost(text)).toBeUndefined(),
  )
})
