import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isDigest } from '../../pipeline/digest.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { memoryRegistry } from './memory-registry.ts'

/** A registry in memory, which a process beside this one reads by the OCI distribution API. */
export interface ServedRegistry extends AsyncDisposable {
  /** `127.0.0.1:40123` */
  readonly host: string
  readonly registry: Registry
}

const BLOB_BYTES = 64 * 2 ** 20

/** Starts it; only this process writes there, without a request. */
export async function serveMemoryRegistry(): Promise<ServedRegistry> {
  const registry = memoryRegistry()
  let host = ''
  const answer = async (url: string): Promise<readonly [number, string, Buffer]> => {
    const none = [404, 'application/json', Buffer.from('{"errors":[{"code":"NAME_UNKNOWN","message":"there is none"}]}')] as const
    const [, name = '', kind, rest = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/?]+)/.exec(url) ?? []
    const repository = `${host}/${name}`
    if (kind === 'manifests') {
      const found = await registry.manifest(`${repository}${isDigest(rest) ? '@' : ':'}${rest}`)
      return found === undefined ? none : [200, found.mediaType, found.content]
    }
    if (kind === 'blobs' && isDigest(rest)) {
      const found = await registry.blob(repository, rest, BLOB_BYTES)
      return found === undefined ? none : [200, 'application/octet-stream', found]
    }
    if (kind === 'tags') return [200, 'application/json', Buffer.from(JSON.stringify({ name, tags: await registry.tags(repository) }))]
    if (kind === 'referrers' && isDigest(rest)) {
      const manifests = await registry.referrers(repository, rest)
      return [200, 'application/vnd.oci.image.index.v1+json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))]
    }
    return url === '/v2/' ? [200, 'application/json', Buffer.from('{}')] : none
  }
  const server = createServer((request, response) => {
    void answer(request.url ?? '').then(([status, type, content]) => {
      response.writeHead(status, { 'content-type': type, 'content-length': content.length })
      response.end(request.method === 'HEAD' ? undefined : content)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    registry,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
