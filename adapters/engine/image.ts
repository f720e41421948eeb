import type Docker from 'dockerode'
import { Failure } from '../../pipeline/failure.ts'
import { readImageReference } from '../../pipeline/build/image-reference.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { FindCredentials } from '../registry/registry-client.ts'
import { engineFailure, engineStatus, removeQuietly } from './connect.ts'

/**
 * Makes sure that the engine has an image by digest, and says whether it had to be pulled. The engine itself knows no credentials: whoever asks sends them.
 * Fails with `registry-unavailable`, `registry-refused`, `storage-full`, `engine-unavailable`, `cancelled`.
 */
export async function pullImage(
  docker: Docker,
  { image, platform }: { readonly image: string; readonly platform: string },
  progress: Progress,
  signal: AbortSignal,
  credentials?: FindCredentials,
): Promise<{ readonly pulled: boolean }> {
  if (await hasImage(docker, image)) return { pulled: false }
  progress.step(`pulling ${image}`)
  const host = readImageReference(image)?.host
  try {
    const known = host === undefined ? undefined : await credentials?.(host)
    const stream = await docker.pull(image, { platform, abortSignal: signal, ...(known && { authconfig: { ...known, serveraddress: host } }) })
    await new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (cause) => (cause ? reject(cause) : resolve())))
  } catch (cause) {
    if (signal.aborted) throw new Failure('cancelled', `pulling ${image} was cancelled`, { cause })
    const message = cause instanceof Error ? cause.message : String(cause)
    if (/no space left on device/i.test(message)) throw engineFailure(cause, `pulling ${image}`)
    const refused = /unauthorized|denied|no basic auth credentials|authentication required/i.test(message)
    throw new Failure(refused ? 'registry-refused' : 'registry-unavailable', `${image} cannot be pulled: ${message}`, {
      cause,
      suggestion: refused
        ? `the registry wants a password for it: \`docker login${host === undefined ? '' : ` ${host}`}\``
        : 'see that the registry runs and that the Docker Engine reaches it: `ctss doctor`',
    })
  }
  return { pulled: true }
}

/** Removes what earlier runs pulled from the repositories of these images (by digest) and nobody uses: a candidate of every push would fill the disk. */
export async function removeSuperseded(docker: Docker, images: readonly string[]): Promise<void> {
  for (const repository of new Set(images.filter((image) => image.includes('@')).map((image) => image.slice(0, image.indexOf('@'))))) {
    const held = await docker.listImages({ filters: { reference: [repository] } }).catch(() => [])
    const older = held.filter(
      ({ RepoTags, RepoDigests }) => (RepoTags ?? []).every((tag) => tag.endsWith('<none>')) && !RepoDigests?.some((digest) => images.includes(digest)),
    )
    // An image that has a container is refused, as it should be.
    await Promise.all(older.map(async ({ Id }) => removeQuietly(docker.getImage(Id))))
  }
}

/** Removes what the engine holds of a registry that goes with its job: nobody asks for it there again, and it would fill the disk job by job. */
export async function removeImagesOf(docker: Docker, host: string): Promise<void> {
  const held = await docker.listImages({ digests: true }).catch(() => [])
  const names = held.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])])
  const own = names.filter((name) => name.startsWith(`${host}/`) && !name.includes('<none>'))
  await Promise.all(own.map(async (name) => removeQuietly(docker.getImage(name))))
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
