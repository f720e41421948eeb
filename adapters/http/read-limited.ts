/** Reads at most a limit of a response's body, and drops the rest. Throws what the body throws when it breaks off. */
export async function readLimited(response: Response, limitBytes: number): Promise<{ readonly content: Buffer; readonly complete: boolean }> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const body: ReadableStream<Uint8Array> | null = response.body
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    // Leaving the loop cancels the body.
    if (bytes > limitBytes) return { content: Buffer.concat(chunks).subarray(0, limitBytes), complete: false }
  }
  return { content: Buffer.concat(chunks), complete: true }
}
