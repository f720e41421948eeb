import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { RepositoryTree, TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import type { StageContext } from '../../pipeline/stage.ts'
import { SUBJECT } from './stage-record.ts'

/** A repository in memory: path → content, or → `{link}`. */
export function memoryTree(files: Readonly<Record<string, string | { readonly link: string }>>): RepositoryTree {
  const contentOf = (path: string): string => {
    const file = files[path] ?? ''
    return typeof file === 'string' ? file : file.link
  }
  const entries = Object.keys(files)
    .toSorted()
    .map((path): TreeEntry => ({
      path,
      mode: typeof files[path] === 'string' ? '100644' : '120000',
      blob: createHash('sha1').update(contentOf(path)).digest('hex'),
      bytes: contentOf(path).length,
    }))
  return {
    subject: () => Promise.resolve(SUBJECT),
    entries: () => Promise.resolve(entries),
    read: (path) => Promise.resolve(path in files ? Buffer.from(contentOf(path)) : undefined),
    digest: () => Promise.resolve(digestOf(JSON.stringify(entries))),
    async materialise(paths, folder) {
      for (const path of paths) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), contentOf(path))
      }
    },
  }
}

/** Blobs in memory; `read` gives a kept blob as text. */
export function memoryBlobs(): BlobStore & { read(digest: string): string | undefined } {
  const blobs = new Map<string, Buffer>()
  const put = (content: Uint8Array): Digest => {
    const digest = digestOf(content)
    blobs.set(digest, Buffer.from(content))
    return digest
  }
  return {
    put: (content) => Promise.resolve(put(content)),
    async putFile(path) {
      const content = await readFile(path)
      return { digest: put(content), bytes: content.length }
    },
    get: (digest) => Promise.resolve(blobs.get(digest)),
    async getFile(digest, path) {
      const content = blobs.get(digest)
      if (content) await writeFile(path, content)
      return content !== undefined
    },
    has: (digest) => Promise.resolve(blobs.has(digest)),
    read: (digest) => blobs.get(digest)?.toString(),
  }
}

/** What a stage script is given; `steps` and `lines` collect its progress. */
export function makeStageContext(
  workFolder: string,
  overrides: Partial<StageContext> = {},
): StageContext & { readonly blobs: ReturnType<typeof memoryBlobs>; readonly steps: string[]; readonly lines: string[] } {
  const steps: string[] = []
  const lines: string[] = []
  return {
    tree: memoryTree({}),
    subject: SUBJECT,
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
    progress: { step: (line) => void steps.push(line), output: (line) => void lines.push(line) },
    signal: new AbortController().signal,
    environment: { kind: 'laptop' },
    ...overrides,
    workFolder,
    blobs: memoryBlobs(),
    steps,
    lines,
  }
}
