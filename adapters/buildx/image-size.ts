import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import { readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'

/** Compressed size of a pushed image: its configuration and layers. Fails with `registry-refused` when the image is not there. */
export async function imageBytes(registry: Registry, repository: string, digest: Digest): Promise<number> {
  const answer = await registry.manifest(`${repository}@${digest}`)
  const document = answer && readOciDocument(answer.content.toString('utf8'))
  if (!document?.config) throw new Failure('registry-refused', `${repository} has no image ${digest}, which was just pushed`)
  return [document.config, ...document.layers].reduce((sum, part) => sum + part.size, 0)
}
