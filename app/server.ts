import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { Failure } from '../pipeline/failure.ts'

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

/** Why nobody can listen at an address, and what to do. */
const REFUSALS: Readonly<Record<string, readonly [what: string, suggestion: string]>> = {
  EADDRINUSE: ['another process listens there', 'End it, or set PORT to a port that is free.'],
  EACCES: ["this user may not; ports below 1024 are the superuser's", 'Set PORT to 1024 or above.'],
  EADDRNOTAVAIL: ['this machine has no such address', 'Set HOST to one that it has: 0.0.0.0 is all of them.'],
  ENOTFOUND: ['this host is not known', 'Set HOST to an address of this machine: 0.0.0.0 is all of them.'],
}

/** Listens for requests. Fails with `workstation-unsupported` where it cannot. */
export async function startServer(routes: Pick<Hono, 'fetch'>, { host, port }: { readonly host: string; readonly port: number }): Promise<RunningServer> {
  const listener = getRequestListener(routes.fetch)
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => void listener(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, `${host}:${port}`)))
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

function cannotListen(error: NodeJS.ErrnoException, address: string): Error {
  const [what, suggestion] = REFUSALS[error.code ?? ''] ?? []
  return what === undefined || suggestion === undefined
    ? error
    : new Failure('workstation-unsupported', `the service cannot listen on ${address}: ${what} (${error.code})`, { suggestion, cause: error })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
