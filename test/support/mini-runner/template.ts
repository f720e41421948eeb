import {
  isBasicExpression,
  isBoolean,
  isLiteral,
  isMapping,
  isNumber,
  isSequence,
  isString,
  NoOperationTraceWriter,
  parseWorkflow,
} from '@actions/workflow-parser'
import { convertWorkflowTemplate } from '@actions/workflow-parser'
import { parseAction } from '@actions/workflow-parser/actions/index'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'

/** `${{ }}` as GitHub's parser reads it: text around it has become a call of format(). */
export class Expression {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Scalar = null | boolean | number | string

/** What an expression can be worth. */
export type Value = Scalar | readonly Value[] | { readonly [key: string]: Value }

/** A value of a workflow or of an action.yml before its expressions are evaluated. */
export type Template = Scalar | Expression | readonly Template[] | TemplateMap
export interface TemplateMap {
  readonly [key: string]: Template
}

/** A file as GitHub's own parser reads it, and what that says against it. */
export interface ParsedFile {
  readonly root: TemplateMap
  readonly errors: readonly string[]
}

/** Reads a workflow, its jobs and conditions included. */
export async function parseWorkflowFile(name: string, content: string): Promise<ParsedFile> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
  // Finds what the schema alone does not: unknown needs, cycles, jobs without runs-on, conditions that do not parse. Its errors end up in the context.
  if (value !== undefined) await convertWorkflowTemplate(context, value)
  return { root: readMap(value), errors: messages(context.errors.getErrors()) }
}

/** Reads an action.yml. */
export function parseActionFile(name: string, content: string): ParsedFile {
  const { context, value } = parseAction({ name, content }, new NoOperationTraceWriter())
  return { root: readMap(value), errors: messages(context.errors.getErrors()) }
}

function messages(errors: readonly { readonly message: string }[]): readonly string[] {
  return [...new Set(errors.map(({ message }) => message))]
}

function readMap(token: TemplateToken | undefined): TemplateMap {
  return token === undefined ? {} : asMap(readToken(token))
}

function readToken(token: TemplateToken): Template {
  if (isBasicExpression(token)) return new Expression(token.expression)
  if (isMapping(token)) return Object.fromEntries(Array.from(token, ({ key, value }) => [key.toString(), readToken(value)]))
  if (isSequence(token)) return Array.from(token, readToken)
  if (isString(token) || isNumber(token) || isBoolean(token)) return token.value
  if (isLiteral(token)) return null
  throw new Error(`the mini-runner does not know ${token.typeName()}`)
}

/** The mapping, or an empty one. */
export function asMap(template: Template | undefined): TemplateMap {
  return isMap(template) ? template : {}
}

export function isMap(template: Template | undefined): template is TemplateMap {
  return typeof template === 'object' && template !== null && !Array.isArray(template) && !(template instanceof Expression)
}

/** One text or a list of them, as a list. */
export function asTexts(template: Template | undefined): readonly string[] {
  return (Array.isArray(template) ? template : template === undefined || template === null ? [] : [template]).map(String)
}

/** A text that must be written out; expressions are not. */
export function asText(template: Template | undefined): string | undefined {
  return typeof template === 'string' ? template : undefined
}
