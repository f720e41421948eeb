import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const LINE_CHARACTERS = 65_536

/** Calls back for every line of a stream, long ones cut to 64 Ki characters; the last one also without its end. */
export function splitLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS)
    for (const line of lines) onLine(line.slice(0, LINE_CHARACTERS))
  }
  stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stream.once('end', () => {
    take(decoder.end())
    if (rest !== '') onLine(rest)
  })
}
