import { describe, expect, it } from 'vitest'
import { layeredRecords } from '../../../actions/layered-records.ts'
import { asDigest } from '../../../pipeline/digest.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { makeRecord } from '../../support/stage-record.ts'

describe('records in front of others', () => {
  const near = makeRecord('build')
  const far = makeRecord('build', { outcome: 'failed' })
  const key = asDigest(near.key)

  it('come first, and the others where they have none', async () => {
    const [front, back] = [memoryRecords(), memoryRecords()]
    await back.put(far)
    expect(await layeredRecords(front, back).find(key)).toEqual(far)

    await front.put(near)
    expect(await layeredRecords(front, back).find(key)).toEqual(near)
    expect(await layeredRecords(front, back).find(asDigest(makeRecord('train').key))).toBeUndefined()
  })

  it('alone are written', async () => {
    const [front, back] = [memoryRecords(), memoryRecords()]
    await layeredRecords(front, back).put(near)

    expect(await front.find(key)).toEqual(near)
    expect(await back.find(key)).toBeUndefined()
  })
})
