import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Chart } from '../../../../pipeline/ports/charts.ts'
import { composeReport } from '../../../../pipeline/report/compose-report.ts'
import { renderHtml } from '../../../../pipeline/report/render-html.ts'
import { runReport } from '../../../../pipeline/report/report-stage.ts'
import type { ReportInput } from '../../../../pipeline/report/report.ts'
import { makeBareInput, makeFailingInput, makeHostileInput, makeRichInput, makeSubject } from '../../../support/records.ts'
import { hostileTexts } from './hostile-texts.ts'

const render = (input: ReportInput, charts?: readonly Chart[]) => renderHtml(composeReport(input), charts === undefined ? {} : { charts })
const CHART: Chart = {
  name: 'evaluation-1',
  alt: 'accuracy "by" <slice>',
  section: 'evaluation',
  light: { svg: '<svg>light</svg>', png: new Uint8Array() },
  dark: { svg: '<svg>dark</svg>', png: new Uint8Array() },
}

describe('the report as HTML', () => {
  it.each([
    ['passing', makeRichInput()],
    ['failing', makeFailingInput()],
  ])('of a %s run', async (name, input) => {
    const body = render(input).replace(/^[^]*<body>/, '')
    await expect(body).toMatchFileSnapshot(`snapshots/${name}.html.snap`)
  })

  it('loads and runs nothing, by its own policy', () => {
    const html = render(makeRichInput(), [CHART])
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? []
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(html) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(policy).toBe(`default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;`)
    expect(html).not.toMatch(/<script|<link|<iframe|<object| style=| on\w+=|@import|url\(/i)
    expect([...html.matchAll(/(?:src|srcset)="([^"]{0,26})/g)].map(([, start]) => start)).toEqual(['data:image/svg+xml;base64,', 'data:image/svg+xml;base64,'])
  })

  it('puts a chart into its section, light and dark, for those who cannot see it too', () => {
    const html = render(makeRichInput(), [CHART])
    const [, figure = ''] = /<section id="evaluation">\n<h2>Evaluation<\/h2>\n<figure>([^]*?)<\/figure>/.exec(html) ?? []
    expect(figure).toContain('alt="accuracy &quot;by&quot; &lt;slice&gt;"')
    expect(figure).toContain(`media="(prefers-color-scheme: dark)" srcset="data:image/svg+xml;base64,${Buffer.from('<svg>dark</svg>').toString('base64')}"`)
  })

  it('links to nothing but the repository', () => {
    const links = [
      ...render(makeHostileInput('https://evil.example [x](https://evil.example) <a href="https://evil.example">')).matchAll(/href="([^"]*)"/g),
    ].map(([, url]) => url ?? '')
    expect(links.length).toBeGreaterThan(0)
    for (const url of links) expect(url).toMatch(/^https:\/\/github\.com\/waggle-sensor\/plugin-smoke-detector(\/blob\/|$)/)
  })

  it('holds everything, however much it is', () => {
    const html = render(makeHostileInput('row', 5000))
    expect(html.match(/<code>row:3<\/code>/g)).toHaveLength(5000)
  })

  it('opens what failed, and folds what passed', () => {
    const html = render(makeFailingInput())
    expect(html).toMatch(/<details open><summary><span class="mark failed"[^>]*>✕<\/span> production on linux\/amd64/)
    expect(html).toMatch(/<details><summary><span class="mark passed"[^>]*>✓<\/span> production on linux\/arm\/v7/)
  })

  it('colours a difference', () => {
    const html = render(makeFailingInput())
    expect(html).toContain('--- expected\n+++ found\n')
    expect(html).toContain('<span class="removed">-env.smoke.probability 0.974')
    expect(html).toContain('<span class="added">+env.smoke.probability 0.412')
  })

  it('names the folder where there is no repository, and says when it differs from the commit', () => {
    const html = render(makeBareInput({ subject: makeSubject({ repository: '/home/me/<plugin>', dirty: true }) }))
    expect(html).toContain('/home/me/&lt;plugin&gt; · <code>4f2c9a1d7be0</code> with changes')
    expect(render(makeBareInput({ subject: makeSubject({ commit: null }) }))).not.toContain('<p class="about"><code>')
  })

  it('lets no markup of a plugin through', () => {
    const own = tagsOf(render(makeHostileInput('x', 2)))
    const isAlive = (html: string): boolean =>
      [...tagsOf(html)].some((tag) => !own.has(tag) && tag !== 'span') || /[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069\u200b-\u200f]/.test(html)
    expect(hostileTexts(100).filter((text) => isAlive(render(makeHostileInput(text, 2))))).toEqual([])
  })
})

function tagsOf(html: string): ReadonlySet<string> {
  return new Set([...html.replace(/<style>[^]*<\/style>/, '').matchAll(/<\/?([a-z0-9]+)/gi)].map(([, tag]) => (tag ?? '').toLowerCase()))
}

describe('a report', () => {
  const renderer = { render: () => Promise.resolve([CHART]) }

  it('comes in every form, and its JSON is the whole document', async () => {
    const { report, markdown, html, json, charts } = await runReport(makeRichInput(), renderer)
    expect(JSON.parse(json)).toEqual(report)
    expect(markdown).toContain('waggle/smoke-detector')
    expect(html).toContain('<figure>')
    expect(charts).toEqual([CHART])
  })

  it('has the same digest for the same records, and another one for others', async () => {
    const digests = await Promise.all([makeRichInput(), makeRichInput(), makeFailingInput()].map(async (input) => (await runReport(input, renderer)).digest))
    expect(digests[0]).toBe(digests[1])
    expect(digests[0]).not.toBe(digests[2])
  })
})
