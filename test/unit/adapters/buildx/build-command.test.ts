import { describe, expect, it } from 'vitest'
import { buildkitCommand, engineCommand } from '../../../../adapters/buildx/build-command.ts'
import { cacheReference, type CachePlace, type LayerCache } from '../../../../adapters/buildx/layer-cache.ts'
import { isEmulated } from '../../../../adapters/buildx/emulation.ts'
import { readImageReference } from '../../../../pipeline/build/image-reference.ts'

const REQUEST = {
  context: '/somewhere/context',
  dockerfile: 'docker/Dockerfile',
  platform: 'linux/arm/v7',
  buildArgs: { A: '$(id) "x"' },
  labels: { title: 'a b' },
  repository: '127.0.0.1:5055/staging/x',
}

describe('the command of a build', () => {
  it('pushes an OCI image by digest from BuildKit', () => {
    expect(buildkitCommand(REQUEST, { builder: 'ctss', metadataFile: '/tmp/m.json', layerCache: undefined })).toEqual({
      command: 'docker',
      args: [
        'buildx',
        'build',
        '--builder',
        'ctss',
        '--platform=linux/arm/v7',
        '--progress=rawjson',
        '--file=/somewhere/context/docker/Dockerfile',
        '--build-arg=A=$(id) "x"',
        '--label=title=a b',
        '--output=type=image,name=127.0.0.1:5055/staging/x,push=true,push-by-digest=true,name-canonical=true,oci-mediatypes=true',
        '--provenance=false',
        '--sbom=false',
        '--metadata-file=/tmp/m.json',
        '--',
        '/somewhere/context',
      ],
    })
  })

  const cacheOf = (layerCache: LayerCache) =>
    buildkitCommand(REQUEST, { builder: 'ctss', metadataFile: 'm', layerCache }).args.filter((argument) => argument.startsWith('--cache'))

  it('takes layers of the own branch before those of the default branch, and keeps its own', () => {
    const [own, main] = ['feature/smoke', 'main'].map((branch) => ({ repository: 'ghcr.io/sage/staging/trusted/x', branch })) as [CachePlace, CachePlace]
    expect(cacheOf({ from: [own, main], to: own })).toEqual([
      '--cache-from=type=registry,ref=ghcr.io/sage/staging/trusted/x:cache-feature-smoke-08238f15-linux-arm-v7',
      '--cache-from=type=registry,ref=ghcr.io/sage/staging/trusted/x:cache-main-0d6e4079-linux-arm-v7',
      '--cache-to=type=registry,ref=ghcr.io/sage/staging/trusted/x:cache-feature-smoke-08238f15-linux-arm-v7,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true',
    ])
  })

  it('keeps no layers where it may not write', () => {
    expect(cacheOf({ from: [{ repository: 'r/x', branch: 'main' }] })).toEqual([expect.stringMatching(/^--cache-from=/)])
    expect(cacheOf({ from: [] })).toEqual([])
  })

  it.each([
    ['release/1', 'release-1'],
    ['a', 'A'],
    ['x'.repeat(61), 'x'.repeat(62)],
    ['ä', 'ö'],
  ])('keeps the layers of %j apart from those of %j', (one, other) => {
    const reference = (branch: string) => cacheReference({ repository: 'r/x', branch }, 'linux/amd64')
    expect(reference(one)).not.toBe(reference(other))
    for (const branch of [one, other, '', '-', '$(id)', 'a b', 'x'.repeat(1000), 'main'])
      expect(readImageReference(reference(branch))).toMatchObject({ tag: expect.stringMatching(/^cache-/) })
  })

  it('loads an image under a tag into the engine', () => {
    expect(engineCommand(REQUEST, 'x:1').args).toEqual([
      'buildx',
      'build',
      '--builder',
      'default',
      '--platform=linux/arm/v7',
      '--progress=rawjson',
      '--file=/somewhere/context/docker/Dockerfile',
      '--build-arg=A=$(id) "x"',
      '--label=title=a b',
      '--load',
      '--tag=x:1',
      '--',
      '/somewhere/context',
    ])
  })

  it.each([
    ['linux/amd64', 'amd64', false],
    ['linux/arm64', 'amd64', true],
    ['linux/arm/v7', 'arm64', true],
    ['linux/arm/v7', 'arm', false],
  ])('tells whether %s is emulated on %s', (platform, architecture, emulated) => {
    expect(isEmulated(platform, architecture)).toBe(emulated)
  })

  it('takes the architecture of this machine when none is given', () => {
    expect(isEmulated('linux/s390x')).toBe(process.arch !== 's390x')
  })
})
