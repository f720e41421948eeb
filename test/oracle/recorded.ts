import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

import type { Comparable } from './compare.ts'
import type { OracleCase } from './generator.ts'

/** A case and what Sage said to it. */
export type RecordedCase = OracleCase & { readonly name: string; readonly sage: Comparable } & Circumstances

/** What a test of one manifest cannot show: other submissions before it, and git. */
export interface Circumstances {
  readonly group?: string
  readonly force?: boolean
  readonly clone?: 'ok' | 'fail' | 'timeout'
}

/** Of a manifest that is kept elsewhere. */
export interface RecordedFile {
  readonly file: string
  readonly mode: OracleCase['mode']
  readonly sage: Comparable
}

export type Recording = 'edge-cases' | 'generated' | 'corpus'

function pathOf(recording: Recording): string {
  return join(import.meta.dirname, `${recording}.ndjson.br`)
}

export async function readRecording<Line>(recording: Recording): Promise<readonly Line[]> {
  const text = brotliDecompressSync(await readFile(pathOf(recording))).toString()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

export async function writeRecording(recording: Recording, lines: readonly unknown[]): Promise<number> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const options = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: text.length }
  const compressed = brotliCompressSync(text, { params: options })
  await writeFile(pathOf(recording), compressed)
  return compressed.length
}
