import { describe, expect, it } from 'vitest'
import { error } from '../../../../pipeline/problem.ts'
import { composeReport } from '../../../../pipeline/report/compose-report.ts'
import { GITHUB_LIMIT, renderMarkdown, type MarkdownOptions } from '../../../../pipeline/report/render-markdown.ts'
import type { ReportInput } from '../../../../pipeline/report/report.ts'
import {
  makeBareInput,
  makeBaseline,
  makeBuildDetails,
  makeBundle,
  makeFailingInput,
  makeHostileInput,
  makeMetric,
  makeProfile,
  makeRecord,
  makeRichInput,
  makeRun,
  makeSubject,
  makeSummary,
  makeTrainDetails,
  makeTrial,
} from '../../../support/records.ts'
import { hostileTexts } from './hostile-texts.ts'

const render = (input: ReportInput, options?: MarkdownOptions) => renderMarkdown(composeReport(input), options)
const tried = (...trials: ReturnType<typeof makeTrial>[]) => makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials })

/** GitHub counts characters; whichever it means, there are at most as many. */
function expectToFit(markdown: string, limit = GITHUB_LIMIT): void {
  expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(limit)
  expect(markdown.length).toBeLessThanOrEqual(limit)
  const fenceless = markdown.replace(/^(`{3,})[a-z]+\n[^]*?^\1$/gm, '')
  expect(fenceless).not.toMatch(/^```/m)
  expect(fenceless.match(/^<details>/gm)?.length).toBe(fenceless.match(/^<\/details>$/gm)?.length)
}

describe('the report as Markdown', () => {
  it.each([
    ['passing', makeRichInput()],
    ['failing', makeFailingInput()],
    ['hostile', makeHostileInput('@user #1 <b>[x](http://e)</b> `|` ``` </details>\n\n# h <!-- ctss -->')],
  ])('of a %s run', async (name, input) => {
    const markdown = render(input)
    expectToFit(markdown)
    await expect(markdown).toMatchFileSnapshot(`snapshots/${name}.md`)
  })

  it('begins with the verdict, and says at once what is next', () => {
    const [first, , second] = render(makeFailingInput()).split('\n')
    expect(first).toMatch(/^### ❌ Failed in virtual at ctss\.yaml:23: trial production on linux\/amd64/)
    expect(second).toMatch(/^\*\*Next:\*\* If the new values are right/)
  })

  it('shows charts only where they have an address, light and dark', () => {
    expect(render(makeRichInput())).not.toContain('<picture>')
    const link = { section: 'evaluation', alt: 'accuracy "by" <slice>', light: 'https://raw.example/l.png', dark: 'https://raw.example/d.png' } as const
    expect(render(makeRichInput(), { chartLinks: [link] })).toContain(
      '#### Evaluation\n\n<picture><source media="(prefers-color-scheme: dark)" srcset="https://raw.example/d.png"><img alt="accuracy &quot;by&quot; &lt;slice&gt;" src="https://raw.example/l.png" width="700"></picture>\n\n|',
    )
    expect(render(makeRichInput(), { chartLinks: [{ ...link, section: 'images' }] })).toContain('</picture>\n\n<details><summary><b>Images</b></summary>')
  })

  it('never shows a figure of an emulated trial', () => {
    const markdown = render(makeBareInput({ stages: [tried(makeTrial({ platform: 'linux/arm64', emulated: true, seconds: 98.7 }))] }))
    expect(markdown).toContain('emulated: correctness only')
    expect(markdown).not.toMatch(/98\.7|99 s|1 min 39 s|912 ms/)
  })

  it('names the arguments so that they can be typed again', () => {
    expect(render(makeBareInput({ stages: [tried(makeTrial({ args: ['--title', "it's here", ''] }))] }))).toContain("`--title 'it'\\''s here' ''`")
    expect(render(makeBareInput({ stages: [tried(makeTrial({ args: [] }))] }))).toContain('No arguments · Virtual Waggle 1 · internet closed')
  })

  it.each([
    [{ ending: 'timed-out', exitCode: null }, '| ran out of time |'],
    [{ ending: 'out-of-memory', exitCode: 137 }, '| ran out of memory \\(exit 137\\) |'],
    [{ ending: 'exited', exitCode: null }, '| exit unknown |'],
  ] as const)('says how a trial ended: %j', (ending, text) => {
    expect(render(makeBareInput({ stages: [tried(makeTrial({ outcome: 'failed', ...ending }))] }))).toContain(text)
  })

  it('says that a run without commit has none, and that a dirty one differs', () => {
    expect(render(makeBareInput({ subject: makeSubject({ commit: null }) }))).not.toContain(' · ')
    expect(render(makeBareInput({ subject: makeSubject({ dirty: true }) }))).toContain('changed since `4f2c9a1`')
  })

  it('calls warnings by their name', () => {
    expect(render(makeRichInput())).toContain('#### Warnings \\(1\\)')
    expect(render(makeFailingInput())).toContain('#### Problems \\(3\\)')
  })

  it('shows several metrics, baselines and values without a reference in the table of slices', () => {
    const slices = [
      { slice: 'day', metric: 'accuracy', value: 0.9531, n: 1, baseline: 0.9 },
      { slice: 'day', metric: 'f1', value: 'NaN' as const, n: 1 },
    ]
    const markdown = render(
      makeBareInput({ stages: [makeRun('train', makeTrainDetails({ metrics: [{ name: 'accuracy', value: 0.9531, better: 'higher', unit: '%' }], slices }))] }),
    )
    expect(markdown).toContain('| Slice | Metric | Value | 95 % interval | n | To overall | Baseline |')
    expect(markdown).toContain('| <b>day</b> | accuracy | 0.9531 |  | 1 | 0 | 0.9 |')
    expect(markdown).toContain('| <b>day</b> | f1 | NaN |  | 1 |  |  |')
    expect(markdown).toContain('| <b>accuracy</b> | 0.9531 % |')
  })
})

describe('however much a run leaves, its report', () => {
  it.each([300, 3000, 10_000])('of %d of everything fits into a comment, and says what it left out', (rows) => {
    const markdown = render(makeHostileInput('row & <more>', rows))
    expectToFit(markdown)
    expect(markdown).toMatch(/… and [\d,]+ more (rows|entries) in the HTML report\./)
    expect(markdown).toMatch(/> Shortened to what fits into a comment: .+\. The HTML and JSON reports hold everything\./)
    expect(markdown).toContain('### ❌ Failed in validate')
  })

  it.each(['x', '`', '|', '\\', '漢', '😀', '<', '@a ', 'a\n', '\u001b[31m', '\u202e'])('fits when every text is %j a hundred thousand times', (text) => {
    expectToFit(render(makeHostileInput(text.repeat(100_000), 3)))
  })

  it('fits whatever the texts and limits are', () => {
    for (const [index, text] of hostileTexts(60).entries()) {
      const limit = 16_384 + index * 800
      const markdown = render(makeHostileInput(text, index * 7), { limit })
      expectToFit(markdown, limit)
      expect(markdown).not.toContain('<!--')
    }
  })

  it('keeps what matters most: problems whole, logs last', () => {
    const noisy = Array.from({ length: 60 }, (_, index) =>
      makeTrial({ name: `trial ${index};`, outcome: 'failed', logs: { stdout: 'out '.repeat(4000), stderr: 'err '.repeat(4000) } }),
    )
    const problems = noisy.map(({ name }) => error('trial-failed', `${name} failed`, { suggestion: 'Look at its log.' }))
    const markdown = render(
      makeBareInput({ stages: [makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials: noisy }, { outcome: 'failed', problems })] }),
    )
    expectToFit(markdown)
    expect(noisy.filter(({ name }) => !markdown.includes(`${name} failed`))).toEqual([])
    expect(markdown).toContain('Shortened to what fits into a comment: Trials')
  })

  it('leaves out the excerpt of a problem before the problem', () => {
    const problems = Array.from({ length: 200 }, (_, index) => error('e', `number ${index};`, { detail: 'x'.repeat(8000) }))
    const markdown = render(makeBareInput({ stages: [makeSummary('validate', { outcome: 'failed', problems })] }))
    expectToFit(markdown)
    expect(problems.filter(({ message }) => !markdown.includes(message))).toEqual([])
  })

  it('needs room for at least its head', () => {
    expect(() => render(makeRichInput(), { limit: 1000 })).toThrow(RangeError)
  })
})

