import { lstat, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

import { asDigest } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { Records } from '../../pipeline/ports/records.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { sweepTemporaryFiles, writeAtomically } from '../filesystem/atomic-file.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { parseRecord, RECORD_BYTES } from './parse-record.ts'

export interface FolderRecordsOptions {
  /** Told of every file that was set aside, in a sentence: where it is now, and what was wrong with it. */
  readonly onCorrupt?: (message: string) => void
}

/**
 * Records as `<folder>/<hexadecimal key>.json`, written atomically. A file that is not the record of its key (cut off, edited, of another schema,
 * a link or a folder) is renamed to `<file>.corrupt` and treated as absent, so that its stage simply runs again.
 */
export function folderRecords(folder: string, { onCorrupt = () => undefined }: FolderRecordsOptions = {}): Records {
  let swept = false
  const pathOf = (key: Digest): string => join(folder, `${asDigest(key).slice('sha256:'.length)}.json`)

  return {
    async find(key) {
      const path = pathOf(key)
      try {
        const found = await readRecord(path, key)
        if (found === undefined || typeof found !== 'string') return found
        onCorrupt(`a record was set aside as ${await setAside(path)}: ${found}`)
        return undefined
      } catch (error) {
        throw storageFailure(error, `reading records in ${folder}`)
      }
    },
    async put(record) {
      const path = pathOf(asDigest(record.key))
      try {
        await writeAtomically(path, (handle) => handle.writeFile(`${JSON.stringify(record)}\n`))
        if (!swept) await sweepTemporaryFiles(folder)
        swept = true
      } catch (error) {
        throw storageFailure(error, `writing records to ${folder}`)
      }
    },
  }
}

/** The record of a key; undefined: none; a string: what is wrong with the file that lies there. */
async function readRecord(path: string, key: Digest): Promise<StageRecord | string | undefined> {
  const stats = await lstat(path).catch(orUndefinedWhenMissing)
  if (stats === undefined) return undefined
  if (!stats.isFile()) return 'not a regular file'
  if (stats.size > RECORD_BYTES) return `${stats.size} bytes long`
  const text = await readFile(path, 'utf8').catch(orUndefinedWhenMissing)
  if (text === undefined) return undefined
  return parseRecordOf(text, key)
}

function parseRecordOf(text: string, key: Digest): StageRecord | string {
  const record = parseRecord(text)
  return typeof record === 'string' || record.key === key ? record : `the record of another key, ${record.key}`
}

async function setAside(path: string): Promise<string> {
  const aside = `${path}.corrupt`
  try {
    await rename(path, aside)
    return aside
  } catch {
    // In a folder that cannot be written to, or over a folder set aside before: it stays, and stays untrusted.
    return path
  }
}

function orUndefinedWhenMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
  throw error
}
