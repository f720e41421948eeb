import { request } from 'node:http'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { REGISTRY_HOST } from './cache-layout.ts'
import { findDaemon, startDaemon, stopDaemon } from './daemon.ts'
import type { Daemon } from './daemon.ts'
import { timed, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'

/** What answers where our registry belongs. */
export interface RegistryFacts {
  readonly answers: boolean
  readonly ours: boolean
  /** Something listens there that is no registry. */
  readonly taken: boolean
}

function registryDaemon({ layout }: Machine): Daemon {
  const configuration = join(layout.folder, 'registry.yml')
  return {
    command: 'docker-registry',
    args: ['serve', configuration],
    mark: configuration,
    pidFile: join(layout.folder, 'registry.pid'),
    logFile: join(layout.folder, 'registry.log'),
  }
}

/** Looks whether the local registry answers, and whether it is ours. */
export async function findRegistry(machine: Machine): Promise<RegistryFacts> {
  const [answer, pid] = await Promise.all([getFromRegistry('/v2/'), findDaemon(registryDaemon(machine))])
  const answers = answer?.status === 200 && answer.apiVersion === 'registry/2.0'
  return { answers, ours: answers && pid !== undefined, taken: answer !== undefined && !answers }
}

/** Tags of a repository in the local registry; none where it does not answer. */
export async function listTags(repository: string): Promise<readonly string[]> {
  const answer = await getFromRegistry(`/v2/${repository}/tags/list`)
  if (answer?.status !== 200) return []
  const body: unknown = JSON.parse(answer.body)
  const tags: unknown = typeof body === 'object' && body !== null && 'tags' in body ? body.tags : undefined
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

/** `fetch` costs 30 ms at its first use, a tenth of what a look at the machine may take. */
function getFromRegistry(path: string): Promise<{ status: number; apiVersion: string | undefined; body: string } | undefined> {
  return new Promise((resolve) => {
    const asked = request(`http://${REGISTRY_HOST}${path}`, { timeout: 5000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        const version = response.headers['docker-distribution-api-version']
        resolve({
          status: response.statusCode ?? 0,
          apiVersion: typeof version === 'string' ? version : undefined,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(undefined))
    asked.end()
  })
}

/** Starts our registry. Fails with `registry-unavailable`, also where another program has its port. */
export async function startRegistry(machine: Machine): Promise<void> {
  if ((await findRegistry(machine)).taken) {
    throw new Failure('registry-unavailable', `another program listens on ${REGISTRY_HOST}, where the local registry belongs`, {
      suggestion: `stop it; \`ss -ltnp sport = :${REGISTRY_HOST.split(':')[1]}\` names it`,
    })
  }
  await timed(machine, `Starting a registry of our own on ${REGISTRY_HOST}`, async () => {
    const daemon = registryDaemon(machine)
    await writeWhole(daemon.mark, renderRegistryConfiguration(machine.layout.registry))
    await startDaemon(machine, daemon, 'registry-unavailable', async () => (await findRegistry(machine)).answers)
  })
}

/** distribution's configuration; `delete` is needed to take back what a failed promotion left. */
function renderRegistryConfiguration(folder: string): string {
  return `version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${JSON.stringify(folder)}}, delete: {enabled: true}}\nhttp: {addr: ${JSON.stringify(REGISTRY_HOST)}}\n`
}

/** Stops our registry; false when there was none. */
export function stopRegistry(machine: Machine): Promise<boolean> {
  return stopDaemon(machine, registryDaemon(machine))
}
