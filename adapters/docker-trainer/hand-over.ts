import type Docker from 'dockerode'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TrainingRequest } from '../../pipeline/ports/trainer.ts'
import { removeQuietly } from '../engine/connect.ts'
import { RUN_LABEL } from '../engine/run-id.ts'
import type { Layout } from './opt-ml.ts'

/** Some milliseconds for ten thousand files; an image whose `chmod` is something else is not waited for. */
const LIMIT_MS = 60_000

/**
 * Opens what a training has written to whoever runs us: the files are its user's, so that without root neither its closed folders could be read, nor any
 * folder that it made removed. The training image's own `chmod` does it, in a container that has nothing but those folders. Never fails: without it, what can be read is read.
 */
export async function handOver(docker: Docker, { image }: Pick<TrainingRequest, 'image'>, { mounts }: Layout, label: string): Promise<void> {
  const writable = mounts.filter(({ readOnly }) => !readOnly)
  const container = await docker
    .createContainer({
      Image: image,
      User: '0',
      Entrypoint: ['chmod'],
      Cmd: ['-R', 'a+rwX,-t', ...writable.map(({ target }) => target)],
      Labels: { [RUN_LABEL]: label },
      HostConfig: {
        Mounts: writable.map(({ source, target }) => ({ Type: 'bind', Source: source, Target: target })),
        NetworkMode: 'none',
        CapDrop: ['ALL'],
        CapAdd: ['DAC_OVERRIDE', 'FOWNER'],
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Type: 'none', Config: {} },
      },
    })
    .catch(() => undefined)
  if (container === undefined) return
  const over = new AbortController()
  try {
    await container.start()
    await Promise.race([container.wait({ abortSignal: over.signal }), sleep(LIMIT_MS, undefined, { signal: over.signal, ref: false })])
  } catch {
    // The image has no `chmod`, or the engine is gone.
  } finally {
    over.abort()
    await removeQuietly(container, { force: true })
  }
}
