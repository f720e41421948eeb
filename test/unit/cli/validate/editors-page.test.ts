import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Workflow {
  readonly on: readonly string[]
  readonly jobs: Readonly<Record<string, { readonly 'runs-on': string; readonly steps: readonly Step[] }>>
}

const page = readFileSync('docs/editors.md', 'utf8')
const workflows = [...page.matchAll(/```yaml\n(name: [^]*?)```/g)].map(([, text = '']) => parse(text) as Workflow)

describe('the workflows of docs/editors.md', () => {
  it.each(workflows.map((workflow) => [workflow] as const))('bring the plugin, ctss at a tag and Node 24 before they run it', ({ on, jobs }) => {
    const steps = jobs['validate']?.steps ?? []

    expect(on).toContain('pull_request')
    expect(steps.slice(0, 3).map((step) => [step.uses?.replace(/@v\d+$/, ''), step.with])).toEqual([
      ['actions/checkout', undefined],
      ['actions/checkout', { repository: 'sagecontinuum/ctss', ref: 'v0.1.0', path: 'ctss' }],
      ['actions/setup-node', { 'node-version': 24 }],
    ])
    expect(steps[3]?.run).toMatch(/^node ctss\/bin\/ctss\.mjs validate \. --(?:github|sarif > ctss\.sarif)$/)
  })

  it('are two, and name only files that are there', () => {
    const named = [...page.matchAll(/\bctss\/((?:bin|docs)\/[\w.-]+)/g)].flatMap(([, path = '']) => path)

    expect(workflows).toHaveLength(2)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((path) => !existsSync(path))).toEqual([])
  })
})
