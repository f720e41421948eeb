import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'

/** A real S3 server on this machine, over a folder of its own. */
export interface S3Server extends AsyncDisposable {
  readonly client: S3Client
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** An existing bucket. */
  readonly bucket: string
  /** Where an object's bytes lie. */
  pathOf(key: string): string
}

const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.7.0'

/** Finds versitygw on the PATH or in the cache folder, or builds it there once where Go is installed (about 90 s). Undefined: neither. */
export function provideVersitygw(): string | undefined {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ctss/bin')
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', cache]
  const find = (name: string): string | undefined => folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  const found = find('versitygw')
  const go = find('go')
  if (found !== undefined || go === undefined) return found
  try {
    execFileSync(go, ['install', MODULE], { env: { ...process.env, GOBIN: cache }, stdio: 'ignore', timeout: 280_000 })
  } catch {
    return undefined
  }
  return find('versitygw')
}

/** Starts versitygw 1.7 on a free port and makes a bucket. */
export async function startVersitygw(program: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-s3-'))
  const port = await freePort()
  const env = { PATH: process.env['PATH'], ROOT_ACCESS_KEY: 'test', ROOT_SECRET_KEY: 'test-secret-test-secret' }
  const server = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder], { env, stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${port}`
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: env.ROOT_ACCESS_KEY, secretAccessKey: env.ROOT_SECRET_KEY },
  })
  const stop = async (): Promise<void> => {
    client.destroy()
    server.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await waitUntil(async () => client.send(new ListBucketsCommand({})))
    await client.send(new CreateBucketCommand({ Bucket: 'blobs' }))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    client,
    endpoint,
    accessKeyId: env.ROOT_ACCESS_KEY,
    secretAccessKey: env.ROOT_SECRET_KEY,
    bucket: 'blobs',
    pathOf: (key) => join(folder, 'blobs', key),
    [Symbol.asyncDispose]: stop,
  }
}

async function waitUntil(act: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await act()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await setTimeout(100)
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
