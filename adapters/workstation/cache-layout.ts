import { join } from 'node:path'

/** Where the local registry listens. Docker takes any registry on 127.0.0.0/8 without TLS. */
export const REGISTRY_HOST = '127.0.0.1:5055'
/** Name of the buildx builder that is ours. */
export const BUILDER_NAME = 'ctss'

/** What stands where in the cache folder. Everything in it can be made again, except what was published to the registry. */
export interface CacheLayout {
  readonly folder: string
  /** Data of our engine, registry and BuildKit. */
  readonly engine: string
  readonly registry: string
  readonly buildkit: string
  /** Programs that no package supplies. */
  readonly bin: string
  /** Root file systems and build context of the stand-ins. */
  readonly standIns: string
  /** A package list of its own, for programs that only the next Debian release has. */
  readonly apt: string
  /** Go and its caches, while BuildKit is being built. */
  readonly go: string
  /** Which base images were chosen, and which stand-ins are complete. */
  readonly baseImagesFile: string
  /** There when BuildKit could not be had, so that the engine's own builder was chosen. */
  readonly engineBuilderFile: string
}

/** Names the places in a cache folder. */
export function cacheLayout(folder: string): CacheLayout {
  return {
    folder,
    engine: join(folder, 'engine'),
    registry: join(folder, 'registry'),
    buildkit: join(folder, 'buildkit'),
    bin: join(folder, 'bin'),
    standIns: join(folder, 'stand-ins'),
    apt: join(folder, 'apt'),
    go: join(folder, 'go'),
    baseImagesFile: join(folder, 'base-images.json'),
    engineBuilderFile: join(folder, 'builder-is-the-engines-own'),
  }
}
