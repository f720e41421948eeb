import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'

const READ_BYTES = 64 * 1024
/** Ours: hours of a line every few milliseconds. */
const TOTAL_BYTES = 10 * 2 ** 20

/** The text that a container appends to a file which we read while it runs. A link, a pipe or a device in its place is left alone, as is what comes after the first 10 MiB. */
export class MetricsTail {
  readonly #path: string
  readonly #onText: (text: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #position = 0

  constructor(path: string, onText: (text: string) => void) {
    this.#path = path
    this.#onText = onText
  }

  /** Reads what has come, 64 KiB at most: a training that floods us is read no faster. True when there may be more. Never fails, since metrics are not worth a training. */
  async read(): Promise<boolean> {
    const chunk = await this.#readChunk().catch(() => undefined)
    if (chunk === undefined || chunk.length === 0) return false
    this.#position += chunk.length
    this.#onText(this.#decoder.write(chunk))
    return chunk.length === READ_BYTES
  }

  /** Reads the rest, once nobody writes any more. */
  async drain(): Promise<void> {
    while (await this.read());
  }

  async #readChunk(): Promise<Buffer> {
    const length = Math.min(READ_BYTES, TOTAL_BYTES - this.#position)
    // The folder is ours, the name in it is the container's; opening a named pipe must not wait for a writer.
    await using file = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) return Buffer.alloc(0)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.#position)
    return buffer.subarray(0, bytesRead)
  }
}
