import { MEDIA_TYPES } from '../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import type { PublicationRequest } from '../../pipeline/ports/catalogue.ts'
import type { Bundle } from '../../schemas/generated/types.ts'

/** The image index of a bundle, which a catalogue in a registry wants to see. */
export function sampleIndex(content: string): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [], annotations: { content } })
}

/** A bundle whose image, source and model follow from `content`. */
export function sampleBundle(content: string, changes: Partial<Bundle> = {}): Bundle {
  return {
    schema: 'ecr.bundle/v1',
    name: 'sage/smoke-detector',
    version: '1.0.0',
    source: {
      repository: 'https://example.org/smoke',
      commit: digestOf(content).slice(7, 47),
      dirty: false,
      tree: digestOf(`tree ${content}`),
      archive: digestOf(`archive ${content}`),
    },
    index: digestOf(sampleIndex(content)),
    platforms: [{ platform: 'linux/amd64', digest: digestOf(`amd64 ${content}`) }],
    model: { digest: digestOf(`model ${content}`), files: [{ path: 'model.onnx', digest: digestOf(`weights ${content}`), bytes: 12 }] },
    manifest: { path: 'sage.yaml', digest: digestOf(`manifest ${content}`) },
    datasets: [],
    evaluation: digestOf(`evaluation ${content}`),
    ...changes,
  }
}

/** What is asked of the catalogue for a bundle. */
export function sampleRequest(bundle: Bundle, release: boolean, now = '2026-11-21T12:00:00.000Z'): PublicationRequest {
  return {
    bundle,
    release,
    reference: '127.0.0.1:5055/sage/smoke-detector',
    now,
    summary: {
      name: bundle.name,
      version: bundle.version,
      index: bundle.index as Digest,
      metrics: [{ name: 'accuracy', value: 0.93, better: 'higher' }],
      slices: [],
      profiles: [],
      imageBytes: { 'linux/amd64': 1234 },
    },
  }
}
