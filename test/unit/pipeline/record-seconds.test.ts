import { expect, it } from 'vitest'
import { secondsOfRecord } from '../../../pipeline/record-seconds.ts'
import type { StageRecord } from '../../../schemas/generated/types.ts'
import { makeRecord } from '../../support/stage-record.ts'

const details = (...seconds: number[]): StageRecord['details'] => ({
  kind: 'build',
  repository: 'example.org/staging/a/b',
  platforms: seconds.map((each) => ({ platform: 'linux/amd64', outcome: 'passed', seconds: each, emulated: false, steps: [] })),
})

it.each([
  ['from its start to its end', makeRecord('virtual'), 10],
  ['nothing where a clock was set back', makeRecord('virtual', { started: '2026-11-21T12:00:15.000Z' }), 0],
  ['as long as its slowest platform, built elsewhere', makeRecord('build', { details: details(80, 200) }), 200],
  ['from its start to its end, its platforms among that', makeRecord('build', { details: details(4, 9) }), 10],
])('a stage took %s', (_, record, seconds) => {
  expect(secondsOfRecord(record)).toBe(seconds)
})
