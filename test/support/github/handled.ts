/** How the gateway's own answers are written: by operation of GitHub's document. */
import type { Permissions } from './api.ts'
import type { LocalAnswer, LocalRequest } from './releases.ts'
import type { Account, Json, Repository } from './world.ts'

/** Who asks. */
export interface Identity {
  readonly login: string
  readonly kind: 'person' | 'installation' | 'app' | 'workflow' | 'nobody'
  readonly account: Account
  /** Of a token of an app. */
  readonly permissions?: Permissions
  /** Repositories that the token is for; undefined: what its owner sees. */
  readonly sees?: (repository: Repository) => boolean
  /** The app that writes checks. */
  readonly appId?: number
  readonly installation?: number
  readonly expiresMs?: number
}

export interface Request extends LocalRequest {
  /** Method and path, without the query. */
  readonly line: string
  readonly method: string
  readonly path: string
  readonly identity: Identity
  /** Where the path names one. */
  readonly hosted: Repository
  /** `{ viewer { login } }`, the one GraphQL query that is known here. */
  readonly isViewerQuery: boolean
}

/** Parts of the path after the repository's, or all of them where there is none. Undefined: emulate answers. */
export type Handler = (request: Request, ...parts: readonly string[]) => Promise<LocalAnswer | undefined> | LocalAnswer | undefined

/** By `operationId`. */
export type Handlers = Readonly<Record<string, Handler>>

export const NOT_FOUND: LocalAnswer = { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' } }
export const NO_CONTENT: LocalAnswer = { status: 204 }

/** GitHub's words for what an app may not. */
export const FORBIDDEN: LocalAnswer = {
  status: 403,
  body: { message: 'Resource not accessible by integration', documentation_url: 'https://docs.github.com/rest', status: '403' },
}

export function ok(body: unknown): LocalAnswer {
  return { status: 200, body }
}

export function created(body: unknown): LocalAnswer {
  return { status: 201, body }
}

/** 422 as GitHub puts it. */
export function invalid(message: string, ...errors: readonly Json[]): LocalAnswer {
  return {
    status: 422,
    body: {
      message: errors.length === 0 ? message : 'Validation Failed',
      ...(errors.length > 0 && { errors }),
      documentation_url: 'https://docs.github.com/rest',
    },
  }
}

/** One page of a list, with the link to the next; `name` where GitHub wraps the list into an object with its count. */
export function page(request: Request, items: readonly unknown[], name?: string): LocalAnswer {
  const [size, number] = [Number(request.url.searchParams.get('per_page') ?? 30), Number(request.url.searchParams.get('page') ?? 1)]
  const shown = items.slice((number - 1) * size, number * size)
  const link = (to: number, relation: string): string => {
    const url = new URL(request.url)
    url.searchParams.set('page', String(to))
    return `<${url.href}>; rel="${relation}"`
  }
  const last = Math.max(1, Math.ceil(items.length / size))
  const links = [...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []), ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : [])]
  return {
    status: 200,
    body: name === undefined ? shown : { total_count: items.length, [name]: shown },
    ...(links.length > 0 && { headers: { link: links.join(', ') } }),
  }
}

/** A text of the body; undefined where there is none. */
export function text(request: Request, name: string): string | undefined {
  const value = request.body[name]
  return typeof value === 'string' ? value : undefined
}
