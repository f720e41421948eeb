import { Agent, request } from 'node:https'

import type { WorkstationEnvironment } from './environment.ts'

/** How long an answer may take before we go on without. */
const LIMIT_MS = 4000

/** Whether Docker Hub's registry answers this machine, through its proxy where it has one. */
export function askDockerHub(environment: WorkstationEnvironment): Promise<boolean> {
  return new Promise((resolve) => {
    const agent = new Agent({ proxyEnv: environment.proxies })
    const asked = request('https://registry-1.docker.io/v2/', { agent, signal: AbortSignal.timeout(LIMIT_MS) }, (response) => {
      response.resume()
      // 401 is its greeting. A proxy that refuses answers without this header.
      resolve(response.headers['docker-distribution-api-version'] === 'registry/2.0')
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}
