import type { Subject } from '../../schemas/generated/types.ts'
import type { Pipeline } from '../pipeline.ts'

const PREFIX = 'org.opencontainers.image.'

/**
 * Labels of every image and annotations of the index (OCI image-spec 1.1, annotations). No time of creation: the same content gives the same labels.
 * The revision stands there only when the files are those of the commit.
 */
export function imageLabels(manifest: Pipeline['manifest'], subject: Subject): Readonly<Record<string, string>> {
  return labelled({
    ...declaredLabels(manifest),
    source: URL.canParse(subject.repository) ? subject.repository : '',
    revision: subject.dirty ? '' : (subject.commit ?? ''),
    version: manifest.version,
  })
}

/** Those of the labels that are part of the build's key: a new commit alone, or a version that follows from Git, builds nothing. */
export function keyLabels(manifest: Pipeline['manifest']): Readonly<Record<string, string>> {
  return labelled({ ...declaredLabels(manifest), version: manifest.document.version ?? '' })
}

function declaredLabels({ name, description, license, authors, homepage }: Pipeline['manifest']): Record<string, string> {
  return { title: name, description, licenses: license, authors, url: URL.canParse(homepage) ? homepage : '' }
}

function labelled(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === '' ? [] : [[PREFIX + name, value.replaceAll(/\s+/g, ' ').trim()]])))
}
