import { describe, expect, it, vi } from 'vitest'
import { svgCharts } from '../../../../adapters/charts/svg-charts.ts'
import { vegaCharts } from '../../../../adapters/charts/vega-charts.ts'
import { textWidth } from '../../../../adapters/charts/text-width.ts'
import { composeReport } from '../../../../pipeline/report/compose-report.ts'
import type { ReportInput } from '../../../../pipeline/report/report.ts'
import { describeChartRendererContract } from '../../../contract/chart-renderer.ts'
import {
  makeBareInput,
  makeBuildDetails,
  makeDuration,
  makeFailingInput,
  makeProfile,
  makeRichInput,
  makeRun,
  makeTrainDetails,
  makeTrial,
} from '../../../support/records.ts'

describeChartRendererContract('vega with resvg', vegaCharts, { png: true })
describeChartRendererContract('vega alone', svgCharts, { png: false })

const render = (input: ReportInput) => vegaCharts.render(composeReport(input))
const named = async (input: ReportInput, name: string) => (await render(input)).find((chart) => chart.name === name)
const slice = (name: string, value: number, metric = 'accuracy') => ({ slice: name, metric, value, n: 10 })
const trained = (overrides: Parameters<typeof makeTrainDetails>[0], rest: Partial<ReportInput> = {}): ReportInput =>
  makeBareInput({ stages: [makeRun('train', makeTrainDetails(overrides))], ...rest })
const tried = (...trials: ReturnType<typeof makeTrial>[]): ReportInput =>
  makeBareInput({ stages: [makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials })] })

describe('charts of a report', () => {
  it('come in the order of its sections, one for each kind of data', async () => {
    const charts = await render(makeRichInput())
    expect(charts.map(({ name, section }) => [name, section])).toEqual([
      ['evaluation-1', 'evaluation'],
      ['image-size', 'images'],
      ['build-time', 'images'],
      ['durations', 'profile'],
    ])
  })

  it('are about 700 wide, and twice that as a PNG', async () => {
    for (const { light } of await render(makeFailingInput())) {
      const width = Number(/ width="(\d+)"/.exec(light.svg)?.[1])
      expect(width).toBeGreaterThan(680)
      expect(width).toBeLessThan(780)
      expect(Buffer.from(light.png ?? []).readUInt32BE(16)).toBe(width * 2)
    }
  })

  it('say nothing on the console', async () => {
    const said = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'log'), vi.spyOn(console, 'error')]
    await render(makeRichInput())
    for (const spy of said) expect(spy).not.toHaveBeenCalled()
  })
})

describe('the chart of an evaluation', () => {
  it('shows the overall value, every slice, and the gates', async () => {
    const chart = await named(makeRichInput(), 'evaluation-1')
    expect(chart?.alt).toBe('accuracy by slice: overall 0.9531, day 0.981, dusk 0.956, haze 0.944, night 0.931')
    for (const text of ['overall', 'night', 'the gates are dashed']) expect(chart?.light.svg).toContain(text)
    expect(chart?.light.svg).toContain('stroke-dasharray="5,4"')
  })

  it('draws at most three metrics', async () => {
    const slices = ['a', 'b', 'c', 'd'].map((metric) => slice('day', 0.5, metric))
    expect((await render(trained({ metrics: [], slices }))).map(({ name }) => name)).toEqual(['evaluation-1', 'evaluation-2', 'evaluation-3'])
  })

  it.each([
    ['higher', 'slice 00'],
    ['lower', 'slice 39'],
  ] as const)('keeps the worst of many slices where %s is better, and says how many it leaves out', async (better, worst) => {
    const slices = Array.from({ length: 40 }, (_, index) => slice(`slice ${String(index).padStart(2, '0')}`, index))
    const chart = await named(trained({ metrics: [{ name: 'accuracy', value: 20, better }], slices }), 'evaluation-1')
    expect(chart?.light.svg).toContain('25 better slices are not drawn')
    expect(chart?.light.svg).toContain(worst)
  })

  it('leaves out what is not a number', async () => {
    expect(await render(trained({ metrics: [], slices: [{ slice: 'day', metric: 'accuracy', value: 'NaN', n: 0 }] }))).toEqual([])
  })

  it('keeps slices apart that have the same name', async () => {
    const svg = (await named(trained({ metrics: [], slices: [slice('day', 0.2), slice('day', 0.8)] }), 'evaluation-1'))?.light.svg ?? ''
    expect(svg.match(/>day\u2009?</g)).toHaveLength(2)
  })

  it('draws one value, and equal ones, without an empty axis', async () => {
    expect((await named(trained({ metrics: [], slices: [slice('day', 0)] }), 'evaluation-1'))?.light.svg).not.toContain('NaN')
    expect((await named(trained({ metrics: [], slices: [slice('day', 7), slice('night', 7)] }), 'evaluation-1'))?.light.svg).not.toContain('NaN')
  })
})

