import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase, type Database, type DatabasePlace } from '../../adapters/database/open-database.ts'
import type { Schema } from '../../adapters/database/migrate.ts'
import { SERVICE_SCHEMA } from '../../adapters/service-state/migrations.ts'
import { openServiceStore } from '../../adapters/service-state/open-service-store.ts'
import { startSilentProxy } from '../support/silent-proxy.ts'
import { startServiceStores, type ServiceStores } from '../support/service-stores.ts'

interface Tables {
  'shop.goods': { name: string }
}

const ONE: readonly string[] = ['create table shop.goods (name text primary key)', "insert into shop.goods values ('ocarina')"]
const TWO: readonly string[] = ["insert into shop.goods values ('bow')"]
const OPTIONS = { connections: 3, onError: () => undefined }
const schema = (...steps: readonly (readonly string[])[]): Schema => ({ name: 'shop', title: 'the shop', steps })
const open = (place: DatabasePlace, ...steps: readonly (readonly string[])[]): Promise<Database<Tables>> =>
  openDatabase<Tables>(place, schema(...steps), OPTIONS)
const names = (database: Database<Tables>): Promise<readonly string[]> =>
  database.query(async (db) => (await db.selectFrom('shop.goods').select('name').orderBy('name').execute()).map(({ name }) => name))

let stores: ServiceStores
let root: string
beforeAll(async () => {
  stores = await startServiceStores({ maxConnections: 20 })
  root = await mkdtemp(join(tmpdir(), 'ctss-database-'))
})
afterAll(async () => {
  await stores[Symbol.asyncDispose]()
  await rm(root, { recursive: true, force: true })
})

describe.each([
  { name: 'a server', place: async () => ({ url: await stores.url() }) },
  { name: 'a folder', place: async () => ({ folder: await stores.folder(), waitMs: 100 }) },
])('the tables of $name', ({ place }) => {
  it('are made, kept, and brought up to date step by step', async () => {
    const where = await place()
    const first = await open(where, ONE)
    expect(await names(first)).toEqual(['ocarina'])
    await first.close()
    const second = await open(where, ONE, TWO)
    expect(await names(second)).toEqual(['bow', 'ocarina'])
    await second.close()
  })

  it('are not touched by an older program, which says so', async () => {
    const where = await place()
    await (await open(where, ONE, TWO)).close()
    await expect(open(where, ONE)).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: 'the tables of the shop were written by a newer ctss (they are of version 2, this program knows 1)',
    })
  })

  it('are as they were when a step fails', async () => {
    const where = await place()
    await (await open(where, ONE)).close()
    await expect(open(where, ONE, [...TWO, 'create nonsense'])).rejects.toThrow('nonsense')
    const database = await open(where, ONE)
    expect(await names(database)).toEqual(['ocarina'])
    await database.close()
  })

  it('change all or nothing in a transaction, whatever else goes on', async () => {
    const database = await open(await place(), ONE)
    const failed = database.write(async (db) => {
      await db.insertInto('shop.goods').values({ name: 'half' }).execute()
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw new Error('and back')
    })
    const beside = database.query((db) => db.insertInto('shop.goods').values({ name: 'beside' }).execute())
    const whole = database.write((db) => db.insertInto('shop.goods').values({ name: 'whole' }).execute())
    await expect(failed).rejects.toThrow('and back')
    await Promise.all([beside, whole])
    expect(await names(database)).toEqual(['beside', 'ocarina', 'whole'])
    await database.close()
  })
})

describe('a server', () => {
  it('gets its tables once from five replicas that start at the same time', async () => {
    const url = await stores.url()
    const opened = await Promise.all(Array.from({ length: 5 }, () => openServiceStore({ place: { url }, connections: 1 })))
    await Promise.all(opened.map((store) => store.close()))
    const database = await open({ url }, ONE)
    const { rows } = await database.query((db) => sql`select number from service.migrations order by number`.execute(db))
    expect(rows).toEqual(SERVICE_SCHEMA.steps.map((_, index) => ({ number: index + 1 })))
    await database.close()
  })

  it.each([
    { what: 'of which nobody listens', url: async () => `postgres://ctss@127.0.0.1:${await closedPort()}/test`, message: /cannot be reached \(ECONNREFUSED\)/ },
    {
      what: 'without such a database',
      url: async () => `postgres://ctss@127.0.0.1:${stores.server.port}/nowhere`,
      message: /no database of this name \(3D000\)/,
    },
    { what: 'without such a user', url: async () => `postgres://nobody@127.0.0.1:${stores.server.port}/test_1`, message: /refuses this user \(28000\)/ },
  ])('$what is storage-unavailable, in words', async ({ url, message }) => {
    await expect(openServiceStore({ place: { url: await url() } })).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringMatching(message),
    })
  })

  it('that may only be read is storage-unavailable for those who write', async () => {
    const url = await stores.url()
    const store = await openServiceStore({ place: { url }, connections: 1 })
    await store.inbox.put({ id: '1', address: { repository: 1, ref: 'refs/heads/main' }, cause: 'push' })
    await store.close()
    const readOnly = new URL(url)
    readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
    const database = await open({ url }, ONE)
    await database.close()
    await expect(open({ url: readOnly.href }, ONE, TWO)).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('(25006)') })
  })

  it('with too many connections is storage-unavailable', async () => {
    const url = await stores.url()
    const clients: pg.Client[] = []
    try {
      for (;;) {
        const client = new pg.Client({ connectionString: url })
        client.on('error', () => undefined)
        await client.connect()
        clients.push(client)
      }
    } catch {
      // Superusers have a few places more than others; all are taken now.
    }
    await expect(open({ url }, ONE)).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('(53300)') })
    for (const client of clients) await client.end()
  })
})

