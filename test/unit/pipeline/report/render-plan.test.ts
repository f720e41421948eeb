import { describe, expect, it } from 'vitest'
import { renderPlan } from '../../../../pipeline/report/render-plan.ts'
import type { RunPlan } from '../../../../schemas/generated/types.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'
import { hostileTexts } from './hostile-texts.ts'

const PLAN = makeRunPlan({
  stages: [
    { stage: 'validate', kind: 'reuse', reason: 'finished', record: makeRecord('validate') },
    { stage: 'train', kind: 'reuse', reason: 'unchanged', record: makeRecord('train', { subject: { ...SUBJECT, commit: 'b'.repeat(40) } }) },
    { stage: 'build', kind: 'run', reason: 'no record of these inputs' },
    { stage: 'virtual', kind: 'run', reason: 'its inputs are not known yet', runner: ['self-hosted', 'linux'] },
    { stage: 'node', kind: 'skip', reason: 'no Waggle node', runner: ['ubuntu-24.04'] },
  ],
  platforms: [
    { platform: 'linux/amd64', runner: ['ubuntu-24.04'], emulated: false, build: true },
    { platform: 'linux/arm64', runner: ['ubuntu-24.04-arm'], emulated: false, build: false },
    { platform: 'linux/arm/v7', runner: ['ubuntu-24.04'], emulated: true, build: true },
  ],
})

describe('a plan as Markdown', () => {
  it('says what runs, where, and why', () => {
    expect(renderPlan(PLAN)).toBe(`### ▶️ Runs build, virtual

<sub>zelda/cloud-counter · \`aaaaaaa\` · trusted</sub>

| stage | | why | runner |
|:--|:--|:--|:--|
| validate | ♻️ reuse | finished, from commit aaaaaaa |  |
| train | ♻️ reuse | unchanged, from commit bbbbbbb |  |
| build | ▶️ run | no record of these inputs |  |
| virtual | ▶️ run | its inputs are not known yet | \`self-hosted, linux\` |
| node | ➖ skip | no Waggle node |  |

| platform | build | runner |
|:--|:--|:--|
| \`linux/amd64\` | native | \`ubuntu-24.04\` |
| \`linux/arm64\` | reused |  |
| \`linux/arm/v7\` | emulated | \`ubuntu-24.04\` |`)
  })

  it('says when nothing runs, and of which repository nothing is known', () => {
    const subject = { ...SUBJECT, commit: null }
    const record = makeRecord('validate', { subject })
    const stages: RunPlan['stages'] = [
      { stage: 'validate', kind: 'reuse', reason: 'finished', record },
      { stage: 'build', kind: 'skip', reason: 'the manifest cannot be read' },
    ]

    expect(renderPlan(makeRunPlan({ name: null, subject, trust: 'untrusted', stages, platforms: [] })))
      .toBe(`### ♻️ Nothing runs: nothing has changed, or nothing can

<sub>a repository without a manifest · untrusted</sub>

| stage | | why | runner |
|:--|:--|:--|:--|
| validate | ♻️ reuse | finished |  |
| build | ➖ skip | the manifest cannot be read |  |`)
  })

  it('keeps its shape, and shows texts of strangers as text', () => {
    const shapeOf = (markdown: string): string[] => markdown.split('\n').map((line) => line.replace(/[^|]/g, ''))
    const shape = shapeOf(renderPlan(PLAN))
    const texts = [...hostileTexts(300), '</sub></details>', '| a | b |\n| c |', '<!-- ctss -->', '<img src=x onerror=y>', '@octocat', '\u001b[31m', '```\n']
    for (const text of texts) {
      const hostile = makeRunPlan({
        name: text,
        stages: PLAN.stages.map((stage) => ({ ...stage, reason: text, ...(stage.runner && { runner: [text] }) })),
        platforms: PLAN.platforms.map((platform) => ({ ...platform, platform: text, runner: [text] })),
      })
      const markdown = renderPlan(hostile)
      // Without what is escaped, code spans, and the one element of ours: nothing is left that Markdown or HTML gives a meaning to.
      const alive = markdown.replaceAll(/\\.|(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, '').replaceAll(/<\/?sub>/g, '')

      expect(shapeOf(markdown)).toEqual(shape)
      expect(markdown).not.toContain('<!--')
      // oxlint-disable-next-line no-control-regex -- what a terminal obeys
      expect(markdown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u200b\u202e]/)
      expect(alive).not.toMatch(/[<>@`]/)
    }
  })

  it('cuts what nobody would read', () => {
    const long = 'word '.repeat(10_000)
    const markdown = renderPlan(makeRunPlan({ name: long, stages: [{ stage: 'build', kind: 'run', reason: long }] }))

    expect(markdown.length).toBeLessThan(1500)
    expect(markdown).toContain('…')
  })
})
