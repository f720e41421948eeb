import Docker from 'dockerode'
import { Failure } from '../../pipeline/failure.ts'

/** Connects to the engine that `DOCKER_HOST` names (`unix://…`, `tcp://…`, `http(s)://…`), or to the default socket. Nothing is sent yet. */
export function connectEngine(dockerHost?: string): Docker {
  if (dockerHost === undefined || dockerHost === '') return new Docker({ socketPath: '/var/run/docker.sock' })
  const url = new URL(dockerHost)
  if (url.protocol === 'unix:') return new Docker({ socketPath: url.pathname })
  const protocol = url.protocol === 'https:' ? 'https' : 'http'
  return new Docker({ protocol, host: url.hostname, port: Number(url.port || (protocol === 'https' ? 2376 : 2375)) })
}

/** The status that the engine answered with; undefined when it gave no answer. */
export function engineStatus(cause: unknown): number | undefined {
  return cause instanceof Error && 'statusCode' in cause && typeof cause.statusCode === 'number' ? cause.statusCode : undefined
}

/** A `Failure` for what the engine refused or did not answer. */
export function engineFailure(cause: unknown, what: string): Failure {
  if (cause instanceof Failure) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const full = /no space left on device/i.test(message)
  const missing = engineStatus(cause) === undefined
  return new Failure(full ? 'storage-full' : 'engine-unavailable', `the Docker Engine ${missing ? 'gave no answer' : 'refused'} (${what}): ${message}`, {
    cause,
    suggestion: full ? 'make room on the disk of the engine, with `docker system df` to see what fills it' : '`ctss doctor` tells what is missing',
  })
}

/** The value of a call to the engine; what goes wrong is a `Failure` that names the step. */
export async function askEngine<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw engineFailure(cause, what)
  }
}

/** Removes a thing of the engine; that it is gone already, or that the engine is, stops no clean-up: labels let the next start sweep what stays. */
export async function removeQuietly(thing: { remove(options?: object): Promise<unknown> }, options?: object): Promise<void> {
  await thing.remove(options).catch(() => undefined)
}
