import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asMap, asText, parseActionFile, type Template } from './template.ts'

/** A JavaScript action. */
export interface Action {
  readonly folder: string
  readonly inputs: Readonly<Record<string, { readonly required: boolean; readonly default: Template | undefined }>>
  readonly outputs: readonly string[]
  readonly main: string
  readonly post: string | undefined
  readonly postCondition: Template | undefined
}

/** Reads the action.yml of a folder; throws when GitHub's parser refuses it, or when it is none for Node 24. */
export async function readAction(folder: string): Promise<Action> {
  const file = join(folder, 'action.yml')
  const { root, errors } = parseActionFile(file, await readFile(file, 'utf8'))
  if (errors.length > 0) throw new Error(errors.join('\n'))
  const runs = asMap(root['runs'])
  const main = asText(runs['main'])
  if (runs['using'] !== 'node24' || main === undefined) throw new Error(`${file}: the mini-runner runs actions for node24 only`)
  const inputs = Object.entries(asMap(root['inputs'])).map(([name, input]) => {
    const { required, default: value } = asMap(input)
    return [name, { required: required === true, default: value }] as const
  })
  return {
    folder,
    inputs: Object.fromEntries(inputs),
    outputs: Object.keys(asMap(root['outputs'])),
    main,
    post: asText(runs['post']),
    postCondition: runs['post-if'],
  }
}
