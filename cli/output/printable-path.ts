import { INVISIBLE, printable } from '../../pipeline/printable.ts'

/** A path in one line: control characters as escapes, so that a newline in a name cannot pretend to be a line of ours. */
export function printablePath(path: string): string {
  return printable(path.replace(INVISIBLE, escape))
}

function escape(character: string): string {
  const short = JSON.stringify(character).slice(1, -1)
  return short.startsWith('\\') ? short : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
