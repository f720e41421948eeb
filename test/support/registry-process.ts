import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REGISTRY_HOST } from '../../adapters/workstation/cache-layout.ts'

const noRegistry = spawnSync('docker-registry', ['--version']).error ? 'docker-registry is not installed' : undefined

export interface RegistryProcess extends AsyncDisposable {
  /** For instance `127.0.0.1:40123`. */
  readonly host: string
}

/** Whom `startPasswordRegistry` knows. */
export const PASSWORD_USER = { username: 'job', password: 'a-secret' }
/** bcrypt of that password. */
const HTPASSWD = 'job:$2b$04$Un6qYj9Db0Vdxl88b4QluO8Si.kj8WKxcQI1RKEYnt4D83BB/RwiO\n'

/** A registry that answers nobody without a password. Undefined where none can be had. */
export async function startPasswordRegistry(): Promise<RegistryProcess | undefined> {
  if (noRegistry) return undefined
  const own = await mkdtemp(join(tmpdir(), 'ctss-htpasswd-'))
  await writeFile(join(own, 'htpasswd'), HTPASSWD)
  const registry = await startRegistryProcess(undefined, `auth: {htpasswd: {realm: test, path: ${join(own, 'htpasswd')}}}\n`)
  return {
    host: registry.host,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]()
      await rm(own, { recursive: true })
    },
  }
}

/**
 * Starts a registry (distribution) of the test's own, its storage in `folder` or in one that is removed with it. Where it is not installed, the
 * workstation's has to do.
 */
export async function startRegistryProcess(folder?: string, moreConfiguration = ''): Promise<RegistryProcess> {
  if (noRegistry) return { host: REGISTRY_HOST, [Symbol.asyncDispose]: async () => undefined }
  const own = await mkdtemp(join(tmpdir(), 'ctss-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const configuration = join(own, 'registry.yml')
  await writeFile(
    configuration,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${folder ?? join(own, 'data')}}}\nhttp: {addr: ${host}}\n${moreConfiguration}`,
  )
  const child = spawn('docker-registry', ['serve', configuration], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(`http://${host}/v2/`).then(
        (answer) => answer.ok || answer.status === 401,
        () => false,
      )
    )
      break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    host,
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
      await rm(own, { recursive: true })
    },
  }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** Why no full disk can be had here; empty: it can. */
export const noSmallDisk = process.getuid?.() === 0 && process.platform === 'linux' ? (noRegistry ?? '') : 'mounting a small disk needs root on Linux'

/** A registry whose disk has room for 4 MiB. */
export async function startFullRegistry(): Promise<RegistryProcess> {
  const disk = await mkdtemp(join(tmpdir(), 'ctss-disk-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'ctss-test', disk]).status !== 0) throw new Error('no disk of 4 MiB')
  const registry = await startRegistryProcess(disk)
  return {
    host: registry.host,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]()
      spawnSync('umount', [disk])
      await rmdir(disk)
    },
  }
}
