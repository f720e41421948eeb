import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { StageContext } from '../../pipeline/stage.ts'
import { memoryTree } from './memory-tree.ts'
import type { MemoryFile } from './memory-tree.ts'
import { SUBJECT } from './stage-record.ts'

/** Path → content, or where a symbolic link leads. */
export type TreeFiles = Readonly<Record<string, MemoryFile>>

/** Blobs in memory, written to real files. */
export function blobsOf(...contents: readonly string[]): BlobStore {
  const blobs = new Map<Digest, Buffer>(contents.map((content) => [digestOf(content), Buffer.from(content)]))
  return {
    async put(content) {
      const digest = digestOf(content)
      blobs.set(digest, Buffer.from(content))
      return digest
    },
    putFile: () => Promise.reject(new Error('not needed')),
    get: async (digest) => blobs.get(digest),
    async getFile(digest, path) {
      const content = blobs.get(digest)
      if (!content) return false
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
      return true
    },
    has: async (digest) => blobs.has(digest),
  }
}

/** What the stage is given, with a clock that stands still. */
export function buildContextOf(files: TreeFiles, workFolder: string, overrides: Partial<StageContext> = {}): StageContext {
  return {
    tree: memoryTree(files),
    subject: SUBJECT,
    blobs: blobsOf(),
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
    progress: { step: () => undefined, output: () => undefined },
    signal: new AbortController().signal,
    workFolder,
    environment: { kind: 'laptop' },
    ...overrides,
  }
}
