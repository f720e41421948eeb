import { expect, it } from 'vitest'
import type { Catalogue } from '../../../../pipeline/ports/catalogue.ts'
import { decideRunGates, judgeGates } from '../../../../pipeline/train/run-gates.ts'
import type { PipelineReading } from '../../../../pipeline/validate/validate.ts'
import type { Gate, TrainDetails } from '../../../../schemas/generated/types.ts'
import { makePipeline, makeTraining } from '../../../support/pipeline.ts'
import { makeRecord } from '../../../support/stage-record.ts'

const DETAILS: TrainDetails = {
  kind: 'train',
  image: 'i',
  attempts: 1,
  exitCode: 0,
  metrics: [{ name: 'accuracy', value: 0.8, better: 'higher' }],
  slices: [],
  tests: [],
  datasets: [],
}
const UNREACHABLE = { newestRelease: () => Promise.reject(new Error('the catalogue was asked')) } as unknown as Catalogue
const MIN: Gate = { metric: 'accuracy', min: 0.9 }

const runWith = (gates: readonly Gate[], details: Partial<TrainDetails> = {}) => ({
  pipeline: makePipeline({ training: makeTraining({ gates }) }),
  record: makeRecord('train', { details: { ...DETAILS, ...details } }),
})

it('gates are decided on what the record of the training says', async () => {
  expect(await decideRunGates(runWith([MIN]), UNREACHABLE)).toMatchObject([{ outcome: 'failed', found: '0.8' }])
})

it('there are none without a training, a record, or an end of the training', async () => {
  const run = runWith([MIN])

  expect(await decideRunGates({ ...run, pipeline: undefined }, UNREACHABLE)).toEqual([])
  expect(await decideRunGates({ ...run, record: undefined }, UNREACHABLE)).toEqual([])
  expect(await decideRunGates({ ...run, record: makeRecord('train') }, UNREACHABLE)).toEqual([])
  expect(await decideRunGates(runWith([MIN], { resumable: true, metrics: [], exitCode: 75 }), UNREACHABLE)).toEqual([])
})

it('the catalogue is asked only for a gate that compares with the newest release', async () => {
  await expect(decideRunGates(runWith([{ metric: 'accuracy', max_drop: 0.1 }]), UNREACHABLE)).rejects.toThrow('the catalogue was asked')
})

it('those that did not pass are problems where they stand', async () => {
  const reading = { placeOf: (path: readonly (string | number)[]) => ({ file: 'ctss.yaml', line: Number(path[2]) + 10 }) } as unknown as PipelineReading
  const problems = await judgeGates(runWith([{ metric: 'accuracy', min: 0.5 }, MIN]), { catalogue: UNREACHABLE, reading })

  expect(problems).toMatchObject([{ code: 'gate-failed', place: { file: 'ctss.yaml', line: 11 } }])
})
