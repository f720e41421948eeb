import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { VERSIONS_FILE } from './proposed-files.ts'

interface Looked {
  readonly origin: string
  readonly seen: string
  readonly tried: boolean
}

/** What runner-images/versions.json says, which its schema describes. A sum or a digest that nobody knows is null. */
export interface Versions {
  readonly runner: Looked & {
    readonly version: string
    readonly released: string
    readonly source: string
    readonly sha256: Readonly<Record<'amd64' | 'arm64', string | null>>
  }
  readonly 'nvidia-container-toolkit': Looked & { readonly version: string; readonly source: string; readonly sha256: Readonly<Record<string, string | null>> }
  readonly images: Readonly<Record<string, Looked & { readonly reference: string; readonly digest: string | null }>>
  readonly given: Readonly<Record<string, Looked & { readonly minimum: string }>>
}

const root = new URL('../../', import.meta.url)

/** The versions of this checkout. */
export function readVersions(): Versions {
  return parseVersions(readSource(VERSIONS_FILE))
}

/** Throws with every place that the schema refuses. */
export function parseVersions(text: string): Versions {
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false })
  const matches = ajv.compile<Versions>(JSON.parse(readSource('runner-images/versions.schema.json')) as object)
  const value: unknown = JSON.parse(text)
  if (!matches(value)) throw new Error(`${VERSIONS_FILE}: ${ajv.errorsText(matches.errors, { dataVar: '' })}`)
  return value
}

/** A file of this checkout, by its path from the root. */
export function readSource(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}
