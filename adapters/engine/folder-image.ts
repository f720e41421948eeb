import type Docker from 'dockerode'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { askEngine, engineFailure, removeQuietly } from './connect.ts'
import { hasImage } from './image.ts'

/** An image of our own, as a folder describes it: a Dockerfile whose `FROM ${BASE}` takes the base, and the files beside it. */
export interface FolderImage {
  /** Repository and tag; the tag is the folder's content, so an image that is there is the right one, also offline. */
  readonly reference: string
  readonly repository: string
  readonly contentHash: string
  readonly files: readonly { readonly name: string; readonly content: Buffer }[]
}

const LOG_LINES = 20

/** Reads the files of a folder, which has no folders below it. */
export function readFolderImage(folder: string, repository: string): FolderImage {
  const files = readdirSync(folder)
    .sort()
    .map((name) => ({ name, content: readFileSync(join(folder, name)) }))
  const hash = createHash('sha256')
  for (const { name, content } of files) hash.update(`${name}\0${content.length}\0`).update(content)
  const contentHash = hash.digest('hex').slice(0, 16)
  return { reference: `${repository}:${contentHash}`, repository, contentHash, files }
}

export interface ImageBase {
  readonly name: string
  /** The engine's own processor, as OCI names it. */
  readonly architecture: string
}

/**
 * Builds the image with the engine's own builder where it is not there yet, and removes those of earlier contents.
 * Fails with `base-image-unavailable`, `testbed-unavailable`, `storage-full`, `engine-unavailable`, `cancelled`.
 */
export async function ensureFolderImage(docker: Docker, image: FolderImage, base: ImageBase, progress: Progress, signal: AbortSignal): Promise<void> {
  if (await hasImage(docker, image.reference)) return
  progress.step(`building the image ${image.repository} (once, about half a minute)`)
  const baseId = await pullBase(docker, base, signal)
  const context = pack()
  for (const { name, content } of image.files) context.entry({ name, mode: 0o644 }, content)
  context.finalize()
  const options = { t: image.reference, buildargs: { BASE: baseId }, forcerm: true, abortSignal: signal }
  const answer = await docker
    .buildImage(Readable.from(context), options)
    .catch((cause: unknown) => Promise.reject(signal.aborted ? cancelled(cause) : engineFailure(cause, `building ${image.repository}`)))
  await followBuild(docker, answer, image, progress, signal)
  await removeOlder(docker, image)
}

/** The base's image id for this processor: under its name an engine may hold the variant that somebody pulled last for another one. */
async function pullBase(docker: Docker, { name, architecture }: ImageBase, signal: AbortSignal): Promise<string> {
  const refused = await docker
    .pull(name, { platform: `linux/${architecture}`, abortSignal: signal })
    .then(async (stream) => new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (cause) => (cause ? reject(cause) : resolve()))))
    .then(
      () => undefined,
      (cause: unknown) => cause,
    )
  if (signal.aborted) throw cancelled(refused)
  // Offline, what an earlier pull left is as good.
  const held = await docker
    .getImage(name)
    .inspect()
    .catch(() => undefined)
  if (held?.Architecture === architecture) return held.Id
  throw new Failure(
    'base-image-unavailable',
    `the base image ${name} for ${architecture} cannot be had: ${refused instanceof Error ? refused.message : 'the engine holds it for another processor'}`,
    {
      cause: refused,
      suggestion: '`ctss doctor` tells where base images come from on this machine',
    },
  )
}

async function followBuild(docker: Docker, answer: NodeJS.ReadableStream, { repository }: FolderImage, progress: Progress, signal: AbortSignal): Promise<void> {
  const lines: string[] = []
  const take = (event: unknown): void => {
    const text = textOf(event, 'stream') ?? textOf(event, 'error')
    for (const line of text?.split('\n').filter((part) => part.trim() !== '') ?? []) {
      // A line per instruction; all else is what APT says, and is shown where the build fails.
      if (line.startsWith('Step ')) progress.output(line)
      lines.push(line)
      if (lines.length > LOG_LINES) lines.shift()
    }
  }
  try {
    const events = await new Promise<unknown[]>((resolve, reject) =>
      docker.modem.followProgress(answer, (cause, all) => (cause ? reject(cause) : resolve(all)), take),
    )
    const failed = events.map((event) => textOf(event, 'error')).find((text) => text !== undefined)
    if (failed !== undefined) throw new Error(failed)
  } catch (cause) {
    throw signal.aborted ? cancelled(cause) : buildFailure(cause, repository, lines)
  }
}

function textOf(event: unknown, key: 'stream' | 'error'): string | undefined {
  const value = typeof event === 'object' && event !== null ? new Map<string, unknown>(Object.entries(event)).get(key) : undefined
  return typeof value === 'string' ? value : undefined
}

function buildFailure(cause: unknown, repository: string, lines: readonly string[]): Failure {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/no space left on device/i.test(message)) return engineFailure(cause, `building ${repository}`)
  return new Failure('testbed-unavailable', `the image ${repository} cannot be built: ${message}\n${lines.join('\n')}`.trim(), {
    cause,
    suggestion: "the distribution's package mirror is needed once; try again when it answers",
  })
}

function cancelled(cause: unknown): Failure {
  return new Failure('cancelled', 'building an image was cancelled', { cause })
}

/** Images of earlier contents of the folder would stay for ever. */
async function removeOlder(docker: Docker, image: FolderImage): Promise<void> {
  const images = await askEngine('listing images', docker.listImages({ filters: { reference: [image.repository] } }))
  const older = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag !== image.reference)
  await Promise.all(older.map(async (tag) => removeQuietly(docker.getImage(tag))))
}
