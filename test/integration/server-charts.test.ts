import { afterAll, describe, expect, it } from 'vitest'
import { chartThread } from '../../app/chart-thread.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import { makeBareInput, makeRichInput } from '../support/records.ts'

const charts = chartThread()
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
})
