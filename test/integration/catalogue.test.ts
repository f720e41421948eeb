import { execFileSync, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCatalogue } from '../../adapters/catalogue/catalogue.ts'
import { withDatabase } from '../../adapters/catalogue/database.ts'
import { withLock } from '../../adapters/filesystem/folder-lock.ts'
import { asDigest, digestOf } from '../../pipeline/digest.ts'
import { bundleDigest, bundleDocument } from '../../pipeline/publish/bundle.ts'
import { describeCatalogueContract } from '../contract/catalogue.ts'
import { sampleBundle, sampleRequest } from '../support/sample-bundle.ts'

const WRITER = fileURLToPath(new URL('../support/catalogue-writer.ts', import.meta.url))

let root = ''
let template = ''

// Making a database takes PGlite seconds: one is made, and copied for each test.
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ctss-catalogue-'))
  template = join(root, 'template')
  await mkdir(template)
  await withDatabase(template, () => Promise.resolve())
}, 60_000)
afterAll(() => rm(root, { recursive: true, force: true }))

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(root, 'ecr-'))
  await cp(template, folder, { recursive: true })
  return folder
}

describeCatalogueContract('PGlite', async () => openCatalogue({ folder: await makeFolder() }))

describe('the table of bundles', () => {
  let released = ''
  beforeAll(async () => {
    released = await makeFolder()
    await openCatalogue({ folder: released }).publish(sampleRequest(sampleBundle('a'), true))
  })

  it.each([
    ['delete from bundles', 'release 1.0.0 of sage/smoke-detector is immutable'],
    ['truncate bundles', 'bundles are immutable'],
    ["update bundles set version = '9.9.9'", 'is immutable'],
    ["update bundles set document = '{}'", 'is immutable'],
    ["update bundles set state = 'candidate'", 'release 1.0.0 of sage/smoke-detector is immutable'],
    ['update bundles set published = now()', 'release 1.0.0 of sage/smoke-detector is immutable'],
    [
      `insert into bundles select '${digestOf('x')}', '01a1fe25-d35b-77fe-a3d4-8c76346a4c7d', name, version, state, index, reference, document, summary, published from bundles`,
      'duplicate key value violates unique constraint "bundles_release"',
    ],
  ])('refuses: %s', async (statement, message) => {
    await expect(withDatabase(released, (database) => sql.raw(statement).execute(database))).rejects.toThrow(message)
  })

  it('lets a candidate go', async () => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder })
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    await withDatabase(folder, (database) => sql`delete from bundles`.execute(database))
    expect(await catalogue.publish(sampleRequest(sampleBundle('a'), false))).toMatchObject({ kind: 'published' })
  })

  it('of a newer ctss is left alone', async () => {
    const folder = await makeFolder()
    await withDatabase(folder, (database) => sql`insert into migrations (number) values (99)`.execute(database))
    await expect(openCatalogue({ folder }).publish(sampleRequest(sampleBundle('a'), false))).rejects.toMatchObject({
      code: 'storage-unavailable',
      suggestion: 'Update ctss.',
    })
  })
})

describe('the newest release', () => {
  it('is answered while another process holds the database, and when the database is broken', async () => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder, waitMs: 0 })
    await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    await withLock(folder, 0, async () => expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ version: '1.0.0' }))
    await rm(join(folder, 'db', 'global'), { recursive: true })
    expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ version: '1.0.0' })
  })

  it.each([
    ['missing', (path: string) => rm(path)],
    ['cut off', (path: string) => truncate(path, 20)],
    ['foreign', (path: string) => writeFile(path, '{"version":"9"}')],
    ["another name's", async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('sage/smoke-detector', 'sage/other'))],
  ] as const)('is unknown where its file is %s, until the next publish, even of nothing new', async (_, damage) => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder })
    await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    await damage(join(folder, 'releases', 'sage%2Fsmoke-detector.json'))
    expect(await catalogue.newestRelease('sage/smoke-detector')).toBeUndefined()
    expect(await catalogue.publish(sampleRequest(sampleBundle('a'), true))).toMatchObject({ kind: 'unchanged' })
    expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ version: '1.0.0' })
  })
})

