import { STATUS_CODES } from 'node:http'
import { Failure } from '../pipeline/failure.ts'

/** A refusal for a program: RFC 9457. `detail` is a sentence of ours, and never holds what the caller sent. */
export function refuse(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Response {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }
  return new Response(`${JSON.stringify(body)}\n`, { status, headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers } })
}

/** What a thrown error is for a caller: a world that is down may be asked again; anything else is a bug of ours, of which he is told nothing. */
export function refuseError(error: unknown): Response {
  if (error instanceof Failure) return refuse(503, 'the service cannot do this at the moment; try again', { 'retry-after': '10' })
  return refuse(500, 'the service has made a mistake; its operators see which')
}
