import type Docker from 'dockerode'
import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { engineFailure, engineStatus } from './connect.ts'

/** Makes sure that the engine has an image by digest, and says whether it had to be pulled. Fails with `registry-unavailable`, `storage-full`, `engine-unavailable`, `cancelled`. */
export async function pullImage(docker: Docker, { image, platform }: { readonly image: string; readonly platform: string }, progress: Progress, signal: AbortSignal): Promise<{ readonly pulled: boolean }> {
  if (await hasImage(docker, image)) return { pulled: false }
  progress.step(`pulling ${image}`)
  try {
    const stream = await docker.pull(image, { platform, abortSignal: signal })
    await new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (cause) => (cause ? reject(cause) : resolve())))
  } catch (cause) {
    if (signal.aborted) throw new Failure('cancelled', `pulling ${image} was cancelled`, { cause })
    const message = cause instanceof Error ? cause.message : String(cause)
    if (/no space left on device/i.test(message)) throw engineFailure(cause, `pulling ${image}`)
    throw new Failure('registry-unavailable', `${image} cannot be pulled: ${message}`, { cause, suggestion: 'see that the registry runs and that the Docker Engine reaches it: `ctss doctor`' })
  }
  return { pulled: true }
}

/** Whether the engine holds an image. */
export async function hasImage(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect()
    return true
  } catch (cause) {
    if (engineStatus(cause) === 404) return false
    throw engineFailure(cause, `looking for ${image}`)
  }
}
