import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** `sha256:` and 64 hexadecimal digits, as OCI writes a digest. */
export type Digest = `sha256:${string}`

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Whether a string is a SHA-256 digest in OCI's form. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** The digest in a string that a schema has already checked; throws a TypeError (a bug) otherwise. */
export function asDigest(text: string): Digest {
  if (!isDigest(text)) throw new TypeError(`not a digest: ${text.slice(0, 100)}`)
  return text
}

/** SHA-256 of bytes, or of a text's UTF-8 bytes. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined }

/** RFC 8785 canonical JSON: the one byte sequence of a value. Throws a TypeError for NaN and infinities. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('no canonical JSON for undefined')
  return text
}

/** Digest of a value's canonical JSON. */
export function digestOfJson(value: Json): Digest {
  return digestOf(canonicalJson(value))
}

/**
 * Digest of a folder, as `sha256sum` would list it: SHA-256 over the lines `<hex>  <path>\n` of its files, sorted by path bytewise.
 * Used for data sets and models; a person can check it with `find . -type f | sort | xargs sha256sum | sha256sum` (LC_ALL=C, without `./`).
 */
export function listingDigest(files: readonly { readonly path: string; readonly digest: string }[]): Digest {
  const lines = files
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
    .map((file) => `${file.digest.replace('sha256:', '')}  ${file.path}\n`)
  return digestOf(lines.join(''))
}
