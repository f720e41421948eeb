import { data, Evaluator, Lexer, Parser } from '@actions/expressions'
import type { Expr } from '@actions/expressions'
import type { FunctionDefinition } from '@actions/expressions/funcs/info'
import { Expression, isMap, type Template, type Value } from './template.ts'

/** What expressions can name: `github`, `inputs`, `needs` and their like. A name that is not among them does not parse. */
export type Contexts = Readonly<Record<string, Value>>

/** What the status functions of an `if` say. */
export interface Status {
  readonly success: boolean
  readonly failure: boolean
  readonly cancelled: boolean
}

/** Evaluates the text of an expression with GitHub's own evaluator; `status` only where an `if` stands. */
export function evaluate(expression: string, contexts: Contexts, status?: Status): Value {
  const functions = new Map<string, FunctionDefinition>()
  for (const [name, value] of Object.entries(status === undefined ? {} : { ...status, always: true }))
    functions.set(name, { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(value) })
  const result = new Evaluator(parse(expression, contexts, functions), dictionary(contexts), functions).evaluate()
  return JSON.parse(JSON.stringify(result, data.replacer)) as Value
}

function parse(expression: string, contexts: Contexts, functions: ReadonlyMap<string, FunctionDefinition>): Expr {
  // The lexer of 0.3.61 undoubles only the first quote of a text, so `'a ''b'' c'` would keep one too many.
  const tokens = new Lexer(expression)
    .lex()
    .tokens.map((token) => (typeof token.value === 'string' ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") } : token))
  return new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse()
}

function dictionary(contexts: Contexts): data.Dictionary {
  return new data.Dictionary(...Object.entries(contexts).map(([key, value]) => ({ key, value: toData(value) })))
}

function toData(value: Value): data.ExpressionData {
  return JSON.parse(JSON.stringify(value), data.reviver) as data.ExpressionData
}

/** A template with every expression in it evaluated. */
export function fill(template: Template, contexts: Contexts): Value {
  if (template instanceof Expression) return evaluate(template.text, contexts)
  if (Array.isArray(template)) return template.map((item: Template) => fill(item, contexts))
  if (isMap(template)) return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, contexts)]))
  return template as Value
}

/** The same as a text, as GitHub turns values into texts: `''` for null, `Object` for a mapping. */
export function fillText(template: Template, contexts: Contexts): string {
  return toData(fill(template, contexts)).coerceString()
}

/** A mapping of texts, such as `env` or `with`. */
export function fillTexts(template: Template | undefined, contexts: Contexts): Record<string, string> {
  const map = template instanceof Expression ? (fill(template, contexts) as Template) : template
  return isMap(map) ? Object.fromEntries(Object.entries(map).map(([key, value]) => [key, fillText(value, contexts)])) : {}
}

const STATUS_FUNCTION = /\b(?:always|success|failure|cancelled)\s*\(/i

/** Whether an `if` holds: without a status function it means `success() && (...)`, and without anything `success()`. */
export function holds(condition: Template | undefined, contexts: Contexts, status: Status): boolean {
  const text = condition instanceof Expression ? condition.text : typeof condition === 'object' || condition === undefined ? '' : String(condition).trim()
  const whole = text === '' ? 'success()' : STATUS_FUNCTION.test(text) ? text : `success() && (${text})`
  const value = evaluate(whole, contexts, status)
  return !(value === null || value === false || value === 0 || value === '')
}