describe('a connection', () => {
  it('that breaks while it is used fails what is done with it, and nothing else', async () => {
    const database = await open({ url: await stores.url() }, ONE)
    const [asked, written] = [database.query((db) => sql`select pg_sleep(60)`.execute(db)), database.write((db) => sql`select pg_sleep(60)`.execute(db))]
    const sleeping = sql`select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'`
    await vi.waitFor(async () => expect((await database.query((db) => sleeping.execute(db))).rows).toHaveLength(2))
    const lost = [asked, written].map((one) => expect(one).rejects.toMatchObject({ code: 'storage-unavailable' }))
    await stores.server.kill()
    await Promise.all(lost)
    await stores.server.start()
    expect(await names(database)).toEqual(['ocarina'])
    await database.close()
  })

  it('of which nothing is heard any more fails what waits for it, and nobody is given it again', async () => {
    await using proxy = await startSilentProxy(stores.server.port)
    const url = new URL(await stores.url())
    url.port = String(proxy.port)
    const database = await openDatabase<Tables>({ url: url.href }, schema(ONE), { ...OPTIONS, connections: 1 })
    proxy.silence()
    const asked = performance.now()
    await expect(names(database)).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('(ETIMEDOUT)') })
    expect(performance.now() - asked).toBeLessThan(20_000)
    proxy.speak()
    expect(await names(database)).toEqual(['ocarina'])
    await database.close()
  })
})

describe('a folder', () => {
  it('belongs to one process at a time', async () => {
    const folder = await stores.folder()
    const database = await open({ folder, waitMs: 100 }, ONE)
    await expect(open({ folder, waitMs: 100 }, ONE)).rejects.toMatchObject({ code: 'lock-held' })
    await database.close()
    await (await open({ folder, waitMs: 100 }, ONE)).close()
  })

  it('that holds no database of ours is storage-corrupt, and stays as it is', async () => {
    const folder = join(root, 'foreign')
    await mkdir(join(folder, 'db'), { recursive: true })
    await writeFile(join(folder, 'db', 'letter.txt'), 'dear diary')
    await expect(open({ folder }, ONE)).rejects.toMatchObject({ code: 'storage-corrupt', suggestion: expect.stringContaining('Nothing was deleted') })
  })

  it('whose database was damaged is storage-corrupt', async () => {
    const folder = await stores.folder()
    await writeFile(join(folder, 'db', 'global', 'pg_control'), 'nonsense')
    await expect(open({ folder }, ONE)).rejects.toMatchObject({ code: 'storage-corrupt' })
  })

  it('that cannot be written to is storage-unavailable', async () => {
    await writeFile(join(root, 'a file'), '')
    await expect(open({ folder: join(root, 'a file', 'store') }, ONE)).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('on a full disk is storage-full before anything is written, and goes on where there is room again', async (context) => {
    const disk = join(root, 'disk')
    await mkdir(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      return context.skip('only root may mount a small disk to fill')
    }
    try {
      const folder = join(disk, 'store')
      await cp(await stores.folder(), folder, { recursive: true })
      const store = await openServiceStore({ place: { folder } })
      const put = (id: string): Promise<boolean> => store.inbox.put({ id, address: { repository: 1, ref: 'refs/heads/main' }, cause: 'push' })
      expect(await put('before')).toBe(true)
      await writeFile(join(disk, 'fill'), Buffer.alloc(160 * 2 ** 20)).catch(() => undefined)
      await expect(put('full')).rejects.toMatchObject({ code: 'storage-full' })
      await rm(join(disk, 'fill'))
      expect(await put('after')).toBe(true)
      expect(await store.inbox.missing(['before', 'full', 'after'])).toEqual(['full'])
      await store.close()
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return address === null || typeof address === 'string' ? 1 : address.port
}
