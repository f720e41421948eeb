import { describe, expect, it } from 'vitest'
import { buildkitCommand, engineCommand } from '../../../../adapters/buildx/build-command.ts'
import { isEmulated } from '../../../../adapters/buildx/emulation.ts'

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
    expect(buildkitCommand(REQUEST, { builder: 'ctss', metadataFile: '/tmp/m.json', registryCache: false })).toEqual({
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

  it('keeps layers in the registry for a builder that forgets', () => {
    expect(buildkitCommand(REQUEST, { builder: 'ctss', metadataFile: 'm', registryCache: true }).args).toEqual(
      expect.arrayContaining([
        '--cache-from=type=registry,ref=127.0.0.1:5055/staging/x:cache-linux-arm-v7',
        '--cache-to=type=registry,ref=127.0.0.1:5055/staging/x:cache-linux-arm-v7,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true',
      ]),
    )
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
