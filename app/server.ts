import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'

/** A server that listens. */
export interface RunningServer {
  readonly port: number
  /** Takes no more connections, and ends when those under way are answered. */
  close(): Promise<void>
  /** Cuts what is still open. */
  cut(): void
}

/** An upload of 64 MiB over a slow line. */
const REQUEST_TIMEOUT_MS = 300_000
const HEADERS_TIMEOUT_MS = 15_000

/** Listens for requests. Fails as the system does: EADDRINUSE, EACCES. */
export async function startServer(routes: Pick<Hono, 'fetch'>, { host, port }: { readonly host: string; readonly port: number }): Promise<RunningServer> {
  const listener = getRequestListener(routes.fetch)
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => void listener(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: portOf(server),
    close: async () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeIdleConnections()
      }),
    cut: () => server.closeAllConnections(),
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
