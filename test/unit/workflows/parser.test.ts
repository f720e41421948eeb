import { Lexer, Parser } from '@actions/expressions'
import { describe, expect, it } from 'vitest'
import { complaintsOf } from '../../support/workflow-parser.ts'
import { CALLERS, JOBS, WORKFLOWS } from '../../support/workflows.ts'

describe("GitHub's own parser", () => {
  it.each([...WORKFLOWS, ...CALLERS])('has nothing against $file', async ({ file, text }) => {
    expect(await complaintsOf(file, text)).toEqual([])
  })

  it.each([
    ['an unknown name in an expression', 'needs.plan.outputs.train ==', 'needz.plan.outputs.train =='],
    ['an input that the called workflow does not have', 'wanted: ${{', 'vanted: ${{'],
    ['a job that waits for one that is not there', 'needs: [plan, train]', 'needs: [plan, trian]'],
    ['a scope that does not exist', 'pull-requests: write', 'pull-request: write'],
    ['a key that does not exist', 'timeout-minutes:', 'time-out-minutes:'],
  ])('refuses %s', async (_, right, wrong) => {
    const { text } = WORKFLOWS.find(({ file }) => file === 'pipeline.yml')!

    expect(text).toContain(right)
    expect(
      await complaintsOf(
        'pipeline.yml',
        text.replace(right, () => wrong),
      ),
    ).not.toEqual([])
  })
})

/** What GitHub knows in one place or another; where just which is known, the parser above tells. */
const CONTEXTS = ['github', 'inputs', 'needs', 'steps', 'matrix', 'runner', 'jobs']
const FUNCTIONS = ['cancelled', 'always', 'success', 'failure'].map((name) => ({ name, minArgs: 0, maxArgs: 0 }))

describe("GitHub's own expressions", () => {
  const expressions = [...WORKFLOWS, ...CALLERS].flatMap(({ file, text }) =>
    [...text.matchAll(/\$\{\{(.*?)\}\}/g)].map(([, expression = '']) => ({ file, expression })),
  )
  const conditions = JOBS.flatMap(({ workflow: { file }, job }) =>
    [job, ...(job.steps ?? [])].flatMap((part) => (part.if === undefined ? [] : [{ file, expression: part.if }])),
  )
  const plain = conditions.filter(({ expression }) => !expression.includes('${{'))

  it('are many', () => {
    expect(expressions.length).toBeGreaterThan(300)
    expect(plain.length).toBeGreaterThan(10)
  })

  it.each([...expressions, ...plain])('read $expression in $file', ({ expression }) => {
    expect(() => new Parser(new Lexer(expression.trim()).lex().tokens, CONTEXTS, FUNCTIONS).parse()).not.toThrow()
  })
})
