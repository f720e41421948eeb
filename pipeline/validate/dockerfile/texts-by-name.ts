import type { TextFile } from '../text-file.ts'

const known = new WeakMap<ReadonlyMap<string, TextFile>, ReadonlyMap<string, readonly TextFile[]>>()

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Texts by their paths' last part; worked out once. */
export function textsByName(texts: ReadonlyMap<string, TextFile>): ReadonlyMap<string, readonly TextFile[]> {
  const found = known.get(texts) ?? Map.groupBy(texts.values(), ({ file }) => baseName(file))
  known.set(texts, found)
  return found
}
