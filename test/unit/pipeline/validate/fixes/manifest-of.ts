import { makeManifest, plainOf } from '../../../../../pipeline/validate/manifest-spans.ts'
import type { ManifestFacts, ManifestFile } from '../../../../../pipeline/validate/rule.ts'
import { readBody } from '../../../../../pipeline/validate/sage/body.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'

export const REPOSITORY = 'https://github.com/sky-lab/cloud-counter'

/** A manifest of a text that can be read. */
export function manifestOf(text: string, file = 'sage.yaml'): ManifestFile {
  const parsed = readBody(text)
  if ('error' in parsed || parsed.value.type !== 'dict') throw new Error(`no mapping: ${text}`)
  return makeManifest(textFile(file, text), parsed.value)
}

/** What rules about the manifest are given. */
export function factsOf(text: string, facts: Partial<ManifestFacts> = {}): ManifestFacts {
  return { manifest: manifestOf(text), portal: { user: 'skylab', url: REPOSITORY, branch: 'main' }, repository: REPOSITORY, ...facts }
}

/** What Sage reads in a text, in JSON's types. */
export function read(text: string): unknown {
  const parsed = readBody(text)
  return 'error' in parsed ? parsed : (JSON.parse(JSON.stringify(plainOf(parsed.value))) as unknown)
}