describe('a bundle document', () => {
  it('is answered without the database, which need not even exist', async () => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder })
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    await rm(join(folder, 'db'), { recursive: true })
    expect(await catalogue.bundle(bundleDigest(sampleBundle('a')))).toEqual(sampleBundle('a'))
    expect(await catalogue.bundle(digestOf('unknown'))).toBeUndefined()
    expect(await readdir(folder)).not.toContain('db')
  })

  it('is verified, and taken from the database where its file is not what it was', async () => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder })
    const digest = bundleDigest(sampleBundle('a'))
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    const path = join(folder, 'documents', `${digest.replace(':', '-')}.json`)
    await writeFile(path, bundleDocument(sampleBundle('b')))
    expect(await catalogue.bundle(digest)).toEqual(sampleBundle('a'))
    expect(await readFile(path, 'utf8')).toBe(bundleDocument(sampleBundle('a')))
  })

  it('that is none any more in the database is a corrupt catalogue, not a free name', async () => {
    const folder = await makeFolder()
    const catalogue = openCatalogue({ folder })
    await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    await withDatabase(folder, async (database) => {
      await sql`alter table bundles disable trigger all`.execute(database)
      await sql`update bundles set document = 'x'`.execute(database)
    })
    await expect(catalogue.publish(sampleRequest(sampleBundle('b'), true))).rejects.toMatchObject({ code: 'storage-corrupt' })
    await rm(join(folder, 'documents'), { recursive: true })
    await expect(catalogue.publish(sampleRequest(sampleBundle('a'), false))).rejects.toMatchObject({ code: 'storage-corrupt' })
  })
})

describe('a broken database', () => {
  it.each([
    ['is empty', async (db: string) => rename(db, `${db}.old`).then(() => mkdir(db))],
    ['has no control file', (db: string) => rm(join(db, 'global', 'pg_control'))],
    ['has a control file of zeros', (db: string) => writeFile(join(db, 'global', 'pg_control'), Buffer.alloc(8192))],
    ['is of another Postgres', (db: string) => writeFile(join(db, 'PG_VERSION'), '9\n')],
    [
      'has lost its log',
      async (db: string) =>
        Promise.all(
          (await readdir(join(db, 'pg_wal'))).filter((name) => name.startsWith('0')).map((name) => writeFile(join(db, 'pg_wal', name), Buffer.alloc(100))),
        ),
    ],
    [
      'has tables of garbage',
      async (db: string) =>
        Promise.all(
          (await readdir(join(db, 'base', '5')))
            .filter((name) => /^\d+$/.test(name))
            .map((name) => writeFile(join(db, 'base', '5', name), Buffer.alloc(8192, 7))),
        ),
    ],
  ] as const)('that %s is a failure with what to do, and nothing of it is deleted', async (_, damage) => {
    const folder = await makeFolder()
    await damage(join(folder, 'db'))
    const before = await readdir(join(folder, 'db'), { recursive: true })
    await expect(openCatalogue({ folder }).publish(sampleRequest(sampleBundle('a'), false))).rejects.toMatchObject({
      code: 'storage-corrupt',
      suggestion: expect.stringContaining('Nothing was deleted'),
    })
    const after = new Set(await readdir(join(folder, 'db'), { recursive: true }))
    // pg_internal.init is a cache that Postgres writes anew at every start.
    expect(before.filter((name) => !after.has(name) && !name.endsWith('pg_internal.init'))).toEqual([])
    expect(await readdir(folder)).not.toContain('db.lock')
  })

  it('is replaced by a new one when it has been moved away, as the failure says', async () => {
    const folder = await makeFolder()
    await rm(join(folder, 'db', 'global', 'pg_control'))
    const catalogue = openCatalogue({ folder })
    await expect(catalogue.publish(sampleRequest(sampleBundle('a'), true))).rejects.toMatchObject({ code: 'storage-corrupt' })
    await rename(join(folder, 'db'), join(folder, 'db.broken'))
    expect(await catalogue.publish(sampleRequest(sampleBundle('a'), true))).toMatchObject({ kind: 'published' })
  })

  it('whose table is found broken only when it is read is one, too', async () => {
    const folder = await makeFolder()
    await openCatalogue({ folder }).publish(sampleRequest(sampleBundle('a'), true))
    const file = await withDatabase(
      folder,
      async (database) => (await sql<{ path: string }>`select pg_relation_filepath('bundles') as path`.execute(database)).rows[0]!.path,
    )
    await writeFile(join(folder, 'db', file), Buffer.alloc(8192, 7))
    await expect(openCatalogue({ folder }).publish(sampleRequest(sampleBundle('b'), true))).rejects.toMatchObject({ code: 'storage-corrupt' })
  })
})

