import { STAGES, type StageName } from '../../pipeline/stage.ts'
import type { Wish, WishKind } from '../../pipeline/service/wish.ts'

type Json = Readonly<Record<string, unknown>>

/** The wish in a text that this service, or an earlier version of it, wrote; undefined: it is none. */
export function parseWish(text: string): Wish | undefined {
  const value = parseJson(text)
  if (!isRecord(value) || !isRecord(value['by']) || !isRecord(value['what'])) return undefined
  const { id, at, commit, path, comment } = value
  const { login, kind } = value['by']
  const what = readKind(value['what'])
  if (typeof id !== 'string' || typeof at !== 'string' || typeof login !== 'string' || (kind !== 'person' && kind !== 'bot') || what === undefined)
    return undefined
  return {
    id,
    what,
    by: { login, kind },
    at,
    ...(typeof commit === 'string' && { commit }),
    ...(typeof path === 'string' && { path }),
    ...(isComment(comment) && { comment: { id: comment.id, issue: comment.issue } }),
  }
}

function readKind(value: Json): WishKind | undefined {
  const { kind, code, message, stages, node, again } = value
  switch (kind) {
    case 'cancel':
    case 'approve':
    case 'record':
    case 'init':
    case 'help':
      return { kind }
    case 'explain':
      return typeof code === 'string' ? { kind, code } : undefined
    case 'unknown':
      return typeof message === 'string' ? { kind, message } : undefined
    case 'run':
      if (!Array.isArray(stages) || !stages.every(isStage) || typeof again !== 'boolean') return undefined
      return { kind, stages, again, ...(typeof node === 'string' && { node }) }
    default:
      return undefined
  }
}

function isStage(value: unknown): value is StageName {
  return STAGES.some((stage) => stage === value)
}

function isComment(value: unknown): value is { id: number; issue: number } {
  return isRecord(value) && typeof value['id'] === 'number' && typeof value['issue'] === 'number'
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
