import { describe, expect, it } from 'vitest'
import type { TrialPlan } from '../../../../pipeline/pipeline.ts'
import type { TrialObservation } from '../../../../pipeline/ports/testbed.ts'
import { DROP_REASONS } from '../../../../pipeline/virtual/data-sharing.ts'
import { judgeTrial, type Golden } from '../../../../pipeline/virtual/judge.ts'
import { makeTrialPlan } from '../../../support/pipeline.ts'
import { makeMessages, makeObservation, makeUpload } from './observations.ts'

const ONE = makeMessages(['env.a', 1])
const TRACEBACK = 'Traceback (most recent call last):\n  File "/app/main.py", line 3, in <module>\nValueError: the sensor is gone'

function judge(observation: TrialObservation, plan: Partial<TrialPlan> = {}, golden?: Golden) {
  return judgeTrial(makeTrialPlan({ name: 'production', ...plan }), observation, golden)
}

const withLogs = (stderr: string, stdout = '') => ({ logs: { ...makeObservation().logs, stderr, stdout } })

describe('a trial without expectations', () => {
  it.each<[string, TrialObservation]>([
    ['publishes a message', makeObservation(ONE)],
    ['uploads a file', makeObservation([], { uploads: [makeUpload('a')] })],
    ['publishes for the node alone', makeObservation([], { dropped: [{ reason: DROP_REASONS.scopeNode, count: 1 }] })],
  ])('passes when the plugin %s', (_case, observation) => {
    expect(judge(observation)).toEqual({ outcome: 'passed', expectations: [], problems: [] })
  })

  it('fails when nothing is published', () => {
    expect(judge(makeObservation())).toMatchObject({
      outcome: 'failed',
      problems: [
        {
          code: 'published-nothing',
          severity: 'error',
          message: 'trial production on linux/amd64: expected at least one message or upload, found nothing',
          suggestion: expect.stringContaining('with Plugin() as plugin'),
        },
      ],
    })
  })

  it('says what a plugin that caught its error may have missed', () => {
    const [problem] = judge(makeObservation([], withLogs(`${TRACEBACK}\nConnectionError: Temporary failure in name resolution`))).problems
    expect(problem).toMatchObject({
      code: 'published-nothing',
      suggestion: expect.stringContaining('network: open'),
      detail: expect.stringContaining('ValueError'),
    })
  })

  it('fails when a node would drop everything, and warns of it', () => {
    const dropped = [
      { reason: DROP_REASONS.appIdUnknown, count: 3, example: '{}' },
      { reason: DROP_REASONS.nameBad, count: 1 },
    ]
    expect(judge(makeObservation([], { dropped })).problems).toMatchObject([
      {
        code: 'published-nothing',
        message: expect.stringContaining(`found nothing that a node would pass on: it dropped 4, for instance because of ${DROP_REASONS.appIdUnknown}`),
      },
      { code: 'dropped-messages', severity: 'warning', message: expect.stringContaining('a node would drop 3 messages: unknown app id'), detail: '{}' },
      { code: 'dropped-messages', severity: 'warning', message: expect.stringContaining('a node would drop 1 message: bad name') },
    ])
  })
})

