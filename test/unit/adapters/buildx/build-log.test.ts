import { describe, expect, it } from 'vitest'
import { BuildLog, reportedSteps } from '../../../../adapters/buildx/build-log.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const at = (second: number) => `2026-11-21T12:33:${String(second).padStart(2, '0')}.5Z`

function readLog(lines: readonly (string | object)[], indent?: number): { log: BuildLog; steps: string[]; output: string[] } {
  const steps: string[] = []
  const output: string[] = []
  const log = new BuildLog({ step: (name) => steps.push(name), output: (line) => output.push(line) })
  for (const line of lines) {
    for (const part of typeof line === 'string' ? [line] : JSON.stringify(line, null, indent).split('\n')) log.line(part)
  }
  return { log, steps, output }
}

const LINES = [
  { vertexes: [{ digest: 'a', name: '[internal] load metadata for docker.io/library/debian:12', started: at(0), completed: at(1) }] },
  {
    vertexes: [
      { digest: 'c', name: '[3/3] RUN make' },
      { digest: 'b', name: '[2/3] COPY . .' },
    ],
  },
  { vertexes: [{ digest: 'b', name: '[2/3] COPY . .', started: at(2), completed: at(3), cached: true }] },
  { vertexes: [{ digest: 'c', name: '[3/3] RUN make', started: at(3) }], statuses: [{ id: 'x', vertex: 'c' }] },
  {
    logs: [
      { vertex: 'c', data: base64('one\ntw') },
      { vertex: 'unknown', data: base64('x\n') },
    ],
  },
  { logs: [{ vertex: 'c', data: base64('o\nthree') }] },
  { vertexes: [{ digest: 'c', name: '[3/3] RUN make', started: at(3), completed: at(10), error: 'exit code: 2' }] },
  { vertexes: [{ digest: 'c', name: '[3/3] RUN make', started: at(11), completed: at(12) }] },
]

describe("a build's log", () => {
  it.each([
    ['indented, as buildx before 0.14 prints it', 2],
    ['one object per line', undefined],
  ])('is read %s', (_, indent) => {
    const { log, steps, output } = readLog([...LINES, 'Dockerfile:3', 'ERROR: failed'], indent)
    expect(log.steps).toEqual([
      { name: '[internal] load metadata for docker.io/library/debian:12', seconds: 1, cached: false, error: undefined, output: '' },
      { name: '[2/3] COPY . .', seconds: 1, cached: true, error: undefined, output: '' },
      { name: '[3/3] RUN make', seconds: 8, cached: false, error: 'exit code: 2', output: 'one\ntwo\nthree' },
    ])
    expect(log.trailer).toBe('Dockerfile:3\nERROR: failed\n')
    expect(steps).toEqual(['[2/3] COPY . .', '[3/3] RUN make'])
    expect(output).toEqual(['one', 'two'])
  })

  it('is reported without what surrounds the Dockerfile', () => {
    expect(reportedSteps(readLog(LINES).log.steps)).toEqual([
      { name: '[2/3] COPY . .', seconds: 1, cached: true },
      { name: '[3/3] RUN make', seconds: 8, cached: false },
    ])
  })

  it('does not trip over what is no status', () => {
    const { log } = readLog([
      '{nonsense}',
      '{"vertexes":1,"logs":[1,null,{"vertex":1},{"vertex":"a","data":1}]}',
      '{"vertexes":[{"digest":1},{"digest":"a"}]}',
      '{',
      '"cut off"',
    ])
    expect(log.steps).toEqual([])
    expect(log.trailer).toBe('{\n"cut off"')
  })

  it('keeps only the end of what a step prints, and only so many steps', () => {
    const { log } = readLog([
      { vertexes: [{ digest: 'a', name: 'RUN yes', started: at(0) }] },
      ...Array.from({ length: 40 }, () => ({ logs: [{ vertex: 'a', data: base64(`${'y\n'.repeat(1000)}`) }] })),
      { vertexes: Array.from({ length: 6000 }, (_, digest) => ({ digest: `v${digest}`, name: 'x', started: at(1) })) },
    ])
    expect(log.steps[0]?.output).toHaveLength(16_384)
    expect(log.steps).toHaveLength(5000)
  })
})
