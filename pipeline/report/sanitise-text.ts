// ECMA-48: CSI, OSC and the other string commands with their terminators, then two-character escapes. An unfinished one loses its introducer only.
const TERMINAL = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90-\x9f]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g
// What has no shape of its own, and can reorder, hide or join what stands around it; U+FE0E and U+FE0F only choose how an emoji looks.
const INVISIBLE = /(?!\n|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu
// Nearly every text; the rest costs a hundred times more.
const HARMLESS = /^[\n\x20-\x7e]*$/
const STACKED = /(\p{M}{3})\p{M}+/gu

/**
 * Text of a plugin that can be shown: without terminal escapes, control characters, bidirectional and zero-width characters, lone surrogates and piles of
 * accents. Line ends become `\n`, tabs spaces.
 */
export function sanitiseText(text: string): string {
  if (HARMLESS.test(text)) return text
  return text
    .toWellFormed()
    .replace(TERMINAL, '')
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll('\t', '    ')
    .replace(INVISIBLE, '')
    .replace(STACKED, '$1')
}

/** The same on one line: every run of white space is one space. */
export function sanitiseLine(text: string): string {
  return sanitiseText(text).replace(/\s+/g, ' ').trim()
}

/** The first characters, with an ellipsis where something was cut. */
export function clipText(text: string, characters: number): string {
  return text.length <= characters
    ? text
    : `${text
        .slice(0, characters - 1)
        .toWellFormed()
        .trimEnd()}…`
}
