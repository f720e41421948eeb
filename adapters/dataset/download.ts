import { createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Failure } from '../../pipeline/failure.ts'
import { Refusal } from './refusal.ts'

const REDIRECTS = 5
/** Answers that a retry may change; any other 4xx means that the address is wrong. */
const PASSING = new Set([408, 425, 429])

/** Downloads one file over https (redirects to anything else are refused). Throws a `Refusal`, or fails with `download-failed`. */
export async function downloadFile(url: URL, path: string, limitBytes: number, signal: AbortSignal): Promise<void> {
  const response = await request(url, signal)
  if (response.body === null) throw new Failure('download-failed', `${url.host} answered with no content`)
  await saveStream(Readable.fromWeb(response.body), path, limitBytes, url.host, signal)
}

/** Saves a stream as a file, as long as it is not too long. */
export async function saveStream(stream: Readable, path: string, limitBytes: number, source: string, signal: AbortSignal): Promise<number> {
  let bytes = 0
  const cap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > limitBytes) done(new Refusal('dataset-too-large', `it has more than ${limitBytes} bytes`))
      else done(null, chunk)
    },
  })
  try {
    await pipeline(stream, cap, createWriteStream(path), { signal })
  } catch (cause) {
    // What our own file system says has a path; everything else went wrong on the way.
    if (
      cause instanceof Refusal ||
      signal.aborted ||
      (cause instanceof Error && 'path' in cause) ||
      (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')
    )
      throw cause
    throw new Failure('download-failed', `the download from ${source} broke off`, { cause })
  }
  return bytes
}

async function request(start: URL, signal: AbortSignal): Promise<Response> {
  let url = start
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const response = await fetch(url.href, { redirect: 'manual', signal }).catch((cause: unknown) => {
      if (signal.aborted) throw cause
      throw new Failure('download-failed', `${url.host} cannot be reached`, { cause })
    })
    if (response.ok) return response
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || location === null) throw refusalOf(response.status, url)
    const next = URL.parse(location, url.href)
    if (next?.protocol !== 'https:') throw new Refusal('dataset-address', `${url.host} redirects to something else than https`)
    url = next
  }
  throw new Refusal('dataset-address', `${start.host} redirects more than ${REDIRECTS} times`)
}

function refusalOf(status: number, url: URL): Error {
  if (status >= 400 && status < 500 && !PASSING.has(status)) return new Refusal('dataset-missing', `${url.host} answered ${status}`)
  return new Failure('download-failed', `${url.host} answered ${status}`)
}