describe('a full disk', () => {
  it('is a failure before anything is written, and what was there stays', async (context) => {
    const disk = await mkdtemp(join(root, 'disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      return context.skip('only root may mount a small disk to fill')
    }
    try {
      const folder = join(disk, 'ecr')
      await cp(template, folder, { recursive: true })
      const catalogue = openCatalogue({ folder })
      await catalogue.publish(sampleRequest(sampleBundle('a'), true))
      await writeFile(join(disk, 'fill'), Buffer.alloc(96 * 2 ** 20)).catch(() => undefined)
      await expect(catalogue.publish(sampleRequest(sampleBundle('b', { version: '2.0.0' }), true))).rejects.toMatchObject({ code: 'storage-full' })
      await rm(join(disk, 'fill'))
      expect(await catalogue.publish(sampleRequest(sampleBundle('a'), true))).toMatchObject({ kind: 'unchanged' })
      expect(await catalogue.publish(sampleRequest(sampleBundle('b', { version: '2.0.0' }), true))).toMatchObject({ kind: 'published' })
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})

describe('a process that is killed while it publishes', () => {
  it('leaves a catalogue that opens, and that holds everything it said it had published', async () => {
    const folder = await mkdtemp(join(root, 'killed-'))
    const catalogue = openCatalogue({ folder })
    const acknowledged: string[] = []
    // Two are killed while they make the database, the others somewhere in the release after their first, which takes about a second.
    const moments = [
      ['making', 0],
      ['making', 500],
      ['releasing', 0],
      ['releasing', 250],
      ['releasing', 500],
      ['releasing', 750],
    ] as const
    for (const [run, [what, delayMs]] of moments.entries()) {
      const [since, before] = [Date.now(), acknowledged.length]
      // The one before left its unfinished database, which this one makes anew.
      const isMaking = (): boolean => (statSync(join(folder, 'db.unfinished'), { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since
      const isReleasing = (): boolean => acknowledged.length > before
      const child = spawn(process.execPath, [WRITER, 'publish', folder, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.on('data', (chunk: Buffer) =>
        acknowledged.push(
          ...chunk
            .toString()
            .split('\n')
            .filter((line) => line !== ''),
        ),
      )
      while (!(what === 'making' ? isMaking() : isReleasing())) await sleep(10)
      await sleep(delayMs)
      await kill(child)
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(4)
    expect(await catalogue.publish(sampleRequest(sampleBundle('last', { version: '99.0.0' }), true, new Date().toISOString()))).toMatchObject({
      kind: 'published',
    })
    for (const digest of acknowledged) expect(await catalogue.bundle(asDigest(digest))).toBeDefined()
    const rows = await withDatabase(folder, (database) => database.selectFrom('bundles').select('digest').execute())
    expect(acknowledged.filter((digest) => !rows.some((row) => row.digest === digest))).toEqual([])
    expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ version: '99.0.0' })
    expect((await readdir(folder)).toSorted()).toEqual(['db', 'documents', 'releases'])
  }, 120_000)
})

async function kill(child: ReturnType<typeof spawn>): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
