import type Docker from 'dockerode'

import { Failure } from '../../pipeline/failure.ts'
import { connectEngine } from '../engine/connect.ts'

/** The engine on DOCKER_HOST or the default socket, when it answers. Fails with `engine-unavailable`. */
export async function connectRunnerEngine(dockerHost: string | undefined): Promise<Docker> {
  const docker = connectEngine(dockerHost)
  try {
    await docker.ping()
    return docker
  } catch (cause) {
    const where = dockerHost === undefined || dockerHost === '' ? 'the default socket' : `DOCKER_HOST=${dockerHost}`
    throw new Failure('engine-unavailable', `no Docker Engine answers on ${where} of this runner: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      suggestion:
        "GitHub's runners of Linux have one (`runs-on: ubuntu-24.04`); on a runner of your own, start Docker and let the runner's user use it: `usermod -aG docker USER`",
    })
  }
}