describe('the chart of durations', () => {
  it('is about native platforms alone', async () => {
    expect(await named(tried(makeTrial({ platform: 'linux/arm64', emulated: true })), 'durations')).toBeUndefined()
  })

  it('names the platform where there are two', async () => {
    const chart = await named(tried(makeTrial(), makeTrial({ platform: 'linux/arm64' })), 'durations')
    expect(chart?.alt).toContain('inference (production, linux/arm64)')
  })

  it('is linear where the parts are alike, and logarithmic where they are not', async () => {
    const profile = (...medians: number[]) =>
      makeProfile('linux/amd64', { metrics: Object.fromEntries(medians.map((median, index) => [`plugin.duration.part${index}`, makeDuration(median)])) })
    expect((await named(tried(makeTrial({ profile: profile(0.1, 0.12) })), 'durations'))?.light.svg).not.toContain('logarithmic')
    expect((await named(tried(makeTrial({ profile: profile(0.001, 1.2) })), 'durations'))?.light.svg).toContain('logarithmic')
  })

  it('takes samples in milliseconds as they are, and needs two', async () => {
    const metric = (samples: number[]) => ({ unit: 'ms' as const, value: 4, source: 'plugin' as const, samples })
    const input = (samples: number[]) => tried(makeTrial({ profile: makeProfile('linux/amd64', { metrics: { 'plugin.duration.x': metric(samples) } }) }))
    expect((await named(input([3, 5]), 'durations'))?.alt).toContain('4 ms')
    expect(await named(input([4]), 'durations')).toBeUndefined()
    expect(await named(input([0, 0]), 'durations')).toBeUndefined()
  })
})

describe('the charts of images', () => {
  it('mark what was built under emulation, and take the rest of the steps together', async () => {
    const chart = await named(makeRichInput(), 'build-time')
    for (const text of ['linux/arm64 (emulated)', 'other steps', 'exporting to image']) expect(chart?.light.svg).toContain(text)
  })

  it('show the size at the newest release where there is one', async () => {
    expect((await named(makeRichInput(), 'image-size'))?.light.svg).toContain('the stroke is the newest release')
    const { baseline: _, ...first } = makeRichInput()
    expect((await named(first, 'image-size'))?.light.svg).not.toContain('release')
  })

  it('are absent when nothing was built, or all of it came from the cache', async () => {
    const [platform] = makeBuildDetails().platforms
    const { bytes: _bytes, digest: _digest, ...failed } = platform!
    const input = (platforms: (typeof failed)[]) => makeBareInput({ stages: [makeRun('build', makeBuildDetails({ platforms }))] })
    expect(await render(input([{ ...failed, outcome: 'failed', steps: [] }]))).toEqual([])
    expect(await render(input([{ ...failed, steps: [{ name: 'COPY', seconds: 1, cached: true }] }]))).toEqual([])
  })
})

it('measures narrow, wide and capital letters by their group', () => {
  expect(textWidth({ fontSize: 10 }, 'i')).toBeLessThan(textWidth({ fontSize: 10 }, 'a'))
  expect(textWidth({ fontSize: 10 }, 'A')).toBeLessThan(textWidth({ fontSize: 10 }, 'W'))
  expect(textWidth({}, 'aa')).toBeCloseTo(2 * 0.62 * 11)
  expect(textWidth({}, undefined)).toBe(0)
})
