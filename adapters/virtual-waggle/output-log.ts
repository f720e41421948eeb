import { closeSync, openSync, writeSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { splitLines } from './line-stream.ts'

const FILE_BYTES = 10 * 2 ** 20
const TAIL_BYTES = 64 * 1024
/** More than a person reads while it runs. */
const SHOWN_BYTES = 2 ** 20

/** One output stream of a plugin: its beginning in a file of at most 10 MiB, its end in memory, the rest read and forgotten. */
export class OutputLog extends Writable {
  readonly path: string
  /** Why the file is not whole, such as a full disk; the stream goes on, since nobody listens for its errors. */
  failure: unknown
  #file: number | undefined
  readonly #shown = new PassThrough()
  #seen = 0
  #written = 0
  #tail: Buffer = Buffer.alloc(0)

  /** `onLine` gets the lines of the first MiB. */
  constructor(path: string, onLine: (line: string) => void) {
    super()
    this.path = path
    splitLines(this.#shown, onLine)
    this.#file = openSync(path, 'wx', 0o600)
  }

  /** The last 64 KiB, read as UTF-8. */
  get tail(): string {
    return this.#tail.toString('utf8')
  }

  /** Closes the file; the stream may still be written to, for nothing. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #keep(room: Buffer): void {
    try {
      for (let start = 0; this.#file !== undefined && start < room.length;) start += writeSync(this.#file, room, start)
      this.#written += room.length
    } catch (cause) {
      this.failure = cause
      this.close()
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#keep(chunk.subarray(0, FILE_BYTES - this.#written))
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES)
    this.#seen += chunk.length
    if (this.#seen <= SHOWN_BYTES) this.#shown.write(chunk)
    done()
  }
}
