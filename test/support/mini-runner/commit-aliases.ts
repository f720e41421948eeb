import { createServer, type IncomingMessage } from 'node:http'

/** The stand-in for GitHub under another address. */
export interface Aliased extends AsyncDisposable {
  readonly url: string
  /** From now on a commit of the stand-in is known here as one of ours. */
  alias(theirs: string, ours: string): void
}

/** A door to the stand-in for GitHub, whose commits are of its own making, through which they look like those of a real repository. */
export async function openAliased(upstream: string): Promise<Aliased> {
  const aliases = new Map<string, string>()
  const toOurs = (text: string): string => [...aliases].reduce((changed, [theirs, ours]) => changed.replaceAll(theirs, ours), text)
  const toTheirs = (text: string): string => [...aliases].reduce((changed, [theirs, ours]) => changed.replaceAll(ours, theirs), text)
  const forward = async (request: IncomingMessage): Promise<Response> => {
    const body = Buffer.concat(await request.toArray())
    const headers = Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name))
    return fetch(`${upstream}${toTheirs(request.url ?? '')}`, {
      method: request.method ?? 'GET',
      headers: Object.fromEntries(headers) as Record<string, string>,
      redirect: 'manual',
      ...(body.length > 0 && { body: isAsset(request) ? body : toTheirs(body.toString('utf8')) }),
    })
  }
  const server = createServer((request, answer) => {
    forward(request)
      .then(async (response) => {
        const isText = (response.headers.get('content-type') ?? '').includes('json') && !(request.method === 'GET' && isAsset(request))
        const bytes = Buffer.from(await response.arrayBuffer())
        const headers = [...response.headers].filter(([name]) => !['content-length', 'content-encoding', 'transfer-encoding', 'connection'].includes(name))
        answer.writeHead(response.status, Object.fromEntries(headers)).end(isText ? toOurs(bytes.toString('utf8')) : bytes)
      })
      .catch((error: unknown) => answer.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  // Addresses in answers lead through this door, too.
  aliases.set(upstream, url)
  return {
    url,
    alias: (theirs, ours) => void aliases.set(theirs, ours),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The bytes of an asset are left as they are. */
function isAsset({ url = '' }: IncomingMessage): boolean {
  return /\/releases\/(?:\d+\/assets|assets\/\d+)/.test(url)
}
