import type Docker from 'dockerode'
import { StringDecoder } from 'node:string_decoder'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

const TAIL_BYTES = 64 * 1024
const LINE_CHARACTERS = 4096

/** The end of a container's output, both streams as they come, and its lines while they come. */
export class LogTail {
  readonly #onLine: (line: string) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Reads an attached stream; the promise ends with the stream, and never fails. */
  async follow(docker: Docker, output: NodeJS.ReadWriteStream): Promise<void> {
    const sinks = [this.#makeSink(), this.#makeSink()] as const
    docker.modem.demuxStream(output, ...sinks)
    await finished(output, { writable: false }).catch(() => undefined)
    for (const sink of sinks) await new Promise<void>((resolve) => sink.end(resolve))
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-TAIL_BYTES).toString('utf8')
  }

  /** One per stream: the lines of both come interleaved, but never within a line. */
  #makeSink(): Writable {
    const decoder = new StringDecoder('utf8')
    let line = ''
    const emit = (text: string): void => {
      const lines = (line + text).split(/\r?\n/)
      line = (lines.pop() ?? '').slice(0, LINE_CHARACTERS)
      for (const complete of lines) if (complete) this.#onLine(complete.slice(0, LINE_CHARACTERS))
    }
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#keep(chunk)
        emit(decoder.write(chunk))
        done()
      },
      final: (done) => {
        emit(`${decoder.end()}\n`)
        done()
      },
    })
  }

  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (let first = this.#chunks[0]; first && this.#bytes - first.length >= TAIL_BYTES; first = this.#chunks[0]) {
      this.#bytes -= first.length
      this.#chunks.shift()
    }
  }
}
