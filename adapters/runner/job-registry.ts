import type Docker from 'dockerode'
import { setTimeout as sleep } from 'node:timers/promises'

import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { askEngine, removeQuietly } from '../engine/connect.ts'
import { removeImagesOf } from '../engine/image.ts'
import { RUN_LABEL } from '../engine/run-id.ts'
import { readEngineFacts } from '../virtual-waggle/engine-facts.ts'
import { ensureTestbedImage, readTestbedImage } from '../virtual-waggle/testbed-image.ts'

export interface JobRegistryOptions {
  readonly docker: Docker
  /** On the container, so that what a killed run left can be swept. */
  readonly runId: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** A registry that lives as long as one job, and everything in it with it. */
export interface JobRegistry extends AsyncDisposable {
  /** For instance `127.0.0.1:49153`; engine and builders on this machine take it without TLS and without a password. */
  readonly host: string
}

const PORT = '5000/tcp'
const START_MS = 30_000
const POLL_MS = 50

/**
 * Starts a registry in a container from the image of the Virtual Waggle, which is built where it is not there yet, on a free port of 127.0.0.1.
 * Fails with `registry-unavailable`, `engine-unavailable`, `cancelled`, and as `ensureTestbedImage`.
 */
export async function startJobRegistry({ docker, runId, progress, signal }: JobRegistryOptions): Promise<JobRegistry> {
  const image = readTestbedImage()
  await ensureTestbedImage(docker, image, await readEngineFacts(docker), progress, signal)
  progress.step('starting a registry for this job')
  const container = await askEngine(
    'creating the registry of this job',
    docker.createContainer({
      Image: image.reference,
      Cmd: ['sh', '/usr/local/lib/ctss/registry', '5000'],
      Labels: { [RUN_LABEL]: runId },
      ExposedPorts: { [PORT]: {} },
      // A volume is removed with its container, and is no part of the container's own layer.
      Volumes: { '/var/lib/registry': {} },
      HostConfig: {
        PortBindings: { [PORT]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
      },
    }),
  )
  const stop = async (): Promise<void> => removeQuietly(container, { force: true, v: true })
  try {
    await askEngine('starting the registry of this job', container.start())
    const host = await hostOf(container)
    await untilItAnswers(container, host, signal)
    return {
      host,
      async [Symbol.asyncDispose]() {
        // As long as nobody else can get the port.
        await removeImagesOf(docker, host)
        await stop()
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function hostOf(container: Docker.Container): Promise<string> {
  const { NetworkSettings } = await askEngine('asking for the port of the registry', container.inspect())
  const port = NetworkSettings.Ports[PORT]?.[0]?.HostPort
  if (port === undefined) throw new Failure('registry-unavailable', 'the engine gave the registry of this job no port on this machine')
  return `127.0.0.1:${port}`
}

async function untilItAnswers(container: Docker.Container, host: string, signal: AbortSignal): Promise<void> {
  const end = performance.now() + START_MS
  while (performance.now() < end) {
    if (signal.aborted) throw new Failure('cancelled', 'starting a registry was cancelled')
    const answer = await fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
    if (!(await askEngine('asking for the registry of this job', container.inspect())).State.Running) throw await ended(container)
    await sleep(POLL_MS)
  }
  throw new Failure('registry-unavailable', `the registry of this job was started, but does not answer on ${host}`, {
    suggestion: 'the Docker Engine has to run on the same machine as the job',
  })
}

async function ended(container: Docker.Container): Promise<Failure> {
  const log = await container.logs({ stdout: true, stderr: true, tail: 5 }).catch(() => Buffer.alloc(0))
  // Frames of a stream begin with eight bytes that are none of its text.
  const text = log
    .toString('utf8')
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\ufffd]/g, '')
    .trim()
  return new Failure('registry-unavailable', `the registry of this job ended at once: ${text.slice(-500) || 'it said nothing'}`)
}
