import type { Digest } from '../digest.ts'
import { readDockerfile } from './dockerfile.ts'
import { readImageReference } from './image-reference.ts'
import { platformObject } from './oci-documents.ts'

/** A base image of a build. */
export interface ResolvedBase {
  /** As the Dockerfile names it, variables filled in. */
  readonly image: string
  /** Of its index or manifest; undefined: it could not be asked, now or ever. */
  readonly digest?: Digest
  readonly standIn: boolean
}

/** Asks where the builder would ask: undefined when the image is not there, or nobody answers. */
export type BaseLookup = (image: string) => Promise<{ readonly digest: Digest; readonly standIn: boolean } | undefined>

/**
 * Every image that a Dockerfile builds on or copies from, variables of FROM filled in from build arguments, defaults and the platform, in order of appearance.
 * A name whose variables cannot be filled in stays as it is written. At most a hundred.
 */
export function baseImages(dockerfileText: string, buildArgs: Readonly<Record<string, string>>, platforms: readonly string[]): readonly string[] {
  const { images, globalArguments } = readDockerfile(dockerfileText)
  const scopes = (platforms.length > 0 ? platforms : ['']).map((platform) => variablesOf(globalArguments, buildArgs, platform))
  const named = images.flatMap((image) => scopes.map((variables) => fillIn(image, variables)))
  return [...new Set(named)].filter((image) => image !== '' && image !== 'scratch').slice(0, MAX_IMAGES)
}

/** A registry is asked for each: no Dockerfile of a person has as many. */
const MAX_IMAGES = 100

/** The digest of each base image; of one that nobody answers for, the last one recorded. */
export async function resolveBases(images: readonly string[], lookup: BaseLookup, previous: readonly ResolvedBase[] = []): Promise<readonly ResolvedBase[]> {
  return Promise.all(
    images.map(async (image) => {
      const pinned = readImageReference(image)?.digest
      const found = await lookup(image)
      if (found) return { image, digest: pinned ?? found.digest, standIn: found.standIn }
      const last = previous.find((base) => base.image === image)
      return { standIn: false, ...(pinned && { digest: pinned }), ...last, image }
    }),
  )
}

/** Variables that FROM can use: build arguments count only where an ARG declares them, those of the platform always. */
function variablesOf(
  globalArguments: readonly { readonly name: string; readonly value: string | undefined }[],
  buildArgs: Readonly<Record<string, string>>,
  platform: string,
): ReadonlyMap<string, string> {
  const { os, architecture, variant = '' } = platformObject(platform)
  const variables = new Map([
    ['TARGETPLATFORM', platform],
    ['TARGETOS', os],
    ['TARGETARCH', architecture],
    ['TARGETVARIANT', variant],
  ])
  for (const { name, value } of globalArguments) {
    const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
    const filled = given ?? (value === undefined ? undefined : fillIn(value, variables))
    if (filled !== undefined) variables.set(name, filled)
  }
  return variables
}

/** No image has a longer name; ARGs that double one another would soon fill the memory. */
const MAX_NAME = 1000

/** `$X`, `${X}`, `${X:-default}`, `${X:+alternative}`. A text that is, or would become, longer than any name stays as it is written. */
function fillIn(text: string, variables: ReadonlyMap<string, string>): string {
  if (text.length > MAX_NAME) return text
  const filled = text.replaceAll(
    /\$(?:\{(\w+)(?::?([-+])([^{}]*))?\}|(\w+))/g,
    (written, braced: string | undefined, operator: string | undefined, word: string | undefined, bare: string | undefined) => {
      const value = variables.get(braced ?? bare ?? '')
      if (operator === '-') return value || (word ?? '')
      if (operator === '+') return value ? (word ?? '') : ''
      return value ?? written
    },
  )
  return filled.length > MAX_NAME ? text : filled
}
