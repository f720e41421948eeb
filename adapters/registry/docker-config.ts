import { lstat, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { storageFailure } from '../filesystem/storage-failure.ts'
import { makeWorkFolder } from '../machine/work-folders.ts'
import type { Credentials } from './registry-client.ts'

export interface DockerConfigOptions {
  /** Parent of the folder, where only this user may look. */
  readonly workParent: string
  /** `~/.docker` or `$DOCKER_CONFIG`: what is there stays in force, and stays as it is. */
  readonly userFolder: string
  /** `$BUILDX_CONFIG`; undefined: `buildx` in the user's folder. */
  readonly buildxFolder?: string | undefined
  /** Registry host, for instance `ghcr.io`. */
  readonly host: string
  readonly credentials: Credentials
}

/** A configuration of Docker's programs for one job; the folder goes when it is disposed of, and with a later sweep of work folders. */
export interface DockerConfig extends AsyncDisposable {
  /** For every program of Docker's that is to know the credentials. */
  readonly env: { readonly DOCKER_CONFIG: string; readonly BUILDX_CONFIG: string }
}

/**
 * Makes a configuration folder in which docker and buildx find the credentials of one registry beside all that the user has configured, so that a
 * job's password lands in nobody's `~/.docker`. Plug-ins, contexts and builders are the user's own. Fails with `storage-full`, `storage-unavailable`.
 */
export async function openDockerConfig({ workParent, userFolder, buildxFolder, host, credentials }: DockerConfigOptions): Promise<DockerConfig> {
  const folder = await makeWorkFolder(workParent, 'docker-config')
  try {
    const text = await readFile(join(userFolder, 'config.json'), 'utf8').catch(() => '{}')
    await writeFile(join(folder.path, 'config.json'), JSON.stringify(withCredentials(text, host, credentials)), { mode: 0o600 })
    for (const name of ['cli-plugins', 'contexts']) {
      const own = join(userFolder, name)
      if (await lstat(own).catch(() => undefined)) await symlink(own, join(folder.path, name))
    }
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    throw storageFailure(error, `writing to ${workParent}`)
  }
  return {
    env: { DOCKER_CONFIG: folder.path, BUILDX_CONFIG: buildxFolder ?? join(userFolder, 'buildx') },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

/** The user's config.json with one host's credentials in it. */
function withCredentials(text: string, host: string, { username, password }: Credentials): object {
  const config = parse(text)
  return {
    ...config,
    auths: { ...recordOf(config['auths']), [host]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } },
    // A host without a helper of its own is looked up in `credsStore`, where there is one, and never in `auths`; no helper at all is an empty name
    // (docker/cli, cli/config/configfile).
    credHelpers: { ...recordOf(config['credHelpers']), [host]: '' },
  }
}

/** What cannot be read counts as empty, as for docker itself. */
function parse(text: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(text))
  } catch {
    return {}
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
