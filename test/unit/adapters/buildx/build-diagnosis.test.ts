import { describe, expect, it } from 'vitest'
import { diagnoseBuild } from '../../../../adapters/buildx/build-diagnosis.ts'
import type { LoggedStep } from '../../../../adapters/buildx/build-log.ts'
import { Failure } from '../../../../pipeline/failure.ts'

const step = (name: string, error: string, output = ''): LoggedStep => ({ name, seconds: 1, cached: false, error, output })
const excerpt = (line: number, message: string): string =>
  `Dockerfile:${line}\n--------------------\n   1 |     FROM x\n   ${line} | >>> RUN y\n--------------------\nERROR: failed to solve: ${message}\n`
const run = (code: string, output = ''): [LoggedStep[], string] => [
  [step('[2/3] RUN  make', `process "/bin/sh -c make" did not complete successfully: ${code}`, output)],
  excerpt(2, `process "/bin/sh -c make" did not complete successfully: ${code}`),
]
const base = (image: string, reason: string): [LoggedStep[], string] => [
  [step(`[internal] load metadata for docker.io/library/${image}`, reason)],
  excerpt(1, `${image}: failed to resolve source metadata for docker.io/library/${image}: ${reason}`),
]
const NO_HOST =
  'failed to do request: Head "https://registry-1.docker.io/v2/library/x/manifests/1": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host'

const DOCKERFILE = 'FROM --platform=$BUILDPLATFORM x:1\n# RUN echo\nRUN echo \\\n  one  two\nCOPY missing/ /x\nRUN true\n'
const OLD = 'ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to create LLB definition: '

function diagnose(steps: LoggedStep[], trailer: string): ReturnType<typeof diagnoseBuild> {
  return diagnoseBuild({ steps, trailer, dockerfile: 'Dockerfile', dockerfileText: DOCKERFILE, platform: 'linux/arm64', unavailable: 'builder-unavailable' })
}

