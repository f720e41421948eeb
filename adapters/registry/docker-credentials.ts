import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { FindCredentials } from './registry-client.ts'

/** Where `docker login` keeps the credentials of Docker Hub. */
const DOCKER_HUB = 'https://index.docker.io/v1/'

/**
 * What `docker login` left in a folder's config.json (`~/.docker`, mostly). Credential helpers are not asked: they are programs of their own.
 * No file, or one that cannot be read, means anonymous.
 */
export function dockerCredentials(folder: string): FindCredentials {
  return async (host) => {
    const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '{}')
    const auths = memberOf(parse(text), 'auths')
    const auth = memberOf(memberOf(auths, host === 'docker.io' ? DOCKER_HUB : host), 'auth')
    const [username, ...password] = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8').split(':') : []
    return username && password.length > 0 ? { username, password: password.join(':') } : undefined
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
}
