/** The bytes of a request; undefined: they are more than the limit, and the rest was not read. Throws what the connection throws when it breaks. */
export async function readBody(request: Request, limitBytes: number): Promise<Buffer | undefined> {
  const content = await readPieces(request, limitBytes, () => true, new AbortController().signal)
  return content instanceof Buffer ? content : undefined
}

/** Why a body was not read to its end. */
export type BodyRefusal = 'too-large' | 'too-slow' | 'no-room'

/** A body takes up room until it is disposed of. */
export interface RoomedBody extends Disposable {
  readonly content: Buffer | BodyRefusal
}

/**
 * Reads bodies of strangers, of which all together hold `mostBytes` at the most, and none takes longer to arrive than `arrivalMs`. What has arrived counts, not
 * what is announced: who sends nothing takes no room. Throws what the connection throws when it breaks.
 */
export function openBodyRoom(mostBytes: number, arrivalMs: number): (request: Request, limitBytes: number) => Promise<RoomedBody> {
  let heldBytes = 0
  return async (request, limitBytes) => {
    let ownBytes = 0
    const mayHold = (bytes: number): boolean => {
      heldBytes += bytes
      ownBytes += bytes
      return heldBytes <= mostBytes
    }
    const leave = (): void => {
      heldBytes -= ownBytes
      ownBytes = 0
    }
    try {
      return { content: await readPieces(request, limitBytes, mayHold, AbortSignal.timeout(arrivalMs)), [Symbol.dispose]: leave }
    } catch (error) {
      leave()
      throw error
    }
  }
}

async function readPieces(request: Request, limitBytes: number, mayHold: (bytes: number) => boolean, late: AbortSignal): Promise<Buffer | BodyRefusal> {
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) return 'too-large'
  const body: ReadableStream<Uint8Array> | null = request.body
  if (body === null) return Buffer.of()
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = body.getReader()
  const giveUp = (): void => void reader.cancel().catch(() => undefined)
  late.addEventListener('abort', giveUp)
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      bytes += piece.value.length
      if (bytes > limitBytes) return 'too-large'
      if (!mayHold(piece.value.length)) return 'no-room'
      chunks.push(piece.value)
    }
    return late.aborted ? 'too-slow' : Buffer.concat(chunks)
  } finally {
    late.removeEventListener('abort', giveUp)
    giveUp()
  }
}

/** The value of a text that may be anything; undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
