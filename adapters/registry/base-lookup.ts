import { readFile } from 'node:fs/promises'
import type { BaseLookup } from '../../pipeline/build/base-images.ts'
import { readImageReference, referenceSuffix } from '../../pipeline/build/image-reference.ts'
import { isDigest, type Digest } from '../../pipeline/digest.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'

export interface BaseLookupOptions {
  readonly registry: Registry
  /** Host of the registry that holds stand-ins for Docker Hub's images; undefined: Docker Hub itself is asked. Set-up may decide it in the middle of a run. */
  readonly findStandInHost: () => Promise<string | undefined>
  /** Keeps the last answers, for when nobody answers. */
  readonly memoryFile: string
  /** After which a registry counts as not answering. */
  readonly waitMs?: number
}

type Answer = NonNullable<Awaited<ReturnType<BaseLookup>>>

const WAIT_MS = 3000
/** As long a registry that did not answer is not asked again. */
const SILENCE_MS = 5000

/** Asks the registry that a build would pull from; where it does not answer, the last answer counts, so that a run without a network still knows its keys. */
export function baseLookup({ registry, findStandInHost, memoryFile, waitMs = WAIT_MS }: BaseLookupOptions): BaseLookup {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<Answer | undefined> }>()
  const askOnce = async (image: string): Promise<Answer | undefined> => {
    const before = known.get(image)
    // Before the first set-up nobody answers; in the same run, after it, somebody may.
    if (before && (performance.now() - before.at < SILENCE_MS || (await before.answer) !== undefined)) return before.answer
    const answer = findStandInHost().then(async (host) => ask(image, registry, host, waitMs))
    known.set(image, { at: performance.now(), answer })
    return answer
  }
  return async (image) => {
    const answer = await askOnce(image)
    const memory = await readMemory(memoryFile)
    const last = memory.get(image)
    if (answer === undefined) return last
    // A disk that is full is told by what has to be written; this only helps a later run.
    if (last?.digest !== answer.digest || last.standIn !== answer.standIn) await remember(memoryFile, image, answer).catch(() => undefined)
    return answer
  }
}

async function ask(image: string, registry: Registry, standInHost: string | undefined, waitMs: number): Promise<Answer | undefined> {
  const reference = readImageReference(image)
  if (reference === undefined) return undefined
  const standIn = standInHost !== undefined && reference.host === 'docker.io'
  const host = standIn ? standInHost : reference.host
  // Whatever goes wrong here goes wrong again, and is explained, when the image is pulled.
  const manifest = await Promise.race([
    registry.manifest(`${host}/${reference.repository}${referenceSuffix(reference)}`).catch(() => undefined),
    silence(waitMs),
  ])
  return manifest && { digest: manifest.digest, standIn }
}

async function silence(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref())
}

async function remember(file: string, image: string, answer: Answer): Promise<void> {
  const memory = await readMemory(file)
  memory.set(image, answer)
  await writeAtomically(file, async (handle) => handle.writeFile(JSON.stringify(Object.fromEntries(memory))))
}

async function readMemory(file: string): Promise<Map<string, Answer>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    const value: unknown = JSON.parse(text)
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return new Map(entries.flatMap(([image, answer]: [string, unknown]) => (isAnswer(answer) ? [[image, answer]] : [])))
  } catch {
    return new Map()
  }
}

function isAnswer(value: unknown): value is { digest: Digest; standIn: boolean } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'digest' in value &&
    'standIn' in value &&
    typeof value.digest === 'string' &&
    isDigest(value.digest) &&
    typeof value.standIn === 'boolean'
  )
}