describe('the smaller tables of a report', () => {
  it('leave empty what is not known', () => {
    const steps = [{ name: 'RUN pip', seconds: 2, cached: true }]
    const platform = { platform: 'linux/amd64', outcome: 'failed' as const, seconds: 3, emulated: false, steps: [] }
    const metrics = { wall_seconds: makeMetric(2, 's'), 'plugin.duration.x': makeMetric(0.5, 's') }
    const markdown = render(
      makeBareInput({
        stages: [
          makeSummary('train', { ran: false, record: makeRecord('train', { subject: makeSubject({ commit: null }) }) }),
          makeSummary('build', { outcome: 'error', reason: 'no builder' }),
          makeRun('build', makeBuildDetails({ platforms: [platform, { ...platform, platform: 'linux/arm64', steps }] })),
          tried(
            makeTrial({ profile: makeProfile('linux/amd64', { metrics }) }),
            makeTrial({
              profile: makeProfile('linux/amd64', { metrics: { cpu_seconds: makeMetric(1, 's') } }),
              names: [{ name: 'a', count: 1 }],
              dropped: [{ reason: 'no name', count: 1 }],
            }),
          ),
        ],
      }),
    )
    expect(markdown).toContain('| 41 s then | reused from 2026-11-21 12:00 UTC |')
    expect(markdown).toContain('could not finish: no builder')
    expect(markdown).toContain('| ❌ | <b>linux/amd64</b> |  | 3.0 s |  |')
    expect(markdown).toContain('| cached | linux/arm64 | `RUN pip` |')
    expect(markdown).toContain('| <b>production</b> | linux/amd64 | 2.0 s |  |')
    expect(markdown).toContain('| `x` | production | linux/amd64 |  | 500 ms |  |  |')
    expect(markdown).toContain('| `a` | 1 |  |')
    expect(markdown).toContain('| no name | 1 |  |')
  })

  it('show what an evaluation test said, and tell skipped from failed', () => {
    const tests = [
      { name: 'a b', category: 'direction', outcome: 'failed', seconds: 0, message: 'less' },
      { name: 'c', category: 'direction', outcome: 'skipped', seconds: 0 },
      { name: 'd', category: 'invariance', outcome: 'skipped', seconds: 0 },
    ] as const
    const markdown = render(makeBareInput({ stages: [makeRun('train', makeTrainDetails({ tests: [...tests] }))] }))
    expect(markdown).toContain('| ❌ | <b>direction</b> | 0 of 2 |')
    expect(markdown).toContain('| ✅ | <b>invariance</b> | 0 of 1 |')
    expect(markdown).toContain('- ❌ `a b` direction\n\n<details><summary>Details: a b direction</summary>\n\n```text\nless\n```')
    expect(markdown).toContain('- ➖ `c` direction\n')
  })

  it('say why a gate had nothing to compare with, and put those that failed first', () => {
    const gates = [
      { gate: { metric: 'a' }, outcome: 'passed', found: '1', required: 'r', message: 'there is no release', informational: true },
      { gate: { metric: 'b' }, outcome: 'failed', found: '2', required: 'r', message: 'm' },
    ] as const
    expect(render(makeBareInput({ gates }))).toContain('| ❌ | <b>b</b> | r | 2 |\n| ✅ | <b>a</b> | r | there is no release |')
  })

  it('show a release, what changed from nothing, and that nothing moved', () => {
    const markdown = render(makeBareInput({ bundle: makeBundle({ state: 'release' }) }))
    expect(markdown).toContain('#### Release')
    expect(markdown).toContain('released, immutable')
    const image = (bytes: number) =>
      makeRun('build', makeBuildDetails({ platforms: [{ platform: 'linux/amd64', outcome: 'passed', bytes, seconds: 1, emulated: false, steps: [] }] }))
    const baseline = (bytes: number) => makeBaseline({ metrics: [], slices: [], profiles: [], imageBytes: { 'linux/amd64': bytes } })
    expect(render(makeBareInput({ stages: [image(5)], baseline: baseline(0) }))).toContain('| 🔻 | <b>image size</b> | linux/amd64 | 0 B | 5 B |  |')
    expect(render(makeBareInput({ stages: [image(5)], baseline: baseline(5) }))).toContain('<summary>1 figure without a change that matters</summary>')
  })
})
