import type { ByteCache } from './byte-cache.ts'
import type { Send } from './transport.ts'

/** An answer that GitHub is asked about again. */
export interface RememberedAnswer {
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What an id names never changes, and is cached by it; a download is no answer. */
const NOT_REMEMBERED = /\/git\/(?:blobs|trees|commits)\/|\/zip$/
/** What Octokit and we read of an answer. */
const KEPT_HEADERS = ['content-type', 'link']

/**
 * Asks GitHub only whether an answer has changed since the last time: it does not count a request that it answers 304. `scope` is whose answers these
 * are: nobody is given what was answered to somebody else. An ETag is of one token (github/docs#34689), so that a new one, each hour, has all answered anew.
 */
export function conditionally(send: Send, cache: ByteCache<RememberedAnswer>, scope: string): Send {
  return async (url, init, limits) => {
    if ((init.method ?? 'GET') !== 'GET' || limits !== undefined || NOT_REMEMBERED.test(new URL(url).pathname)) return send(url, init, limits)
    const headers = new Headers(init.headers)
    const key = `${scope} ${headers.get('accept')} ${url}`
    const remembered = cache.get(key)
    if (remembered !== undefined) headers.set('if-none-match', remembered.etag)
    const response = await send(url, { ...init, headers })
    if (response.status === 304 && remembered !== undefined) return answerOf(remembered)
    const etag = response.headers.get('etag')
    if (response.status !== 200 || etag === null) return response
    const kept = KEPT_HEADERS.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    const answer = { etag, headers: Object.fromEntries(kept), body: Buffer.from(await response.arrayBuffer()) }
    cache.set(key, answer, answer.body.length)
    return answerOf(answer)
  }
}

function answerOf({ headers, body }: RememberedAnswer): Response {
  return new Response(new Uint8Array(body), { status: 200, headers })
}