describe("what the user's Dockerfile gets wrong is a problem", () => {
  it.each<[string, [LoggedStep[], string], string, string, number | undefined]>([
    ['a step that fails', run('exit code: 2', 'boom\n'), 'build-step-failed', 'step RUN make failed with exit code 2', 2],
    ['a step that is killed', run('signal: killed'), 'build-step-failed', 'step RUN make failed with signal: killed', 2],
    [
      'a base image that is not there',
      base('x:1', 'docker.io/library/x:1: not found'),
      'base-image-missing',
      'base image x:1 does not exist, or may not be pulled',
      1,
    ],
    [
      'a base image that may not be pulled',
      base('x:1', 'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'),
      'base-image-missing',
      'base image x:1 does not exist, or may not be pulled',
      1,
    ],
    [
      'a base image without the platform',
      base('x:1', 'no match for platform in manifest: not found'),
      'base-image-platform',
      'base image x:1 offers no linux/arm64',
      1,
    ],
    [
      'a base image without the platform, as 20.10 says it',
      [
        [step('[internal] load metadata for docker.io/library/x:1', 'no match for platform in manifest sha256:12: not found')],
        `${OLD}no match for platform in manifest sha256:12: not found`,
      ],
      'base-image-platform',
      'base image x:1 offers no linux/arm64',
      1,
    ],
    [
      'a step that fails, as 20.10 says it',
      [
        [step('[2/4] RUN echo   one  two', 'executor failed running [/bin/sh -c echo   one  two]: exit code: 127')],
        'ERROR: failed to solve: executor failed running [/bin/sh -c echo   one  two]: exit code: 127',
      ],
      'build-step-failed',
      'step RUN echo one two failed with exit code 127',
      3,
    ],
    [
      'a source of COPY that is not there',
      [
        [step('[2/2] COPY a/b /x', 'failed to calculate checksum of ref z2::gy: "/a/b": not found')],
        excerpt(2, 'failed to compute cache key: failed to calculate checksum of ref z2::gy: "/a/b": not found'),
      ],
      'copy-source-missing',
      'a/b is not in the build context',
      2,
    ],
    [
      'a source of COPY that is not there, as 20.10 says it',
      [
        [step('[3/4] COPY missing/ /x', '"/missing" not found: not found')],
        'ERROR: failed to solve: failed to compute cache key: "/missing" not found: not found',
      ],
      'copy-source-missing',
      'missing is not in the build context',
      5,
    ],
    [
      'a pattern of COPY that matches nothing',
      [[step('[3/4] COPY missing/*.txt /x', 'lstat /missing: no such file or directory')], excerpt(5, 'lstat /missing: no such file or directory')],
      'copy-source-missing',
      'missing is not in the build context',
      5,
    ],
    [
      'a pattern of COPY that matches nothing, as 20.10 says it',
      [
        [step('[3/4] COPY missing/*.txt /x', 'lstat /var/lib/docker/tmp/buildkit-mount39/missing: no such file or directory')],
        'ERROR: failed to solve: lstat /var/lib/docker/tmp/buildkit-mount39/missing: no such file or directory',
      ],
      'copy-source-missing',
      'missing is not in the build context',
      undefined,
    ],
    [
      'an unknown instruction',
      [[], excerpt(1, 'dockerfile parse error on line 1: unknown instruction: FRM (did you mean FROM?)')],
      'dockerfile-syntax',
      'the Dockerfile is wrong: dockerfile parse error on line 1: unknown instruction: FRM (did you mean FROM?)',
      1,
    ],
    [
      'an unknown instruction, as 20.10 says it',
      [[], `${OLD}dockerfile parse error line 3: unknown instruction: FRM`],
      'dockerfile-syntax',
      'the Dockerfile is wrong: dockerfile parse error line 3: unknown instruction: FRM',
      3,
    ],
    [
      'an empty file',
      [[], 'ERROR: failed to solve: the Dockerfile cannot be empty'],
      'dockerfile-syntax',
      'the Dockerfile is wrong: the Dockerfile cannot be empty',
      undefined,
    ],
    [
      'a base image whose name comes to nothing',
      [[], excerpt(2, 'base name ($X) should not be blank')],
      'dockerfile-syntax',
      'the Dockerfile is wrong: base name ($X) should not be blank',
      2,
    ],
    [
      'a file to add that is gone',
      [[step('https://example.org/x.pt', 'invalid response status 404')], 'ERROR: failed to solve: failed to load cache key: invalid response status 404'],
      'build-download-failed',
      'a file that the Dockerfile adds cannot be downloaded: failed to solve: failed to load cache key: invalid response status 404',
      undefined,
    ],
    ['anything else with a line', [[], excerpt(7, 'something new')], 'dockerfile-invalid', 'the Dockerfile cannot be built: failed to solve: something new', 7],
  ])('%s', (_, [steps, trailer], code, message, line) => {
    expect(diagnose(steps, trailer)).toMatchObject({
      code,
      severity: 'error',
      message,
      place: line === undefined ? { file: 'Dockerfile' } : { file: 'Dockerfile', line },
    })
  })

  it('with the end of the output of the step, as plain text', () => {
    expect(diagnose(...run('exit code: 2', 'boom\n'))).toMatchObject({ detail: 'boom\n' })
    expect(diagnose(...run('exit code: 2', '10 %\r50 %\r100 %\r\n\u001B[31mred\u001B[0m\u0007\tx\r\n'))).toMatchObject({ detail: '100 %\nred\tx\n' })
  })

  it.each([
    ['exit code: 127', '', 'a program that the step calls is not in the image'],
    ['exit code: 137', '', 'memory ran out'],
    ['exit code: 1', 'ERROR: No matching distribution found for torch==1.9', 'Python package has no version for this platform'],
    ['exit code: 100', 'Temporary failure resolving deb.debian.org', 'needs the network'],
    ['exit code: 100', 'E: Unable to locate package foo', 'apt-get update'],
  ])('with a suggestion after %s %s', (code, output, suggestion) => {
    expect(diagnose(...run(code, output))).toMatchObject({ suggestion: expect.stringContaining(suggestion) })
  })

  it('and the step that failed first is the one to blame, not those that were ended because of it', () => {
    expect(
      diagnose(
        [
          step('[a 2/2] RUN sleep', 'process "sleep" did not complete successfully: exit code: 137: context canceled: context canceled'),
          ...run('exit code: 2')[0],
        ],
        run('exit code: 2')[1],
      ),
    ).toMatchObject({ message: 'step RUN make failed with exit code 2' })
    expect(diagnose([step('[2/2] RUN x', 'context canceled')], 'ERROR: failed to solve: canceled: context canceled')).toMatchObject({
      code: 'dockerfile-invalid',
    })
  })
})

