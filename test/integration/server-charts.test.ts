import { afterAll, describe, expect, it } from 'vitest'
import { chartThread } from '../../app/chart-thread.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import type { Report } from '../../pipeline/report/report.ts'
import { makeBareInput, makeRichInput } from '../support/records.ts'

const charts = chartThread()
/** A thread that does as the report says. */
const actor = new URL(
  `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'
  parentPort.on('message', ({ id, report }) => {
    if (report === 'dies') throw new Error('as told')
    while (report === 'hangs');
    parentPort.postMessage({ id, charts: [] })
  })`)}`,
)
const acting = (how: 'answers' | 'dies' | 'hangs') => how as unknown as Report
afterAll(async () => charts[Symbol.asyncDispose]())

describe('charts, in a thread', () => {
  it('are drawn as PNGs, while everything else goes on', async () => {
    let turns = 0
    const timer = setInterval(() => (turns += 1), 5)
    const [rich, bare] = await Promise.all([charts.render(composeReport(makeRichInput())), charts.render(composeReport(makeBareInput()))])
    clearInterval(timer)
    expect(rich.map(({ name }) => name)).toContain('image-size')
    for (const { light, dark } of rich)
      for (const { png } of [light, dark])
        expect(
          Buffer.from(png ?? [])
            .subarray(1, 4)
            .toString(),
        ).toBe('PNG')
    expect(bare).toEqual([])
    expect(turns).toBeGreaterThan(10)
  })

  it('fail where they cannot be drawn, and the next ones are drawn', async () => {
    await expect(charts.render({ sections: undefined } as never)).rejects.toThrow('charts cannot be drawn')
    expect(await charts.render(composeReport(makeBareInput()))).toEqual([])
  })

  it('fail with their thread', async () => {
    const dying = chartThread(new URL('data:text/javascript,process.exit(1)'))
    await expect(dying.render(composeReport(makeBareInput()))).rejects.toThrow('the thread that draws charts has ended')
  })

  it('are drawn by the next thread, whatever the last one does yet', async () => {
    const charts = chartThread(actor)
    for (let round = 0; round < 3; round += 1) {
      await expect(charts.render(acting('dies'))).rejects.toThrow('as told')
      expect(await charts.render(acting('answers'))).toEqual([])
    }
    await charts[Symbol.asyncDispose]()
  })

  it('fail with a thread that does not answer, which is ended', async () => {
    const charts = chartThread(actor, 500)
    const asked = [charts.render(acting('hangs')), charts.render(acting('answers'))]
    for (const one of asked) await expect(one).rejects.toThrow('has not answered for 0.5 s')
    expect(await charts.render(acting('answers'))).toEqual([])
    await charts[Symbol.asyncDispose]()
  })
})
