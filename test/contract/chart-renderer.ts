import { XMLValidator } from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import type { ChartRenderer } from '../../pipeline/ports/charts.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import { makeBareInput, makeHostileInput, makeRichInput } from '../support/records.ts'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47])

/** Every chart renderer passes this. */
export function describeChartRendererContract(name: string, renderer: ChartRenderer, { png: makesPng }: { readonly png: boolean }): void {
  describe(`${name}, as a chart renderer`, () => {
    it('draws nothing when there is no data', async () => {
      expect(await renderer.render(composeReport(makeBareInput()))).toEqual([])
    })

    it('gives charts with distinct names, a text for those who cannot see them, and a section that the report has', async () => {
      const report = composeReport(makeRichInput())
      const charts = await renderer.render(report)
      expect(charts.length).toBeGreaterThan(0)
      expect(new Set(charts.map((chart) => chart.name)).size).toBe(charts.length)
      for (const { name: chart, alt, section } of charts) {
        expect(chart).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
        expect(alt.length).toBeGreaterThan(20)
        expect(report.sections.map(({ kind }) => kind)).toContain(section)
      }
    })

    it(`gives SVG ${makesPng ? 'and PNG' : 'alone'}, different in light and dark`, async () => {
      for (const { light, dark } of await renderer.render(composeReport(makeRichInput()))) {
        for (const { svg, png } of [light, dark]) {
          expect(svg).toMatch(/^<svg [^]*<\/svg>$/)
          expect(png === undefined ? undefined : Buffer.from(png.subarray(0, 4))).toEqual(makesPng ? PNG : undefined)
        }
        expect(light.svg).not.toBe(dark.svg)
        if (makesPng) expect(light.png).not.toEqual(dark.png)
      }
    })

    it('gives the same bytes for the same report', async () => {
      const [first, second] = [await renderer.render(composeReport(makeRichInput())), await renderer.render(composeReport(makeRichInput()))]
      expect(second).toEqual(first)
    })

    it('brings no markup, script or address of a plugin into an SVG', async () => {
      const hostile = `</text><script>alert(1)</script><image href="https://evil.example/x.png"/> ]; datum.value \${x} " ' \\ \u202e\u0000`
      const charts = await renderer.render(composeReport(makeHostileInput(hostile, 20)))
      expect(charts.length).toBeGreaterThan(0)
      for (const { light } of charts) {
        expect(light.svg).not.toMatch(/\u202e|\u0000/)
        expect(XMLValidator.validate(light.svg)).toBe(true)
        const names = new Set([...light.svg.matchAll(/<([A-Za-z]+)/g)].map(([, tag]) => tag))
        expect([...names].filter((tag) => !['svg', 'g', 'path', 'text', 'line', 'rect'].includes(tag ?? ''))).toEqual([])
        expect(light.svg.replace(/>[^<]*</g, '><')).not.toMatch(/ (?:xlink:)?href=| on[a-z]+=/)
      }
    })
  })
}
