import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { asDigest, digestOf, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Catalogue, Publication, PublicationRequest, ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import { bundleDocument, sameBundle } from '../../pipeline/publish/bundle.ts'
import type { Bundle } from '../../schemas/generated/types.ts'
import { validateBundle, validateReleaseSummary } from '../../schemas/generated/validators.js'
import { sweepTemporaryFiles, writeAtomically } from '../filesystem/atomic-file.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import type { CatalogueDatabase } from './database.ts'
import { withLock } from '../filesystem/folder-lock.ts'

export interface CatalogueOptions {
  /** Holds `db` (PGlite), `documents` (bundle documents by digest) and `releases` (the newest release of each name); made where there is none. */
  readonly folder: string
  /** How long to wait for another process, in milliseconds. */
  readonly waitMs?: number
}

const WAIT_MS = 60_000

/** The embedded Edge Code Repository: PGlite and a folder. Opens nothing before it has to, and keeps nothing open. */
export function openCatalogue({ folder, waitMs = WAIT_MS }: CatalogueOptions): Catalogue {
  return {
    publish: (request) => exclusively(folder, waitMs, (database) => publish(folder, database, request)),
    newestRelease: (name) => readRelease(folder, name),
    async bundle(digest) {
      const bundle = await readDocument(folder, digest)
      if (bundle !== undefined || !(await hasDatabase(folder))) return bundle
      return exclusively(folder, waitMs, (database) => recoverBundle(folder, database, digest))
    },
  }
}

/** The only way into the database: two processes in one PGlite folder destroy it. */
async function exclusively<Result>(folder: string, waitMs: number, work: (database: CatalogueDatabase) => Promise<Result>): Promise<Result> {
  try {
    for (const part of ['documents', 'releases']) {
      await mkdir(join(folder, part), { recursive: true })
      await sweepTemporaryFiles(join(folder, part))
    }
    // PGlite is 20 MB of WebAssembly: loaded by those who need it.
    const { withDatabase } = await import('./database.ts')
    return await withLock(folder, waitMs, () => withDatabase(folder, work))
  } catch (cause) {
    throw storageFailure(cause, `using the catalogue in ${folder}`)
  }
}

async function publish(folder: string, database: CatalogueDatabase, request: PublicationRequest): Promise<Publication> {
  const document = bundleDocument(request.bundle)
  const publication = await insert(database, document, digestOf(document), request)
  if (publication.kind === 'name-taken') return publication
  await recoverBundle(folder, database, publication.digest)
  if ((await readDocument(folder, publication.digest)) === undefined) {
    throw new Failure('storage-corrupt', `the bundle ${publication.digest} was written to ${folder}, but does not read back`, {
      suggestion: 'Check that disk.',
    })
  }
  await projectRelease(folder, database, request.bundle.name)
  return publication
}

/** Put if absent, in one transaction; the table's unique index decides between two that come at once. */
async function insert(
  database: CatalogueDatabase,
  document: string,
  digest: Digest,
  { bundle, release, reference, summary, now }: PublicationRequest,
): Promise<Publication> {
  return database.transaction().execute(async (transaction) => {
    const named = await transaction
      .selectFrom('bundles')
      .select(['id', 'digest', 'document'])
      .where('name', '=', bundle.name)
      .where('version', '=', bundle.version)
      .where('state', '=', 'release')
      .executeTakeFirst()
    if (release && named !== undefined) return compareWithNamed(named, bundle, digest)

    const present = await transaction.selectFrom('bundles').select(['id']).where('digest', '=', digest).executeTakeFirst()
    if (present !== undefined && !release) return { kind: 'unchanged', id: present.id, digest }
    if (present !== undefined) {
      await transaction
        .updateTable('bundles')
        .set({ state: 'release', published: now, reference, summary: JSON.stringify(summary) })
        .where('digest', '=', digest)
        .execute()
      return { kind: 'published', id: present.id, digest }
    }
    const id = uuidv7()
    const state = release ? 'release' : 'candidate'
    await transaction
      .insertInto('bundles')
      .values({
        digest,
        id,
        name: bundle.name,
        version: bundle.version,
        state,
        index: bundle.index,
        reference,
        document,
        summary: JSON.stringify(summary),
        published: now,
      })
      .execute()
    return { kind: 'published', id, digest }
  })
}

function compareWithNamed(named: { readonly id: string; readonly digest: string; readonly document: string }, offered: Bundle, digest: Digest): Publication {
  const existing = asDigest(named.digest)
  const bundle = readBundle(named.document, existing)
  if (bundle === undefined)
    throw new Failure('storage-corrupt', `the catalogue's document of ${existing} is not what it was`, { suggestion: 'Restore the catalogue from a backup.' })
  return sameBundle(bundle, offered) ? { kind: 'unchanged', id: named.id, digest: existing } : { kind: 'name-taken', existing, offered: digest }
}

/** Writes a row's document beside the database, where `bundle` reads it; the row is what counts. */
async function recoverBundle(folder: string, database: CatalogueDatabase, digest: Digest): Promise<Bundle | undefined> {
  const row = await database.selectFrom('bundles').select('document').where('digest', '=', digest).executeTakeFirst()
  const bundle = row === undefined ? undefined : readBundle(row.document, digest)
  if (row !== undefined && bundle !== undefined) await writeAtomically(documentPath(folder, digest), (handle) => handle.writeFile(row.document))
  return bundle
}

async function readDocument(folder: string, digest: Digest): Promise<Bundle | undefined> {
  const document = await readFile(documentPath(folder, digest), 'utf8').catch(() => undefined)
  return document === undefined ? undefined : readBundle(document, digest)
}

/** The document, when it is one, and of that digest. */
function readBundle(document: string, digest: Digest): Bundle | undefined {
  if (digestOf(document) !== digest) return undefined
  const value: unknown = JSON.parse(document)
  return validateBundle(value) ? value : undefined
}

/** Writes the newest release of a name beside the database; done after every publish, so that what a killed process left out is caught up. */
async function projectRelease(folder: string, database: CatalogueDatabase, name: string): Promise<void> {
  const newest = await database
    .selectFrom('bundles')
    .select(['digest', 'published', 'summary'])
    .where('name', '=', name)
    .where('state', '=', 'release')
    .orderBy('published', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst()
  if (newest === undefined) return
  const summary: unknown = JSON.parse(newest.summary)
  const release = JSON.stringify(Object.assign({}, summary, { digest: newest.digest, published: newest.published.toISOString() }))
  await writeAtomically(releasePath(folder, name), (handle) => handle.writeFile(release))
}

/** A missing or damaged projection is no release: the next publish writes it anew. */
async function readRelease(folder: string, name: string): Promise<ReleaseSummary | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(releasePath(folder, name), 'utf8'))
    if (!validateReleaseSummary(value) || value.name !== name) return undefined
    return { ...value, digest: asDigest(value.digest), index: asDigest(value.index) }
  } catch {
    return undefined
  }
}

function documentPath(folder: string, digest: Digest): string {
  return join(folder, 'documents', `${digest.replace(':', '-')}.json`)
}

function releasePath(folder: string, name: string): string {
  return join(folder, 'releases', `${encodeURIComponent(name)}.json`)
}

async function hasDatabase(folder: string): Promise<boolean> {
  return readFile(join(folder, 'db', 'PG_VERSION')).then(
    () => true,
    () => false,
  )
}
