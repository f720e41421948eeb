import { digestOf } from '../digest.ts'
import { GITHUB_LIMIT } from '../report/render-markdown.ts'

const LONGEST_NAME = 200
const RESERVED_FOR_MARKER = 256

/** Most UTF-8 bytes of a report that becomes a comment: what GitHub takes, less the marker. */
export const COMMENT_TEXT_BYTES = GITHUB_LIMIT - RESERVED_FOR_MARKER

/**
 * First line of a plugin's comment, by which later runs find it; people don't see it. `plugin` is what stays the same while a pull request changes
 * everything else, such as the folder of the plugin in its repository: several plugins in one repository have a comment each.
 */
export function commentMarker(plugin: string): string {
  // Two hyphens would end an HTML comment early.
  const name = encodeURIComponent(plugin.toWellFormed()).replaceAll('%2F', '/').replaceAll('--', '-%2D')
  return `<!-- ctss:report:v1 ${name.length > LONGEST_NAME ? digestOf(plugin) : name} -->`
}

/** The body of a plugin's comment. Throws a RangeError when the text is longer than `COMMENT_TEXT_BYTES`: only its renderer can shorten it. */
export function composeComment(marker: string, text: string): string {
  const bytes = Buffer.byteLength(text)
  if (bytes > COMMENT_TEXT_BYTES) throw new RangeError(`a comment has room for ${COMMENT_TEXT_BYTES} bytes, not for ${bytes}`)
  return `${marker}\n${text.toWellFormed()}`
}

/** Whether a comment begins with the marker: one that quotes it, or shows it somewhere below, does not. */
export function hasMarker(body: string, marker: string): boolean {
  return body.split(/\r?\n/, 1)[0]?.trim() === marker
}

/** Whether two texts read the same, whatever line ends a forge has made of them. */
export function isSameText(one: string, other: string): boolean {
  return normalise(one) === normalise(other)
}

function normalise(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd()
}
