import { describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import type { Records } from '../../pipeline/ports/records.ts'
import { makeRecord } from '../support/records.ts'

/** Every store of records passes this. */
export function describeRecordsContract(name: string, make: () => Promise<Records>): void {
  describe(`${name}, as records`, () => {
    it('finds nothing under a key that nothing was put under', async () => {
      expect(await (await make()).find(digestOf('nothing'))).toBeUndefined()
    })

    it('gives back a record under its key, and under no other', async () => {
      const records = await make()
      const record = makeRecord('build', { key: digestOf('one') })
      await records.put(record)
      expect(await records.find(digestOf('one'))).toStrictEqual(record)
      expect(await records.find(digestOf('two'))).toBeUndefined()
    })

    it('keeps the newest of a key', async () => {
      const records = await make()
      await records.put(makeRecord('build', { outcome: 'failed' }))
      await records.put(makeRecord('build', { metrics: { seconds: 2 } }))
      expect(await records.find(digestOf('key of build'))).toMatchObject({ outcome: 'passed', metrics: { seconds: 2 } })
    })

    it('gives out copies: changing one changes nothing that is kept', async () => {
      const records = await make()
      await records.put(makeRecord('build'))
      const key = digestOf('key of build')
      const found = await records.find(key)
      found!.problems.push({ code: 'x', severity: 'error', message: 'x' })
      expect((await records.find(key))?.problems).toStrictEqual([])
    })

    it('keeps every text whole: quotes, line ends, emoji, NUL and names of prototypes', async () => {
      const records = await make()
      const message = 'a "b"\n\u0000 😀 __proto__ \u2028'
      await records.put(makeRecord('build', { problems: [{ code: 'x', severity: 'error', message }] }))
      expect((await records.find(digestOf('key of build')))?.problems[0]?.message).toBe(message)
    })

    it('serves readers while twenty writers write, always a whole record', async () => {
      const records = await make()
      const writes = Array.from({ length: 20 }, (_, index) => records.put(makeRecord('build', { metrics: { seconds: index } })))
      const reads = await Promise.all(Array.from({ length: 20 }, () => records.find(digestOf('key of build'))))
      await Promise.all(writes)
      for (const read of reads) expect(read === undefined || read.stage === 'build').toBe(true)
      expect(await records.find(digestOf('key of build'))).toBeDefined()
    })
  })
}
