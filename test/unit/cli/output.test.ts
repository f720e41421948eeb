import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { duration, printable } from '../../../pipeline/printable.ts'
import { describe as describeStage, plainOutput, quietOutput } from '../../../cli/output/plain.ts'
import { describeProblem, describeRun } from '../../../cli/output/result.ts'
import { explainError } from '../../../pipeline/exit-code.ts'
import { readEnvironment } from '../../../cli/environment.ts'
import { digestOf } from '../../../pipeline/digest.ts'
import { Failure } from '../../../pipeline/failure.ts'
import { error, warning } from '../../../pipeline/problem.ts'
import type { StageSummary } from '../../../pipeline/run.ts'

const summary: StageSummary = { stage: 'build', outcome: 'passed', ran: true, seconds: 71.4, key: digestOf('key'), problems: [] }

describe('a line of untrusted output', () => {
  it('loses what a terminal would obey', () => {
    expect(printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007\rover\u202eflip\u0000')).toBe('red  over flip')
  })

  it('is bounded', () => {
    expect(printable('x'.repeat(10_000))).toHaveLength(501)
  })
})

describe('durations', () => {
  it.each([
    [0.04, '0.0 s'],
    [9.96, '10.0 s'],
    [71.4, '71 s'],
    [200, '3 min 20 s'],
  ])('%d s is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})

describe('a stage in one line', () => {
  it.each([
    [summary, 'build: passed in 71 s'],
    [{ ...summary, ran: false, reason: 'unchanged' }, 'build: passed (reused): unchanged'],
    [{ ...summary, outcome: 'skipped', ran: false, reason: 'validate did not pass' }, 'build: skipped: validate did not pass'],
    [{ ...summary, outcome: 'failed', problems: [error('a', 'b'), error('a', 'b'), warning('c', 'd')] }, 'build: failed in 71 s, 2 problems, 1 warning'],
    [{ ...summary, outcome: 'failed', problems: [error('a', 'b'), warning('c', 'd'), warning('c', 'd')] }, 'build: failed in 71 s, 1 problem, 2 warnings'],
  ] as const)('%#', (stage, line) => {
    expect(describeStage(stage as StageSummary)).toBe(line)
  })
})

describe('the plain output', () => {
  it('writes a line per step, with the time since the start', async () => {
    const stream = new PassThrough()
    const output = plainOutput(stream)
    const progress = output.stageStarted('build', 'no record of these inputs')
    progress.step('writing the build context')
    progress.output('#1 \u001b[2mloading')
    output.stageEnded(summary)
    output.general.step('starting')
    await output.close()
    const lines = String(stream.read())
      .trim()
      .split('\n')
      .map((line) => line.trim().replace(/^\d+\.\d s {2}/, ''))

    expect(lines).toEqual([
      'build: runs, no record of these inputs',
      'build: writing the build context',
      'build| #1 loading',
      'build: passed in 71 s',
      'set-up: starting',
    ])
  })

  it('can be silent', async () => {
    const output = quietOutput()
    output.general.step('x')
    output.stageStarted('build', 'x').output('y')
    output.stageEnded(summary)

    await expect(output.close()).resolves.toBeUndefined()
  })
})

describe('a problem for a person', () => {
  it('has place, message, code, suggestion and the end of its detail', () => {
    const text = describeProblem(
      error('name-invalid', 'the name has a blank', { place: { file: 'sage.yaml', line: 3, column: 7 }, suggestion: 'use a hyphen', detail: 'a\nb\n' }),
    )

    expect(text).toBe('sage.yaml:3:7: error: the name has a blank [name-invalid]\n    → use a hyphen\n    | a\n    | b')
  })

  it('may have no place, or only a file', () => {
    expect(describeProblem(warning('x', 'y'))).toBe('warning: y [x]')
    expect(describeProblem(warning('x', 'y', { place: { file: 'sage.yaml' } }))).toBe('sage.yaml: warning: y [x]')
    expect(describeProblem(warning('x', 'y', { place: { file: 'sage.yaml', line: 2 } }))).toBe('sage.yaml:2: warning: y [x]')
  })
})

describe('the end of a run for a person', () => {
  it('has a line per stage, the problems, the bundle and the report', () => {
    const stages: StageSummary[] = [
      summary,
      { ...summary, stage: 'virtual', ran: false },
      { ...summary, stage: 'publish', outcome: 'error', reason: 'the registry does not answer', problems: [warning('x', 'y')] },
    ]
    const text = describeRun(stages, {
      stages: [],
      bundle: { name: 'a/b', version: '1.0.0', digest: digestOf('d'), index: digestOf('i') },
      report: { markdown: '/r.md', html: '/r.html' },
    })

    expect(text).toContain('✔ build     passed   71 s')
    expect(text).toContain('✔ virtual   passed   reused')
    expect(text).toContain('⚠ publish   error    the registry does not answer')
    expect(text).toContain('warning: y [x]')
    expect(text).toContain(`bundle  a/b 1.0.0  ${digestOf('d')}`)
    expect(text).toContain('/r.html')
  })

  it('may have neither', () => {
    expect(describeRun([summary], { stages: [], bundle: null, report: null })).toBe('\n✔ build     passed   71 s\n')
  })
})

describe('exit codes', () => {
  it('tell the world from a bug', () => {
    expect(explainError(new Failure('registry-unavailable', 'down', { suggestion: 'run ctss up' }))).toEqual({ code: 2, text: 'down\n  run ctss up' })
    expect(explainError(new TypeError('x'))).toMatchObject({ code: 3, text: expect.stringContaining('This is a bug in ctss') })
    expect(explainError('x')).toMatchObject({ code: 3 })
  })
})

describe('the environment', () => {
  it('follows the XDG folders when they are absolute', () => {
    expect(readEnvironment({ XDG_STATE_HOME: '/state', XDG_CACHE_HOME: 'relative', CI: 'true' })).toMatchObject({ stateFolder: '/state/ctss', ci: true })
    expect(readEnvironment({ CI: 'false' })).toMatchObject({
      ci: false,
      stateFolder: expect.stringMatching(/\/\.local\/state\/ctss$/),
      cacheFolder: expect.stringMatching(/\/\.cache\/ctss$/),
    })
  })

  it('tells the Sage user of an owner', () => {
    expect(readEnvironment({ CTSS_SAGE_USERS: 'Sky-Lab=skies, alice = alice1,,=x,y=,z' }).sageUsers).toStrictEqual(
      new Map([
        ['sky-lab', 'skies'],
        ['alice', 'alice1'],
      ]),
    )
    expect(readEnvironment({}).sageUsers.size).toBe(0)
  })
})
