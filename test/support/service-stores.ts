import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openServiceStore, type ServiceStore, type ServiceStoreOptions } from '../../adapters/service-state/open-service-store.ts'
import { startPostgres, type PostgresOptions, type PostgresServer } from './postgres.ts'

/** Empty databases for the tests of one file, of both kinds, and the stores that were opened on them. */
export interface ServiceStores extends AsyncDisposable {
  readonly server: PostgresServer
  /** URL of an empty database of the server. */
  url(): Promise<string>
  /** An empty folder, in which PGlite is set up already: setting it up takes seconds. */
  folder(): Promise<string>
  /** Opens a store, closed at the end or by `closeAll`. */
  open(options: ServiceStoreOptions): Promise<ServiceStore>
  closeAll(): Promise<void>
}

/** Starts a Postgres server, and sets PGlite up once. */
export async function startServiceStores(options: PostgresOptions = {}): Promise<ServiceStores> {
  const root = await mkdtemp(join(tmpdir(), 'ctss-stores-'))
  const server = await startPostgres(options)
  let template: Promise<string> | undefined
  let folders = 0
  const opened = new Set<ServiceStore>()
  const closeAll = async (): Promise<void> => {
    for (const store of opened) await store.close()
    opened.clear()
  }
  const makeTemplate = async (): Promise<string> => {
    const folder = join(root, 'template')
    await (await openServiceStore({ place: { folder } })).close()
    return folder
  }
  return {
    server,
    url: () => server.createDatabase(),
    async folder() {
      template ??= makeTemplate()
      folders += 1
      const folder = join(root, `store-${folders}`)
      await cp(await template, folder, { recursive: true })
      return folder
    },
    async open(storeOptions) {
      const store = await openServiceStore(storeOptions)
      opened.add(store)
      return {
        ...store,
        async close() {
          opened.delete(store)
          await store.close()
        },
      }
    },
    closeAll,
    async [Symbol.asyncDispose]() {
      await closeAll()
      await server[Symbol.asyncDispose]()
      await rm(root, { recursive: true, force: true })
    },
  }
}
