import { digestOf, type Digest } from '../digest.ts'
import { warning, type Problem } from '../problem.ts'

/** "Each file included in a release must be under 2 GiB" (docs.github.com, About releases). */
const LIMIT_BYTES = 2 ** 31
/** What GitHub leaves alone: it renames all else, and joins dots that follow each other (travis-ci/dpl#821). */
const SAFE_NAME = /^[\w-]+(?:\.[\w-]+)*$/
const LONGEST_NAME = 200

/** The list of all other assets' sums, as `sha256sum -c` reads it. */
export const SUMS_NAME = 'SHA256SUMS'

/** A file that a release is to have. */
export interface ReleaseAsset {
  /** As `assetName` makes it. */
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly digest: Digest
  /** Asked for once, when the file is uploaded. */
  read(): Promise<Uint8Array>
}

/** A name that GitHub keeps as it is, for a file of any name. */
export function assetName(name: string): string {
  const safe = name
    .replace(/[^\w.-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .slice(0, LONGEST_NAME)
    .replace(/^\.+|\.+$/g, '')
  return safe === '' ? 'file' : safe
}

/** An asset whose content is at hand, such as a document. */
export function documentAsset(name: string, mediaType: string, content: Uint8Array | string): ReleaseAsset {
  const bytes = Buffer.from(content)
  return { name, mediaType, bytes: bytes.length, digest: digestOf(bytes), read: async () => bytes }
}

/**
 * What can be attached, and last of all the sums of it. A file that GitHub does not take (empty, or of 2 GiB and more) is left out, and said.
 * Throws a RangeError for a name that GitHub would change, and for one that is there twice.
 */
export function prepareAssets(wanted: readonly ReleaseAsset[]): { readonly assets: readonly ReleaseAsset[]; readonly problems: readonly Problem[] } {
  const names = new Set([SUMS_NAME])
  for (const { name } of wanted) {
    if (!SAFE_NAME.test(name) || name.length > LONGEST_NAME || names.has(name)) throw new RangeError(`a release cannot have an asset ${JSON.stringify(name)}`)
    names.add(name)
  }
  const assets = wanted.filter(canBeAttached).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const sums = assets.map(({ name, digest }) => `${digest.slice('sha256:'.length)}  ${name}\n`).join('')
  return {
    assets: assets.length === 0 ? [] : [...assets, documentAsset(SUMS_NAME, 'text/plain', sums)],
    problems: wanted.filter((asset) => !canBeAttached(asset)).map(leftOut),
  }
}

function canBeAttached({ bytes }: ReleaseAsset): boolean {
  return bytes > 0 && bytes < LIMIT_BYTES
}

function leftOut({ name, bytes }: ReleaseAsset): Problem {
  const reason = bytes === 0 ? 'GitHub takes no empty file' : `GitHub takes files of less than 2 GiB, and it has ${bytes} bytes`
  return warning('release-asset-left-out', `${name} is not attached to the release: ${reason}`, { suggestion: 'The bundle has it.' })
}
