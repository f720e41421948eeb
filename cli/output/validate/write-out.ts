import { once } from 'node:events'

/** Writes text and waits until the reader has taken it, so that a slow one makes nothing pile up. A reader that goes away is waited for no longer. */
export async function writeOut(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (text === '' || stream.write(text) || !stream.writable) return
  const closed = new AbortController()
  const close = (): void => closed.abort()
  stream.once('close', close).once('error', close)
  try {
    await once(stream, 'drain', { signal: closed.signal })
  } catch {
    // It was closed: what is left to say, nobody hears.
  } finally {
    stream.off('close', close).off('error', close)
  }
}
