import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'

/** A file before and after; undefined: it is not there yet. */
export interface FileChange {
  /** As it shall stand in the patch. */
  readonly path: string
  readonly before: string | undefined
  readonly after: string
}

/** Larger rewrites become one hunk over the whole file: finding the shortest takes time that grows with its square. */
const MAX_CHANGED_LINES = 4000

/** A patch for `git apply` and `patch -p1`, below the folder that the paths begin at. */
export function writePatch(changes: readonly FileChange[]): string {
  return changes.map(writeFilePatch).join('')
}

function writeFilePatch({ path, before, after }: FileChange): string {
  const [oldName, newName] = [before === undefined ? '/dev/null' : `a/${path}`, `b/${path}`]
  const patch =
    structuredPatch(oldName, newName, before ?? '', after, undefined, undefined, { context: 3, maxEditLength: MAX_CHANGED_LINES }) ??
    wholeFile(oldName, newName, before ?? '', after)
  // `patch` takes a name up to its first space unless a tab ends it.
  return formatPatch(patch, FILE_HEADERS_ONLY).replace(/^(?:(?:---|\+\+\+) [^"\n].*\n){2}/, (header) => header.replaceAll(/^(.{4}.* .*)$/gm, '$1\t'))
}

function wholeFile(oldFileName: string, newFileName: string, before: string, after: string): ReturnType<typeof structuredPatch> {
  const [removed, added] = [splitLines(before), splitLines(after)]
  const lines = [...mark('-', removed), ...mark('+', added)]
  const hunk = { oldStart: 1, oldLines: removed.length, newStart: 1, newLines: added.length, lines }
  return { oldFileName, newFileName, oldHeader: undefined, newHeader: undefined, hunks: [hunk] }
}

function splitLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function mark(sign: string, lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => (line.endsWith('\n') ? [`${sign}${line.slice(0, -1)}`] : [`${sign}${line}`, String.raw`\ No newline at end of file`]))
}
