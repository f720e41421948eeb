import { describe, expect, it } from 'vitest'
import { fromPlainReading, toPlainReading } from '../../../../adapters/judge-process/plain-reading.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const PIPELINE = `training:
  image: registry.test/train
  command: [train]
  datasets:
    - {name: sky, uri: data, sha256: ${'a'.repeat(64)}}
  gates:
    - {metric: accuracy, min: 0.9}
    - {metric: accuracy, max_drop: 0.1}
model: {path: model, from: train}
`

describe('a reading as plain data', () => {
  it('is the same when it comes back, with the places that planning asks for', async () => {
    const reading = await readPipeline(memoryTree({ ...HEALTHY_PLUGIN, 'ctss.yaml': PIPELINE }))
    const back = fromPlainReading(structuredClone(toPlainReading(reading)))

    expect({ ...back, placeOf: undefined }).toEqual({ ...reading, placeOf: undefined })
    for (const path of [
      ['training', 'gates', 0],
      ['training', 'gates', 1],
      ['training', 'datasets', 0, 'uri'],
      ['training', 'datasets', 0, 'sha256'],
    ]) {
      expect(reading.placeOf(path)).toMatchObject({ file: 'ctss.yaml' })
      expect(back.placeOf(path)).toEqual(reading.placeOf(path))
    }
    expect(back.placeOf(['training', 'command'])).toBeUndefined()
  })

  it('has no places without a pipeline file', async () => {
    const plain = toPlainReading(await readPipeline(memoryTree(HEALTHY_PLUGIN)))

    expect(plain.places).toEqual([])
    expect(toPlainReading({ pipeline: undefined, problems: [], inputs: null, placeOf: () => undefined }).places).toEqual([])
  })
})
