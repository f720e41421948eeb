import { describe, expect, it } from 'vitest'
import { checkDockerfile, readWarnings } from '../../../../adapters/buildx/dockerfile-check.ts'
import type { Command, RunOptions, RunResult } from '../../../../adapters/process/run.ts'

/** Printed by buildx 0.13.1 with BuildKit 0.18.2. */
const PRINTED = `
WARNING: WorkdirRelativePath - https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/
Relative workdir "app" can have unexpected results if the base image changes
Dockerfile:2
--------------------
   1 |     FROM scratch as Build
   2 | >>> WORKDIR app
   3 |     ENV A b
--------------------

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals
deploy/Dockerfile:4
--------------------
`

const context = { context: '/c', dockerfile: 'Dockerfile', signal: new AbortController().signal }

function answering(answers: readonly Partial<RunResult>[]): {
  run: (command: Command, options: RunOptions) => Promise<RunResult>
  asked: (readonly string[])[]
} {
  const asked: (readonly string[])[] = []
  return {
    asked,
    run: async ({ args }) => {
      asked.push(args)
      return { exitCode: 1, exitSignal: null, stdout: '', stderr: '', truncated: false, ...answers[asked.length - 1] }
    },
  }
}

describe("BuildKit's own check", () => {
  it('is read from what buildx prints', () => {
    expect(readWarnings(PRINTED)).toEqual([
      {
        name: 'WorkdirRelativePath',
        message: 'Relative workdir "app" can have unexpected results if the base image changes',
        url: 'https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/',
        line: 2,
      },
      {
        name: 'JSONArgsRecommended',
        message: 'JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
        url: 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
        line: 4,
      },
    ])
  })

  it.each([
    ['WARNING: Odd\n', [{ name: 'Odd', message: '', url: undefined, line: undefined }]],
    ['WARNING: Odd - https://evil.example/\nx\n', []],
    [' 1 | RUN echo WARNING: Odd\n', []],
    ['', []],
  ])('takes nothing else for a finding: %j', (printed, warnings) => {
    expect(readWarnings(printed)).toEqual(warnings)
  })

  it.each<[string, readonly Partial<RunResult>[], number, number]>([
    ['a new buildx that finds something', [{ exitCode: 1, stdout: PRINTED }], 2, 1],
    [
      'an old buildx',
      [
        { exitCode: 125, stderr: 'unknown flag: --call' },
        { exitCode: 0, stdout: PRINTED },
      ],
      2,
      2,
    ],
    ['the engine, where there is no builder of ours', [{ stderr: 'no builder "ctss" found' }, { exitCode: 0 }], 0, 2],
    ['a Dockerfile that cannot be parsed', [{ stderr: 'dockerfile parse error on line 1: unknown instruction: FRM' }], 0, 1],
  ])('understands %s', async (_what, answers, warnings, calls) => {
    const { run, asked } = answering(answers)

    expect(await checkDockerfile(context, run)).toHaveLength(warnings)
    expect(asked).toHaveLength(calls)
    expect(asked[0]).toEqual(['buildx', 'build', '--builder=ctss', '--call=check', '--progress=quiet', '--file=/c/Dockerfile', '--', '/c'])
  })

  it('is a failure that says why where nothing can check', async () => {
    const { run } = answering([{ stderr: 'x\nERROR: no such host' }, { stderr: 'Cannot connect' }])

    await expect(checkDockerfile(context, run)).rejects.toMatchObject({
      code: 'builder-unavailable',
      message: 'BuildKit cannot check the Dockerfile: Cannot connect',
    })
  })
})
