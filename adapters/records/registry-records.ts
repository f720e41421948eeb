import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { asDigest, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Records } from '../../pipeline/ports/records.ts'
import type { Descriptor } from '../../pipeline/ports/registry.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { makeWorkFolder } from '../machine/work-folders.ts'
import type { OciRegistry } from '../registry/oci-registry.ts'
import { namedFiles, type NamedFile } from './named-files.ts'
import { parseRecord, RECORD_BYTES } from './parse-record.ts'

export interface RegistryRecordsOptions {
  readonly registry: OciRegistry
  /** Registry host and repository: the staging repository of the plugin and of the run's trust class. */
  readonly repository: string
  /** Where the files of a record are, which go into the registry with it. */
  readonly blobs: BlobStore
  /** True: records are found, and none is written. */
  readonly readOnly?: boolean
  /** Parent of the folder through which files go up; the system's temporary folder without it. */
  readonly workParent?: string
  /** Told in a sentence what was found and is no record, and which files of a record could not be kept. */
  readonly tell?: (message: string) => void
}

/** Artifact type of a record in a registry. */
export const RECORD_ARTIFACT = 'application/vnd.ctss.stage-record.v1+json'

/**
 * Records as OCI artifacts under the tag `record-<first 32 digits of the key>`: the first layer is the record, the others are the files that it names, so
 * that the registry keeps them as long. What is there and is not the record of its key is treated as absent, so that its stage simply runs again; so is
 * what the registry refuses to show, as some answer like that for what does not exist (GHCR). Fails with `registry-unavailable`; when it writes, also with
 * `registry-refused`, `storage-full`, and as the blob store does.
 */
export function registryRecords(options: RegistryRecordsOptions): Records {
  const { readOnly = false, tell = () => undefined } = options
  return {
    async find(key) {
      const reference = `${options.repository}:${tagOf(key)}`
      const found = await readRecord(options, reference, key).catch(orReason)
      if (typeof found !== 'string') return found
      tell(`${reference} is not used: ${found}`)
      return undefined
    },
    async put(record) {
      if (readOnly) return
      const layers = await pushFiles(options, namedFiles(record), tell)
      await pushRecord(options, record, layers)
    },
  }
}

function tagOf(key: Digest): string {
  return `record-${asDigest(key).slice('sha256:'.length, 'sha256:'.length + 32)}`
}

/** The record of a key; undefined: none; a string: why what lies there is not it. */
async function readRecord({ registry, repository }: RegistryRecordsOptions, reference: string, key: Digest): Promise<StageRecord | string | undefined> {
  const answer = await registry.manifest(reference)
  if (answer === undefined) return undefined
  const document = readOciDocument(answer.content.toString('utf8'))
  const [layer] = document?.layers ?? []
  if (document?.artifactType !== RECORD_ARTIFACT || layer === undefined) return 'it is an artifact of another type'
  const content = await registry.blob(repository, layer.digest, RECORD_BYTES)
  if (content === undefined) return `the registry has lost its content ${layer.digest}`
  const record = parseRecord(content.toString('utf8'))
  return typeof record === 'string' || record.key === key ? record : `it is the record of another key, ${record.key}`
}

/** What is wrong with one artifact is no reason to stop; a registry that is down is. */
function orReason(error: unknown): string {
  if (error instanceof Failure && (error.code === 'registry-refused' || error.code === 'digest-mismatch')) return error.message
  throw error
}

async function pushFiles(
  { registry, repository, blobs, workParent = tmpdir() }: RegistryRecordsOptions,
  files: readonly NamedFile[],
  tell: (message: string) => void,
): Promise<readonly Descriptor[]> {
  await using folder = await makeWorkFolder(workParent, 'record')
  const path = join(folder.path, 'file')
  const layers: Descriptor[] = []
  const mediaType = 'application/octet-stream'
  for (const { digest, bytes } of files) {
    if (await registry.hasBlob(repository, digest)) {
      layers.push({ mediaType, digest, size: bytes })
    } else if (await blobs.getFile(digest, path)) {
      const { size } = await stat(path)
      await registry.pushBlob(repository, path, { digest, bytes: size })
      layers.push({ mediaType, digest, size })
    } else {
      tell(`${digest} is not here, so it is not kept with its record`)
    }
  }
  return layers
}

async function pushRecord({ registry, repository }: RegistryRecordsOptions, record: StageRecord, files: readonly Descriptor[]): Promise<void> {
  const content = Buffer.from(JSON.stringify(record))
  const empty = Buffer.from('{}')
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: RECORD_ARTIFACT,
    config: { mediaType: MEDIA_TYPES.empty, digest: await registry.putBlob(repository, empty), size: empty.length },
    layers: [{ mediaType: 'application/json', digest: await registry.putBlob(repository, content), size: content.length }, ...files],
    annotations: { 'org.sagecontinuum.ctss.stage': record.stage, 'org.sagecontinuum.ctss.key': record.key },
  }
  await registry.putManifest(repository, JSON.stringify(manifest), MEDIA_TYPES.manifest, tagOf(asDigest(record.key)))
}