describe('how a trial ended', () => {
  it.each<[string, Partial<TrialObservation>, Partial<TrialPlan>, object]>([
    [
      'a crash',
      { exitCode: 1, ...withLogs(TRACEBACK) },
      {},
      { code: 'exit-code', message: expect.stringContaining('expected exit code 0, found 1; it had published 1 message in 1.5 s'), detail: TRACEBACK },
    ],
    [
      'a crash without a traceback',
      { exitCode: 2, ...withLogs('usage: main.py') },
      {},
      { code: 'exit-code', detail: 'usage: main.py', suggestion: expect.stringContaining('last output') },
    ],
    ['a crash that only stdout tells', { exitCode: 2, ...withLogs('', 'no camera\n') }, {}, { detail: 'no camera' }],
    [
      'another exit code than expected',
      { exitCode: 0 },
      { exitCode: 3 },
      { code: 'exit-code', message: expect.stringContaining('expected exit code 3, found 0') },
    ],
    ['a signal', { exitCode: 139 }, {}, { message: expect.stringContaining('found 139 (SIGSEGV)') }],
    ['no exit code', { exitCode: null }, {}, { message: expect.stringContaining('found none') }],
    [
      'a missing device',
      { exitCode: 1, ...withLogs(TRACEBACK.replace('the sensor is gone', "No such file or directory: '/dev/ttyUSB0'")) },
      {},
      { suggestion: expect.stringContaining('/dev/ttyUSB0') },
    ],
    [
      'the time limit',
      { ending: 'timed-out', exitCode: 137, total: 2 },
      {},
      {
        code: 'timed-out',
        message: expect.stringContaining('expected the plugin to end within 60 s, found it still running; it had published 2 messages'),
        suggestion: expect.stringContaining('stop: allowed'),
      },
    ],
    [
      'memory',
      { ending: 'out-of-memory', exitCode: 137 },
      {},
      { code: 'out-of-memory', message: expect.stringContaining('expected at most 1024 MiB of memory') },
    ],
    [
      'disk',
      { ending: 'disk-limit', endingDetail: '1180 MiB when it was seen' },
      {},
      { code: 'disk-limit', message: expect.stringContaining('found more (1180 MiB when it was seen)') },
    ],
    [
      'a flood',
      { ending: 'flooded', endingDetail: '1000000 messages' },
      {},
      { code: 'flooded', message: expect.stringContaining('a flood of messages (1000000 messages)') },
    ],
    ['the broker', { ending: 'broker-lost' }, {}, { code: 'broker-lost', message: expect.stringContaining('found it gone; it had') }],
    [
      'no start',
      { ending: 'not-started', exitCode: null, endingDetail: 'exec: "x": not found' },
      {},
      { code: 'not-started', message: expect.stringContaining('(exec: "x": not found)'), detail: 'exec: "x": not found' },
    ],
    ['no start, for no reason', { ending: 'not-started', exitCode: null }, {}, { code: 'not-started' }],
  ])('%s', (_case, ended, plan, problem) => {
    expect(judge(makeObservation(ONE, ended), plan)).toMatchObject({ outcome: 'failed', problems: [problem] })
  })

  it('comes later under emulation', () => {
    const { message } = judge(makeObservation(ONE, { ending: 'timed-out', emulated: true })).problems[0] ?? expect.unreachable()
    expect(message).toContain('expected the plugin to end within 300 s')
  })

  it('is no blame when the plugin may run on', () => {
    expect(judge(makeObservation(ONE, { ending: 'timed-out', exitCode: 137 }), { mayRunOn: true }).outcome).toBe('passed')
    expect(judge(makeObservation([], { ending: 'timed-out', exitCode: 137 }), { mayRunOn: true }).problems).toMatchObject([{ code: 'published-nothing' }])
  })

  it('is told alone when nothing was published before', () => {
    expect(judge(makeObservation([], { exitCode: 1 })).problems).toMatchObject([{ code: 'exit-code' }])
  })

  it('comes with a warning when the kernel killed a child', () => {
    const { profile } = makeObservation()
    const metrics = { oom_kills: { unit: 'count', value: 2, source: 'counter' } } as const
    expect(judge(makeObservation(ONE, { profile: { ...profile, metrics } }))).toMatchObject({
      outcome: 'passed',
      problems: [{ code: 'child-out-of-memory', severity: 'warning' }],
    })
    expect(judge(makeObservation(ONE, { ending: 'out-of-memory', profile: { ...profile, metrics } })).problems).toHaveLength(1)
  })
})

describe('a trial with expectations', () => {
  it('fails with a problem for each shortfall, and the results of all', () => {
    const { outcome, expectations, problems } = judge(makeObservation(ONE), {
      expect: [
        { name: 'env.a', count: 3 },
        { name: 'env.a', max: 2 },
        { name: 'env.a', within: '1ms' },
      ],
    })
    expect(outcome).toBe('failed')
    expect(expectations.map((result) => result.outcome)).toEqual(['failed', 'passed', 'failed'])
    expect(problems).toMatchObject([
      { code: 'wrong-count', message: 'trial production on linux/amd64: expected 3 of env.a, found 1', suggestion: expect.stringContaining('change `expect`') },
      { code: 'too-late', suggestion: expect.stringContaining('faster') },
    ])
  })

  it('may expect nothing', () => {
    expect(judge(makeObservation(), { expect: [{ name: 'env.a', count: 0 }] }).outcome).toBe('passed')
  })
})

describe('a trial with a golden file', () => {
  const golden = (reading: Golden['reading']): Golden => ({ path: 'tests/golden.ndjson', reading })

  it('passes when it is met, and expects nothing else then', () => {
    expect(judge(makeObservation(), {}, golden({ kind: 'read', messages: [] }))).toMatchObject({
      outcome: 'passed',
      expectations: [{ name: 'golden tests/golden.ndjson', outcome: 'passed' }],
    })
  })

  it('fails with a difference', () => {
    const { problems, expectations } = judge(makeObservation(ONE), {}, golden({ kind: 'read', messages: [{ name: 'env.a', value: 2, meta: {} }] }))
    expect(problems).toMatchObject([
      { code: 'golden-differs', detail: expect.stringContaining('-env.a 2\n+env.a 1'), suggestion: expect.stringContaining('--record') },
    ])
    expect(expectations[0]?.difference).toContain('+env.a 1')
  })

  it('warns when it is not there yet', () => {
    expect(judge(makeObservation(ONE), {}, golden({ kind: 'missing' }))).toMatchObject({
      outcome: 'passed',
      problems: [{ code: 'golden-missing', severity: 'warning' }],
    })
  })

  it('fails when it is broken, with the line', () => {
    expect(judge(makeObservation(ONE), {}, golden({ kind: 'broken', line: 7 }))).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'golden-broken', place: { file: 'tests/golden.ndjson', line: 7 } }],
    })
  })
})
