/** A workflow's file, as far as a dispatch reads it. */
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import { parseDocument } from 'yaml'
import type { Json } from './world.ts'

interface Input {
  readonly type?: string
  readonly required?: boolean
  readonly default?: unknown
  readonly options?: readonly string[]
}

/** What a dispatch needs to know of a workflow. */
export interface WorkflowFile {
  readonly path: string
  readonly name: string
  readonly runName: string | undefined
  /** Undefined: it is not started by hand. */
  readonly inputs: Readonly<Record<string, Input>> | undefined
  /** Reusable workflows that its jobs call. */
  readonly calls: readonly string[]
}

/** Reads the file; what it does not understand, it takes for not there. */
export function parseWorkflow(content: string, path: string): WorkflowFile {
  const read = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
  // YAML 1.2 leaves the key `on` alone. A broken file is a workflow that nothing starts.
  const document = parseDocument(content)
  const workflow = read(document.errors.length > 0 ? undefined : document.toJS())
  const { on, name, 'run-name': runName, jobs } = workflow
  const isByHand = Array.isArray(on) || typeof on === 'string' ? [on].flat().includes('workflow_dispatch') : 'workflow_dispatch' in read(on)
  return {
    path,
    name: typeof name === 'string' ? name : path,
    runName: typeof runName === 'string' ? runName : undefined,
    inputs: isByHand ? (read(read(read(on)['workflow_dispatch'])['inputs']) as Readonly<Record<string, Input>>) : undefined,
    calls: Object.values(read(jobs)).flatMap((job) => (typeof read(job)['uses'] === 'string' ? [String(read(job)['uses'])] : [])),
  }
}

/** A text with `${{ }}` evaluated by GitHub's own evaluator. */
export function evaluateText(template: string, contexts: Json): string {
  return template.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => {
    const { tokens } = new Lexer(expression).lex()
    const dictionary = new data.Dictionary(
      ...Object.entries(contexts).map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value), data.reviver) as data.ExpressionData })),
    )
    return new Evaluator(new Parser(tokens, Object.keys(contexts), []).parse(), dictionary).evaluate().coerceString()
  })
}
