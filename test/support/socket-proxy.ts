import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SocketProxy extends AsyncDisposable {
  /** For instance `unix:///tmp/…/proxy.sock`. */
  readonly address: string
  /** Breaks off every connection and takes no more, as a daemon that dies does. */
  cut(): void
}

/** A Unix socket that hands everything on to another one, until it is cut. */
export async function startSocketProxy(target: string): Promise<SocketProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-proxy-'))
  const path = join(folder, 'proxy.sock')
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const cut = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: `unix://${path}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await rm(folder, { recursive: true })
    },
  }
}
