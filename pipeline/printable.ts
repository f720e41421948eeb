import { stripVTControlCharacters } from 'node:util'

const MAX_LINE = 500

/** What a terminal obeys, or does not show: control characters, zero-width ones, changes of direction. */
// oxlint-disable-next-line no-control-regex -- removing them is the point
export const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** One line of untrusted output made safe for a terminal: no control characters, no escape sequences, bounded. */
export function printable(line: string): string {
  const text = stripVTControlCharacters(line)
    .replaceAll(INVISIBLE, ' ')
    // An old form of commands to GitHub's runner, which it obeys anywhere in a line.
    .replaceAll('##[', '# #[')
    .trimEnd()
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text
}

/** Seconds as a person reads them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
