import type { Send } from './transport.ts'

/** Where the token of a request comes from. */
export interface TokenSource {
  /** How many tokens are tried. */
  readonly attempts: number
  token(): Promise<string>
  /** GitHub did not take this one: the next is another. */
  refused(token: string): void
}

/** Gives each request its token, and another one where GitHub answers 401: nothing was carried out then. */
export function authorized(send: Send, source: TokenSource): Send {
  return async (url, init, limits) => {
    const headers = new Headers(init.headers)
    for (let attempt = 1; ; attempt += 1) {
      const token = await source.token()
      headers.set('authorization', `Bearer ${token}`)
      const response = await send(url, { ...init, headers }, limits)
      if (response.status !== 401) return response
      source.refused(token)
      if (attempt >= source.attempts) return response
    }
  }
}
