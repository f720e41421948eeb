import type { ScalarStyle } from '../sage/python-value.ts'

/** Words that YAML 1.1 (PyYAML and others) or YAML 1.2 (the Portal) read as booleans or nothing when they are not quoted. */
const WORDS = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'nan', 'inf'])

/** Begins with a letter and holds nothing that means something in either YAML, in block or flow style; nothing of it can be a number. */
const PLAIN = /^[A-Za-z](?:[\w./+@()-]| (?! |$))*$/

/** Every character is printable in both YAMLs, and none of them breaks the line. */
const PRINTABLE = /^[\u0020-\u007E\u00A0-\u2027\u202A-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD\u{10000}-\u{10FFFF}]*$/u

/** What JSON leaves as it is, and YAML takes for a line break, a byte order mark or no character at all. */
const ESCAPED = /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g

/**
 * A text as a scalar that YAML 1.1 and YAML 1.2 both read as exactly that text, in block and in flow style: plain where that is certain,
 * otherwise in the quotes asked for, otherwise in double quotes. Always one line.
 */
export function writeScalar(text: string, style: ScalarStyle = 'plain'): string {
  if (style === 'single' && PRINTABLE.test(text)) return `'${text.replaceAll("'", "''")}'`
  if (style !== 'double' && style !== 'single' && isPlain(text)) return text
  return writeDouble(text)
}

/** In double quotes, with JSON's escapes, which are YAML's too. */
export function writeDouble(text: string): string {
  return JSON.stringify(text).replace(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function isPlain(text: string): boolean {
  return text.length <= 1024 && PLAIN.test(text) && !WORDS.has(text.toLowerCase())
}
