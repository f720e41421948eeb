import type { TextFile } from '../text-file.ts'

/** A line of a `.dockerignore`. */
export interface IgnoringLine {
  /** As written, without white space around it. */
  readonly pattern: string
  /** Counted from 1. */
  readonly line: number
}

/** By path in the context, without slashes at its ends; of lines for the same path, the first. */
type IgnoredPaths = ReadonlyMap<string, IgnoringLine>

const known = new WeakMap<TextFile, IgnoredPaths>()

/** No deeper path is looked for. */
const MAX_DEPTH = 100

/**
 * The line of a `.dockerignore` that leaves a path out; undefined: none does for certain. Patterns with wildcards are not followed, nor are files
 * with exceptions (`!`). As moby/patternmatcher reads them: relative to the context, and whatever lies below a path that matches is left out, too.
 * A file is read once.
 */
export function ignoringLine(file: TextFile, path: string): IgnoringLine | undefined {
  const paths = known.get(file) ?? readIgnoredPaths(file.text)
  known.set(file, paths)
  let first = paths.get(path)
  let end = path.indexOf('/')
  for (let depth = 0; end >= 0 && depth < MAX_DEPTH; depth++) {
    const above = paths.get(path.slice(0, end))
    if (above !== undefined && (first === undefined || above.line < first.line)) first = above
    end = path.indexOf('/', end + 1)
  }
  return first
}

function readIgnoredPaths(text: string): IgnoredPaths {
  const paths = new Map<string, IgnoringLine>()
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.trim()
    if (line.startsWith('!')) return new Map()
    if (line === '' || line.startsWith('#') || /[*?[\\]/.test(line)) continue
    const pattern = withoutSlashesAtEnd(line.replace(/^(?:\.?\/)+/, ''))
    if (pattern !== '' && !pattern.includes('..') && !paths.has(pattern)) paths.set(pattern, { pattern: line, line: index + 1 })
  }
  return paths
}

function withoutSlashesAtEnd(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}