describe('what the world gets wrong is a failure', () => {
  it.each<[string, [LoggedStep[], string], string]>([
    ['Docker Hub that cannot be reached', base('x:1', NO_HOST), 'base-image-unavailable'],
    ['Docker Hub that answers nonsense', base('x:1', 'unexpected status from HEAD request: 503 Service Unavailable'), 'base-image-unavailable'],
    [
      'a base image whose layers break off',
      [
        [step('[1/2] FROM docker.io/library/x:1@sha256:12', 'failed to copy: httpReadSeeker: failed open: unexpected EOF')],
        'ERROR: failed to solve: failed to copy: httpReadSeeker: failed open: unexpected EOF',
      ],
      'base-image-unavailable',
    ],
    [
      'a frontend that cannot be fetched',
      [
        [step('resolve image config for docker-image://docker.io/docker/dockerfile:1.99', NO_HOST)],
        excerpt(1, `failed to resolve source metadata for docker.io/docker/dockerfile:1.99: ${NO_HOST}`),
      ],
      'base-image-unavailable',
    ],
    [
      'a file to add that cannot be reached',
      [
        [step('https://example.org/x.pt', 'Get "https://example.org/x.pt": dial tcp: lookup example.org: no such host')],
        'ERROR: failed to solve: failed to load cache key: Get "https://example.org/x.pt": dial tcp: lookup example.org: no such host',
      ],
      'download-failed',
    ],
    [
      'a registry that is down',
      [
        [
          step(
            'exporting to image',
            'failed to push 127.0.0.1:5999/x: failed to do request: Head "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
          ),
        ],
        'ERROR: failed to solve: failed to push 127.0.0.1:5999/x: connection refused',
      ],
      'registry-unavailable',
    ],
    [
      'a registry that breaks',
      [
        [step('exporting to image', 'failed to push x: unexpected status from PUT request to http://x: 500 Internal Server Error')],
        'ERROR: failed to solve: failed to push x: unexpected status from PUT request to http://x: 500 Internal Server Error',
      ],
      'registry-unavailable',
    ],
    [
      'a registry that refuses',
      [
        [step('exporting to image', 'failed to push x: server message: insufficient_scope: authorization failed')],
        'ERROR: failed to solve: failed to push x: server message: insufficient_scope: authorization failed',
      ],
      'registry-refused',
    ],
    [
      'a full disk of the builder',
      [[step('[2/2] COPY . .', 'write /var/lib/x: no space left on device')], 'ERROR: failed to solve: write /var/lib/x: no space left on device'],
      'storage-full',
    ],
    ['a full disk in a step', run('exit code: 1', 'cp: error writing x: No space left on device'), 'storage-full'],
    ['no emulation', run('exit code: 1', 'exec /bin/sh: exec format error'), 'builder-unavailable'],
    ['a builder that is not there', [[], 'ERROR: no builder "ctss" found'], 'builder-unavailable'],
    ['a builder that does not answer', [[], 'ERROR: context deadline exceeded'], 'builder-unavailable'],
    [
      'a builder that goes',
      [[], 'ERROR: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF'],
      'builder-unavailable',
    ],
    [
      'a builder that goes while it exports',
      [
        [step('exporting to image', 'rpc error: code = Unavailable desc = closing transport')],
        'ERROR: failed to receive status: rpc error: code = Unavailable desc = closing transport',
      ],
      'builder-unavailable',
    ],
    [
      'an engine that is not there',
      [[], 'ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'],
      'builder-unavailable',
    ],
    ['no word at all', [[], ''], 'builder-unavailable'],
  ])('%s', (_, [steps, trailer], code) => {
    const failure = diagnose(steps, trailer)
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code })
  })

  it('with the place of the base image', () => {
    expect(diagnose(...base('x:1', NO_HOST))).toMatchObject({ message: expect.stringContaining('base image x:1 (Dockerfile:1) cannot be fetched') })
  })
})
