import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { OciRegistry } from '../../../../adapters/registry/oci-registry.ts'
import { isLoopback } from '../../../../adapters/registry/registry-client.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

const DIGEST = digestOf('x')
let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
})

/** A registry that answers as a test wants; the host, with a repository. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse, host: string) => void): Promise<string> {
  let host = ''
  server = createServer((request, response) => answer(request, response, host))
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return host
}

describe('a registry that asks who one is', () => {
  const withTokens = (expected: string | undefined) => (request: IncomingMessage, response: ServerResponse, host: string) => {
    const url = new URL(request.url ?? '', `http://${host}`)
    if (url.pathname === '/token') {
      const known = request.headers.authorization === expected
      response
        .writeHead(known ? 200 : 401)
        .end(
          JSON.stringify(
            known ? { [expected === undefined ? 'token' : 'access_token']: `${url.searchParams.get('service')} ${url.searchParams.get('scope')}` } : {},
          ),
        )
    } else if (request.headers.authorization === 'Bearer reg repository:a/b:pull') response.end('x')
    else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="reg",scope="repository:a/b:pull"` }).end()
  }

  it('gets a token for everybody', async () => {
    const host = await serve(withTokens(undefined))
    expect((await new OciRegistry().blob(`${host}/a/b`, DIGEST, 10))?.toString()).toBe('x')
  })

  it('gets a token for one whom it knows', async () => {
    const host = await serve(withTokens('Basic dXNlcjpzZWNyZXQ='))
    const registry = new OciRegistry({ credentials: async () => ({ username: 'user', password: 'secret' }) })
    for (let times = 0; times < 2; times++) expect((await registry.blob(`${host}/a/b`, DIGEST, 10))?.toString()).toBe('x')
  })

  it('gives one token for an upload, although the question before it asks for less', async () => {
    const asked: string[][] = []
    const host = await serve((request, response, own) => {
      const url = new URL(request.url ?? '', `http://${own}`)
      const challenge = (actions: string) =>
        void response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own}/token",scope="repository:a/b:${actions}"` }).end()
      if (url.pathname === '/token') {
        asked.push(url.searchParams.getAll('scope'))
        return response.end(JSON.stringify({ token: 'all' }))
      }
      if (request.headers.authorization !== 'Bearer all') return challenge(request.method === 'HEAD' ? 'pull' : 'pull,push')
      if (request.method === 'HEAD') return response.writeHead(404).end()
      request.resume()
      return response.writeHead(request.method === 'POST' ? 202 : 201, { location: '/upload' }).end()
    })
    await new OciRegistry().putBlob(`${host}/a/b`, Buffer.from('x'))
    expect(asked).toEqual([['repository:a/b:pull,push', 'repository:a/b:pull']])
  })

  it('gets user and password where it wants these', async () => {
    const host = await serve((request, response) => {
      if (request.headers.authorization === 'Basic dXNlcjpzZWNyZXQ=') response.end('x')
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    expect((await new OciRegistry({ credentials: async () => ({ username: 'user', password: 'secret' }) }).blob(`${host}/a/b`, DIGEST, 10))?.toString()).toBe(
      'x',
    )
    await expect(new OciRegistry().blob(`${host}/a/b`, DIGEST, 10)).rejects.toMatchObject({
      code: 'registry-refused',
      suggestion: expect.stringContaining('docker login'),
    })
    const suggest = (name: string, code: string): string => `${name} ${code}`
    await expect(new OciRegistry({ suggest }).blob(`${host}/a/b`, DIGEST, 10)).rejects.toMatchObject({ suggestion: `${host} registry-refused` })
  })

  it.each([
    ['one whom it does not know', (host: string) => `Bearer realm="http://${host}/token"`],
    ['one whose token is to be fetched in the clear elsewhere', () => 'Bearer realm="http://example.org/token"'],
    ['one who does not understand it', () => 'Negotiate'],
    ['one who gets no address', () => 'Bearer realm="nowhere"'],
  ])('refuses %s', async (_, challenge) => {
    const host = await serve((request, response, own) => {
      if (request.url?.startsWith('/token')) response.end('nonsense')
      else response.writeHead(401, { 'www-authenticate': challenge(own) }).end('who are you?')
    })
    await expect(new OciRegistry().manifest(`${host}/a/b:1`)).rejects.toMatchObject({
      code: 'registry-refused',
      message: expect.stringContaining('who are you?'),
    })
  })
})

describe('a registry that does not do what it should', () => {
  it.each([
    [500, '{"errors":[{"code":"UNKNOWN","detail":{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/x","Err":28}}}]}', 'storage-full'],
    [503, 'no space left on device', 'storage-full'],
    [507, '', 'storage-full'],
    [500, 'oops', 'registry-unavailable'],
    [429, 'slow down', 'registry-unavailable'],
    [403, 'denied', 'registry-refused'],
    [400, 'bad', 'registry-refused'],
  ])('answers %i %s, which is %s', async (status, body, code) => {
    const host = await serve((_, response) => response.writeHead(status).end(body))
    await expect(new OciRegistry({ retryDelaysMs: [] }).manifest(`${host}/a:1`)).rejects.toMatchObject({ code })
  })

  it('sends something else than what was asked for', async () => {
    const host = await serve((_, response) => response.end('something else'))
    const registry = new OciRegistry()
    await expect(registry.blob(`${host}/a`, DIGEST, 100)).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expect(registry.manifest(`${host}/a@${DIGEST}`)).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  it('sends a manifest that is too large', async () => {
    const host = await serve((_, response) => response.end(Buffer.alloc(5 * 2 ** 20)))
    await expect(new OciRegistry().manifest(`${host}/a:1`)).rejects.toMatchObject({ code: 'registry-refused', message: expect.stringContaining('4 MiB') })
  })

  it('breaks off', async () => {
    const host = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(new OciRegistry().blob(`${host}/a`, DIGEST, 1000)).rejects.toMatchObject({ code: 'registry-unavailable' })
  })

  it('does not answer in time', async () => {
    const host = await serve(() => undefined)
    await expect(new OciRegistry({ timeoutMs: 50 }).manifest(`${host}/a:1`)).rejects.toMatchObject({
      code: 'registry-unavailable',
      message: expect.stringContaining('did not answer in 0.05 s'),
    })
  })

  it('is left alone when the run is cancelled', async () => {
    const controller = new AbortController()
    const host = await serve(() => controller.abort())
    await expect(new OciRegistry({ signal: controller.signal }).manifest(`${host}/a:1`)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('takes a manifest and forgets it', async () => {
    const host = await serve((request, response) => response.writeHead(request.method === 'PUT' ? 201 : 404).end())
    await expect(new OciRegistry().putManifest(`${host}/a`, '{}', 'x')).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('nothing'),
    })
  })

  it('begins an upload and does not say where', async () => {
    const host = await serve((request, response) => response.writeHead(request.method === 'POST' ? 202 : 404).end())
    await expect(new OciRegistry().putBlob(`${host}/a`, Buffer.from('x'))).rejects.toMatchObject({ code: 'registry-unavailable' })
  })

  it('takes an artifact and does not list it', async () => {
    const stored = new Map<string, string>()
    const host = await serve((request, response) => {
      const path = request.url ?? ''
      if (path.includes('/referrers/')) return response.end('{"manifests":[]}')
      if (request.method === 'HEAD') return response.end()
      if (path.includes('/sha256-')) return response.writeHead(request.method === 'PUT' ? 201 : 404).end()
      if (request.method === 'GET') return response.writeHead(stored.has(path) ? 200 : 404).end(stored.get(path))
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      // It promises to list the artifact itself.
      return request.on('end', () => {
        stored.set(path, body)
        response.writeHead(201, { 'oci-subject': DIGEST }).end()
      })
    })
    await expect(new OciRegistry().attach(`${host}/a`, { mediaType: 'x', digest: DIGEST, size: 1 }, 'y', 'z', Buffer.from('content'))).rejects.toMatchObject({
      code: 'registry-refused',
      message: expect.stringContaining('does not list it'),
    })
  })
})

describe('a registry that is busy', () => {
  const busy = (statuses: readonly number[], headers: Record<string, string> = {}) => {
    const asked: number[] = []
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const status = statuses[asked.length] ?? 200
      asked.push(status)
      request.resume()
      return status === 200 ? response.end('x') : response.writeHead(status, headers).end('busy')
    }
    return { asked, answer }
  }

  it('is asked again', async () => {
    const { asked, answer } = busy([503, 502, 429, 500])
    const registry = new OciRegistry({ retryDelaysMs: [0, 0, 0, 0] })
    expect((await registry.blob(`${await serve(answer)}/a`, DIGEST, 10))?.toString()).toBe('x')
    expect(asked).toEqual([503, 502, 429, 500, 200])
  })

  it.each(['0', 'Wed, 21 Oct 2015 07:28:00 GMT'])('is asked again when it wants to be: Retry-After: %s', async (time) => {
    const { answer } = busy([429], { 'retry-after': time })
    const registry = new OciRegistry({ retryDelaysMs: [3_600_000] })
    expect((await registry.blob(`${await serve(answer)}/a`, DIGEST, 10))?.toString()).toBe('x')
  })

  it('counts as down when it wants more patience than a job has, and when it stays busy', async () => {
    const patient = busy([429], { 'retry-after': '3600' })
    await expect(new OciRegistry().manifest(`${await serve(patient.answer)}/a:1`)).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true })
    expect(patient.asked).toEqual([429])
    server?.close()
    const long = busy([503, 503, 503])
    await expect(new OciRegistry({ retryDelaysMs: [0, 0] }).manifest(`${await serve(long.answer)}/a:1`)).rejects.toMatchObject({ code: 'registry-unavailable' })
    expect(long.asked).toEqual([503, 503, 503])
  })

  it('is left alone when the run is cancelled meanwhile', async () => {
    const controller = new AbortController()
    const { answer } = busy([503], { 'retry-after': '20' })
    const host = await serve((request, response) => {
      answer(request, response)
      setTimeout(() => controller.abort(), 20)
    })
    await expect(new OciRegistry({ signal: controller.signal }).manifest(`${host}/a:1`)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('in the place that gives tokens is no question of who one is', async () => {
    const host = await serve((request, response, own) => {
      if (request.url?.startsWith('/token')) response.writeHead(503).end()
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own}/token"` }).end()
    })
    await expect(new OciRegistry().manifest(`${host}/a:1`)).rejects.toMatchObject({ code: 'registry-unavailable' })
  })
})

describe('a list of tags', () => {
  it('is read page by page, on the same registry only', async () => {
    const host = await serve((request, response, own) => {
      const last = new URL(request.url ?? '', 'http://x').searchParams.get('last')
      const next = last === null ? '/v2/a/tags/list?last=1' : last === '1' ? `http://${own}/v2/a/tags/list?last=2` : 'http://127.0.0.1:1/v2/a/tags/list'
      response.writeHead(200, { link: `<${next}>; rel="next"` }).end(JSON.stringify({ name: 'a', tags: [`after-${last}`, 7] }))
    })
    expect(await new OciRegistry().tags(`${host}/a`)).toEqual(['after-null', 'after-1', 'after-2'])
  })

  it('ends, however many pages there are', async () => {
    const host = await serve((_, response) => response.writeHead(200, { link: '</v2/a/tags/list?last=x>; rel=next' }).end('{"tags":["x"]}'))
    expect(await new OciRegistry().tags(`${host}/a`)).toHaveLength(20)
  })

  it.each(['nonsense', '[]', 'null', '{"tags":null}', '{"tags":{}}'])('is empty in %s', async (text) => {
    expect(await new OciRegistry().tags(`${await serve((_, response) => response.end(text))}/a`)).toEqual([])
  })
})

describe('whether one may write', () => {
  it.each([
    [202, true],
    [401, false],
    [403, false],
    [404, false],
    [405, false],
  ])('is told by an answer %i to an upload that begins', async (status, may) => {
    const seen: string[] = []
    const host = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (request.method === 'POST') response.writeHead(status, status === 202 ? { location: '/upload?state=1' } : {}).end('denied')
      else response.writeHead(500).end()
    })
    expect(await new OciRegistry().mayPush(`${host}/a/b`)).toBe(may)
    expect(seen).toEqual(['POST /v2/a/b/blobs/uploads/', ...(may ? ['DELETE /upload?state=1'] : [])])
  })

  it.each([
    [500, 'registry-unavailable'],
    [400, 'registry-refused'],
  ])('is not told by an answer %i', async (status, code) => {
    const host = await serve((_, response) => response.writeHead(status).end())
    await expect(new OciRegistry().mayPush(`${host}/a`)).rejects.toMatchObject({ code })
  })
})

describe('what no registry is asked', () => {
  it.each(['Not A Reference', 'a b', ''])('%j', async (reference) => {
    await expect(new OciRegistry().manifest(reference)).rejects.toMatchObject({ code: 'registry-refused' })
    await expect(new OciRegistry().putBlob(reference, Buffer.from('x'))).rejects.toMatchObject({ code: 'registry-refused' })
  })

  it('to promote to another registry, which is a bug', async () => {
    await expect(new OciRegistry().promote('127.0.0.1:1/a', DIGEST, '127.0.0.1:2/a')).rejects.toThrow(TypeError)
  })

  it('anything in the clear, but on this machine', () => {
    expect(['127.0.0.1:5055', 'localhost', '[::1]:5000', '127.1.2.3'].map(isLoopback)).toEqual([true, true, true, true])
    expect(['127.0.0.1.example.org', 'ghcr.io', '10.0.0.1:5000', 'localhost.example.org'].map(isLoopback)).toEqual([false, false, false, false])
  })
})

describe('promotion in a registry that cannot mount', () => {
  it('copies the bytes', async () => {
    const config = '{"config":{}}'
    const manifest = JSON.stringify({ config: { mediaType: 'x', digest: digestOf(config), size: config.length }, layers: [] })
    const uploads: string[] = []
    let promoted = ''
    const host = await serve((request, response) => {
      const path = request.url ?? ''
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        if (request.method === 'POST') return response.writeHead(202, { location: '/upload?state=1' }).end()
        if (request.method === 'PUT' && path.startsWith('/upload')) uploads.push(body)
        else if (request.method === 'PUT') promoted = body
        if (request.method === 'PUT') return response.writeHead(201).end()
        if (path.startsWith('/v2/from/manifests')) return response.end(manifest)
        if (path.startsWith('/v2/to/manifests') && promoted) return response.end(promoted)
        if (path.startsWith('/v2/from/blobs')) return response.end(config)
        return response.writeHead(404).end()
      })
    })
    await new OciRegistry().promote(`${host}/from`, digestOf(manifest), `${host}/to`)
    expect({ uploads, promoted }).toEqual({ uploads: [config], promoted: manifest })
  })

  it('does not follow what nests without end', async () => {
    let depth = 0
    const documents = new Map<string, string>()
    let inner = digestOf('end')
    for (; depth < 8; depth++) {
      const text = JSON.stringify({ manifests: [{ mediaType: 'x', digest: inner, size: 1 }] })
      inner = digestOf(text)
      documents.set(inner, text)
    }
    const host = await serve((request, response) => {
      const found = request.url?.startsWith('/v2/from') ? documents.get(request.url.split('/').at(-1) ?? '') : undefined
      response.writeHead(found === undefined ? 404 : 200).end(found)
    })
    await expect(new OciRegistry().promote(`${host}/from`, inner, `${host}/to`)).rejects.toMatchObject({
      code: 'registry-refused',
      message: expect.stringContaining('nests too deeply'),
    })
  })
})
