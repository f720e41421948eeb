import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a request asked for. */
export interface AppRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly authorization: string | undefined
}

/** GitHub's OIDC endpoint, and the app that takes its tokens, on this machine. */
export interface AppServer extends AsyncDisposable {
  readonly origin: string
  readonly requests: readonly AppRequest[]
  /** What the runner tells a job that has the permission `id-token: write`. */
  readonly env: Readonly<Record<string, string>>
}

/** Answers `GET /path`, and its like. */
export type AppAnswer = (path: string, response: ServerResponse) => void

/** Starts it; `answer` is the app. */
export async function startApp(answer: AppAnswer): Promise<AppServer> {
  const requests: AppRequest[] = []
  const server = createServer((request: IncomingMessage, response) => {
    const { method = '', url = '', headers } = request
    requests.push({ method, url, authorization: headers.authorization })
    const { pathname, searchParams } = new URL(url, 'http://app')
    if (pathname !== '/oidc') answer(`${method} ${pathname}`, response)
    else if (headers.authorization !== 'Bearer request-token') response.writeHead(403).end()
    else response.end(JSON.stringify({ value: `token for ${searchParams.get('audience')}` }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    requests,
    env: { ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/oidc?api-version=2.0`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token' },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
