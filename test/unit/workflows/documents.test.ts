import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { renderWorkflowsPage } from '../../../scripts/workflows-page.ts'
import { complaintsOf } from '../../support/workflow-parser.ts'
import { askedFor, WORKFLOWS, type WrittenWorkflow } from '../../support/workflows.ts'

const PAGE = readFileSync('docs/workflows.md', 'utf8')
const EXAMPLES = [...PAGE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => ({
  text,
  title: /^name: (.*)$/m.exec(text)?.[1],
  workflow: parse(text) as WrittenWorkflow,
}))

describe('docs/workflows.md', () => {
  it('has the permissions, inputs and outputs of the workflows as they are', () => {
    expect(renderWorkflowsPage(PAGE, WORKFLOWS)).toBe(PAGE)
  })

  it('begins with the six lines of the example', () => {
    const [first] = EXAMPLES

    expect(first?.text).toBe(readFileSync('examples/smoke-detector/.github/workflows/ci.yml', 'utf8'))
    expect(first?.text.trimEnd().split('\n')).toHaveLength(6)
  })

  it.each(EXAMPLES)("shows a workflow ($title) that GitHub's parser takes, inputs of ours included", async ({ text }) => {
    expect(await complaintsOf('example.yml', text)).toEqual([])
  })

  it.each(EXAMPLES)('shows a workflow ($title) that grants just what ours ask for', ({ workflow }) => {
    for (const job of Object.values(workflow.jobs)) expect(job.permissions).toEqual(askedFor(job))
  })
})
