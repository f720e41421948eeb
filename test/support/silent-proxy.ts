import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface SilentProxy extends AsyncDisposable {
  readonly port: number
  /** Hands nothing on any more, in either direction, without closing anything: what a machine that lost its power, or a firewall, does. */
  silence(): void
  /** Connections that are made from now on are handed on; those that were there stay silent. */
  speak(): void
}

/** A port of this machine that hands everything on to another one, until it is silenced. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let isSilent = false
  const server = createServer({ pauseOnConnect: true }, (client) => {
    sockets.add(client.on('error', () => client.destroy()))
    if (isSilent) return
    const upstream = connect(target, '127.0.0.1')
    sockets.add(upstream.on('error', () => client.destroy()))
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      isSilent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    speak() {
      isSilent = false
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
