import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What was asked. */
export interface ScriptedRequest {
  /** Method and address with its query, for instance `GET /app`. */
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A body that is no text or bytes goes as JSON; `undefined` cuts the connection. */
export type ScriptedAnswer = { readonly status?: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } | undefined

/** A server of single answers, for what the stand-in cannot be made to say. */
export interface ScriptedGithub extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly ScriptedRequest[]
  /** The lines of the requests so far. */
  lines(): readonly string[]
}

/** Starts it; without an answer it says 404. */
export async function scriptedGithub(
  answer: (request: ScriptedRequest) => ScriptedAnswer | 'missing' | Promise<ScriptedAnswer | 'missing'>,
): Promise<ScriptedGithub> {
  const requests: ScriptedRequest[] = []
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const request = { line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body: Buffer.concat(chunks).toString('utf8') }
      requests.push(request)
      void Promise.resolve(answer(request)).then((given) => {
        if (given === undefined) return incoming.socket.destroy()
        const { status = 200, body, headers = {} } = given === 'missing' ? { status: 404, body: { message: 'Not Found' } } : given
        const isPlain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
        outgoing.writeHead(status, { 'content-type': isPlain ? 'application/octet-stream' : 'application/json; charset=utf-8', ...headers })
        return outgoing.end(isPlain ? body : JSON.stringify(body))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    lines: () => requests.map(({ line }) => line),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Git's id of an object. */
export function objectId(kind: 'blob' | 'tree', content: Buffer | string): string {
  return createHash('sha1')
    .update(`${kind} ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest('hex')
}
