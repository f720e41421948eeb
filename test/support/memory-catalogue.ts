import { v7 as uuidv7 } from 'uuid'
import type { Digest } from '../../pipeline/digest.ts'
import type { Catalogue, Publication, PublicationRequest, ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import { bundleDigest, sameBundle } from '../../pipeline/publish/bundle.ts'
import type { Bundle } from '../../schemas/generated/types.ts'

/** The Edge Code Repository's rows in memory, by the rules of the port. */
export function memoryCatalogue(): Catalogue {
  const rows = new Map<Digest, { readonly id: string; readonly bundle: Bundle; release: ReleaseSummary | undefined }>()

  function publish({ bundle, release, summary, now }: PublicationRequest): Publication {
    const digest = bundleDigest(bundle)
    const named = [...rows.values()].find((row) => row.release?.name === bundle.name && row.release.version === bundle.version)
    if (release && named?.release !== undefined) {
      const existing = named.release.digest
      return sameBundle(named.bundle, bundle) ? { kind: 'unchanged', id: named.id, digest: existing } : { kind: 'name-taken', existing, offered: digest }
    }
    const present = rows.get(digest)
    if (present !== undefined && !release) return { kind: 'unchanged', id: present.id, digest }
    const row = { id: present?.id ?? uuidv7(), bundle: structuredClone(bundle), release: release ? { ...summary, digest, published: now } : undefined }
    rows.set(digest, row)
    return { kind: 'published', id: row.id, digest }
  }

  return {
    publish: (request) => Promise.resolve(publish(request)),
    newestRelease: (name) =>
      Promise.resolve(
        [...rows.values()]
          .map(({ release }) => release)
          .filter((release) => release?.name === name)
          .toSorted((a, b) => (a!.published < b!.published ? 1 : -1))[0],
      ),
    bundle: (digest) => Promise.resolve(structuredClone(rows.get(digest)?.bundle)),
  }
}
