import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { Catalogue } from '../../../../pipeline/ports/catalogue.ts'
import { bundleOf, gatherReportInput } from '../../../../pipeline/report/report-input.ts'
import type { PublishDetails } from '../../../../schemas/generated/types.ts'
import { memoryCatalogue } from '../../../support/memory-catalogue.ts'
import { makePipeline, makeTraining } from '../../../support/pipeline.ts'
import { makeBaseline, makeRun, makeSkip, makeSubject, makeTrainDetails } from '../../../support/records.ts'

const PUBLISHED: PublishDetails = {
  kind: 'publish',
  state: 'release',
  name: 'zelda/cloud-counter',
  version: '0.1.0',
  digest: digestOf('bundle'),
  index: digestOf('index'),
  reference: `ghcr.io/zelda/cloud-counter@${digestOf('index')}`,
}
const trained = makeRun('train', makeTrainDetails({ metrics: [{ name: 'accuracy', value: 0.91, better: 'higher' }], tests: [] }))
const run = { subject: makeSubject(), pipeline: makePipeline(), stages: [trained], toolVersion: '1.2.3' }

/** The catalogue of one release. */
function catalogueWith(baseline = makeBaseline()): { readonly asked: string[]; readonly catalogue: Catalogue } {
  const asked: string[] = []
  return { asked, catalogue: { ...memoryCatalogue(), newestRelease: async (name) => (asked.push(name), baseline) } }
}

describe('what a report is made of', () => {
  it('is the run, and no more where nothing was released or published', async () => {
    expect(await gatherReportInput(run, memoryCatalogue())).toEqual({ subject: run.subject, stages: run.stages, toolVersion: '1.2.3', gates: [] })
  })

  it('is compared with the newest release of the plugin', async () => {
    const { catalogue, asked } = catalogueWith()

    expect((await gatherReportInput(run, catalogue)).baseline).toEqual(makeBaseline())
    expect(asked).toEqual(['zelda/cloud-counter'])
  })

  it('has the gates as they are decided now', async () => {
    const pipeline = makePipeline({ training: makeTraining({ gates: [{ metric: 'accuracy', min: 0.95 }] }) })

    expect((await gatherReportInput({ ...run, pipeline }, memoryCatalogue())).gates).toMatchObject([{ outcome: 'failed' }])
    expect((await gatherReportInput({ ...run, pipeline, stages: [] }, memoryCatalogue())).gates).toEqual([])
  })

  it('asks for nothing about a manifest that cannot be read', async () => {
    const { catalogue, asked } = catalogueWith()

    expect(await gatherReportInput({ ...run, pipeline: undefined, stages: [] }, catalogue)).not.toHaveProperty('baseline')
    expect(asked).toEqual([])
  })

  it('names the bundle that was published', async () => {
    const { kind: _, ...bundle } = PUBLISHED

    expect((await gatherReportInput({ ...run, stages: [trained, makeRun('publish', PUBLISHED)] }, memoryCatalogue())).bundle).toEqual(bundle)
  })
})

describe('the bundle of a run', () => {
  it.each([
    ['without publish', [trained]],
    ['that was skipped', [makeSkip('publish', 'virtual did not pass')]],
    ['that failed', [makeRun('publish', PUBLISHED, { outcome: 'failed' })]],
    ['that published nothing', [makeRun('publish', { kind: 'none' })]],
  ])('is none in a run %s', (_, stages) => {
    expect(bundleOf(stages)).toBeUndefined()
  })
})
