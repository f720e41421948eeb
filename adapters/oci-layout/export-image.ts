import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Descriptor } from '../../pipeline/ports/registry.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import { blobPath, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION, MAX_DEPTH, MAX_MANIFESTS, someAtOnce, type ImageTransfer } from './layout-files.ts'

/**
 * Writes an image or index of a registry, with everything below it, into a folder as an OCI image layout; digests stay what they are. The folder is made
 * anew. Layers are streamed and verified. Answers the descriptor of what was exported. Fails with `registry-refused` where something is missing,
 * `registry-unavailable`, `digest-mismatch`, `storage-full`, `storage-unavailable`.
 */
export async function exportImage({ registry, repository, digest, folder }: ImageTransfer & { readonly digest: Digest }): Promise<Descriptor> {
  const blobs = new Map<Digest, number>()
  const seen = new Set<Digest>()
  const exportManifest = async (wanted: Digest, depth: number): Promise<Descriptor> => {
    const answer = await registry.manifest(`${repository}@${wanted}`)
    const document = answer && readOciDocument(answer.content.toString('utf8'))
    if (!answer || !document) throw new Failure('registry-refused', `${repository} has no image ${wanted}`)
    if (depth > MAX_DEPTH || seen.size >= MAX_MANIFESTS) throw new Failure('registry-refused', `${repository}@${digest} holds too many images to be exported`)
    seen.add(wanted)
    await writeAtomically(join(folder, blobPath(wanted)), (file) => file.writeFile(answer.content))
    for (const child of document.manifests) if (!seen.has(child.digest)) await exportManifest(child.digest, depth + 1)
    for (const blob of document.config ? [document.config, ...document.layers] : []) blobs.set(blob.digest, blob.size)
    return { mediaType: answer.mediaType, digest: wanted, size: answer.content.length }
  }
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const root = await exportManifest(digest, 0)
    await someAtOnce([...blobs], async ([blob, bytes]) => {
      if (!(await registry.pullBlob(repository, blob, join(folder, blobPath(blob)), bytes)))
        throw new Failure('registry-refused', `${repository} has lost the blob ${blob} of the image ${digest}`)
    })
    await writeAtomically(join(folder, LAYOUT_FILE), (file) => file.writeFile(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION })))
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [root] }
    // Last: a layout without it is none.
    await writeAtomically(join(folder, INDEX_FILE), (file) => file.writeFile(JSON.stringify(index)))
    return root
  } catch (error) {
    throw storageFailure(error, `writing to ${folder}`)
  }
}
