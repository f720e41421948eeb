import type { TextFile } from '../text-file.ts'

/**
 * The line of a `.dockerignore` that leaves a path out; undefined: none does for certain. Patterns with wildcards are not followed, nor are files
 * with exceptions (`!`). As moby/patternmatcher reads them: relative to the context, and whatever lies below a path that matches is left out, too.
 */
export function ignoringLine({ text }: TextFile, path: string): { readonly pattern: string; readonly line: number } | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  if (lines.some((line) => line.startsWith('!'))) return undefined
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#') || /[*?[\\]/.test(line)) continue
    const pattern = line.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')
    if (pattern !== '' && !pattern.includes('..') && (path === pattern || path.startsWith(`${pattern}/`))) return { pattern: line, line: index + 1 }
  }
  return undefined
}
