import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readBeehiveLine } from '../../pipeline/virtual/beehive-ndjson.ts'
import { answerQuery, readDataQuery, type StoredRecord } from '../../pipeline/virtual/data-query.ts'

/** beehive-data-api, `ServeHTTP`; its own error message says 1KB. */
const BODY_BYTES = 4096

/** A server that answers `POST /api/v1/query` about what one trial published. */
export interface DataApi extends AsyncDisposable {
  /** For `sage_data_client.query(endpoint=…)`. */
  readonly endpoint: string
}

/** Serves NDJSON as the Virtual Waggle captures it, on a free port of the loopback, with the data API's words for what it refuses. */
export async function serveDataApi(ndjson: string): Promise<DataApi> {
  const records = ndjson.split('\n').flatMap((line): readonly StoredRecord[] => {
    const record = readBeehiveLine(line)
    return record === undefined ? [] : [{ ...record, line }]
  })
  const server = createServer((request, response) => {
    answer(request, response, records).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}/api/v1/query`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, records: readonly StoredRecord[]): Promise<void> {
  if (request.url !== '/api/v1/query') return refuse(response, 404, '404 page not found')
  const body = await readBody(request)
  if (body === undefined) return refuse(response, 400, 'error: query is too large - must be <1KB')
  if (body === '') return refuse(response, 400, 'error: no query provided')
  const query = readDataQuery(body, BigInt(Date.now()) * 1_000_000n)
  if ('message' in query) return refuse(response, query.status, query.message)
  response.writeHead(200, {
    'access-control-allow-origin': '*',
    'content-disposition': `attachment; filename="sage-download.ndjson"`,
    'content-type': 'text/plain; charset=utf-8',
  })
  response.end(
    answerQuery(query, records)
      .map((line) => `${line}\n`)
      .join(''),
  )
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', connection: 'close' })
  response.end(`${message}\n`)
}

async function readBody(request: AsyncIterable<unknown>): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.length
    if (bytes > BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
