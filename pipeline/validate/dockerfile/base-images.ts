import type { ImageReference } from './image-reference.ts'
import { NVIDIA_FAMILIES, OLD_ARM } from './nvidia-images.ts'

/** When the facts of the tables of base images were last looked up. */
export const BASE_IMAGES_DATE = '2026-11-20'

/** A Python interpreter's version: 3.8 is `[3, 8]`. */
export type PythonVersion = readonly [major: number, minor: number]

/** What is known of a base image. What is not certain is left out. */
export interface BaseImage {
  /** Of Sage's platforms, those that it certainly does not offer: a build for one of them fails. `linux/arm/v8` is never among them: builders take 64-bit Arm for it, too. */
  readonly lacks: readonly string[]
  /** Those that it most probably does not offer. */
  readonly mayLack?: readonly string[]
  /** Of its `python3`. */
  readonly python?: PythonVersion
  /** pywaggle that comes with it. */
  readonly pywaggle?: string
  /** CUDA for a platform. `l4t`: for Jetson boards with JetPack of that generation only. */
  readonly cuda?: ReadonlyMap<string, { readonly version: number; readonly l4t: boolean }>
  /** It has no ENTRYPOINT, or one that runs whatever words follow it: a job's arguments would replace CMD. Undefined: not known. */
  readonly entrypoint?: 'none'
  /** Where relative paths begin. */
  readonly workingDirectory?: string
  /** Why `apt-get update` fails, and on which platforms. */
  readonly apt?: { readonly reason: string; readonly platforms: readonly string[] }
}

/** Images of one kind; the first whose name fits is taken. */
export interface BaseFamily {
  /** Of `registry/repository`, Docker's official images as `docker.io/library/python`. */
  readonly image: RegExp
  /** Undefined: the tag tells nothing about this family, or its facts are not known. */
  describe(tag: string): BaseImage
}

const PLAIN = { entrypoint: 'none', workingDirectory: '/' } as const

const WAGGLE_CUDA = new Map([
  ['linux/amd64', { version: 11, l4t: false }],
  ['linux/arm64', { version: 10.2, l4t: true }],
])

/**
 * The key that signs NVIDIA's repositories was replaced on 2022-04-27. These images are older, and apt refuses a repository whose key it does not
 * have (waggle-sensor/plugin-base-images, ml-torch/Dockerfile.amd64, mends it).
 */
const OLD_CUDA_KEY = { reason: 'its list of NVIDIA repositories has the signing key that was replaced on 2022-04-27', platforms: ['linux/amd64'] } as const

/** waggle-sensor/plugin-base-images c6bb9e5, with its README and Makefiles; pywaggle 0.40.5: c5d621c. */
function describePluginBase(tag: string): BaseImage {
  const only = tag.endsWith('-amd64') ? 'linux/amd64' : /-(?:l4t|arm64)$/.test(tag) ? 'linux/arm64' : undefined
  const lacks = [...OLD_ARM, ...['linux/amd64', 'linux/arm64'].filter((platform) => only !== undefined && platform !== only)]
  const generation = /^1\.1\.[01]-/.test(tag) ? { pywaggle: '0.40' } : {}
  if (/^1\.1\.[01]-(?:base|ros)/.test(tag)) return { ...PLAIN, lacks, ...generation, python: [3, 8] }
  if (!/^1\.1\.[01]-ml/.test(tag)) return { ...PLAIN, lacks }
  const cuda = new Map([...WAGGLE_CUDA].filter(([platform]) => !lacks.includes(platform)))
  if (tag.includes('tensorflow')) return { ...PLAIN, lacks, python: [3, 6], cuda }
  const hasOldKey = !tag.includes('torch') && only !== 'linux/arm64'
  return { ...PLAIN, lacks, ...generation, python: [3, 6], cuda, ...(hasOldKey && { apt: OLD_CUDA_KEY }) }
}

/** Debian's releases that deb.debian.org no longer has; archive.debian.org has them (stretch since 2023-04). */
function archivedDebian(tag: string): Pick<BaseImage, 'apt'> {
  const release = /(?:^|-)(?:stretch|jessie|wheezy)(?:-|$)/.exec(tag)?.[0].replaceAll('-', '')
  return release === undefined
    ? {}
    : {
        apt: {
          reason: `Debian ${release} is gone from deb.debian.org`,
          platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm/v8'],
        },
      }
}

const UBUNTU_PYTHON: readonly (readonly [RegExp, PythonVersion])[] = [
  [/^(?:24\.04|noble)/, [3, 12]],
  [/^(?:22\.04|jammy)/, [3, 10]],
  [/^(?:20\.04|focal)/, [3, 8]],
  [/^(?:18\.04|bionic)/, [3, 6]],
]

const DEBIAN_PYTHON: readonly (readonly [RegExp, PythonVersion])[] = [
  [/^(?:13|trixie)/, [3, 13]],
  [/^(?:12|bookworm)/, [3, 11]],
  [/^(?:11|bullseye)/, [3, 9]],
  [/^(?:10|buster)/, [3, 7]],
  [/^(?:9|stretch)/, [3, 5]],
]

/** What `apt-get install python3` gives: packages.ubuntu.com and packages.debian.org. */
function packagedPython(tag: string, table: readonly (readonly [RegExp, PythonVersion])[]): Pick<BaseImage, 'python'> {
  const python = table.find(([pattern]) => pattern.test(tag))?.[1]
  return python === undefined ? {} : { python }
}

/** Images that are bases of plugins, or might be: those of the public plugins, and what comes near to them. */
const FAMILIES: readonly BaseFamily[] = [
  { image: /^docker\.io\/waggle\/plugin-base$/, describe: describePluginBase },
  // Made for the Jetson Thor of Sage's newest nodes; nothing public says how.
  { image: /^docker\.io\/waggle\/sage-thor-base$/, describe: () => ({ lacks: [], mayLack: ['linux/amd64', ...OLD_ARM] }) },
  {
    // docker-library/official-images, library/python
    image: /^docker\.io\/library\/python$/,
    describe: (tag) => ({ ...PLAIN, lacks: [], ...officialPython(tag), ...archivedDebian(tag) }),
  },
  // docker-library/official-images, library/ubuntu: no 32-bit Arm before ARMv7
  { image: /^docker\.io\/library\/ubuntu$/, describe: (tag) => ({ ...PLAIN, lacks: ['linux/arm/v6'], ...packagedPython(tag, UBUNTU_PYTHON) }) },
  { image: /^docker\.io\/library\/debian$/, describe: (tag) => ({ ...PLAIN, lacks: [], ...packagedPython(tag, DEBIAN_PYTHON), ...archivedDebian(tag) }) },
  { image: /^docker\.io\/library\/(?:alpine|busybox)$/, describe: () => ({ ...PLAIN, lacks: [] }) },
  { image: /^docker\.io\/library\/(?:buildpack-deps|golang|rust|gcc|node|openjdk|eclipse-temurin|r-base|ros|julia|nginx)$/, describe: () => ({ lacks: [] }) },
  { image: /^docker\.io\/continuumio\/(?:miniconda3|anaconda3)$/, describe: () => ({ lacks: [...OLD_ARM] }) },
  { image: /^ghcr\.io\/astral-sh\/uv$/, describe: () => ({ lacks: [] }) },
  ...NVIDIA_FAMILIES,
]

function officialPython(tag: string): Pick<BaseImage, 'python'> {
  const [, major, minor] = /^(\d)\.(\d{1,2})(?:[.-]|$|[a-z])/.exec(tag) ?? []
  return major === undefined || minor === undefined ? {} : { python: [Number(major), Number(minor)] }
}

/** What is known of an image; undefined: it is not in the table. */
export function describeBase(reference: ImageReference): BaseImage | undefined {
  const name = `${reference.registry}/${reference.repository}`
  return FAMILIES.find(({ image }) => image.test(name))?.describe(reference.tag ?? '')
}

/** Tags that name another image from time to time, and whose newest may be one that the plugin does not run on. */
export function isMoving({ repository, tag, digest }: ImageReference): boolean {
  if (digest !== undefined) return false
  if (tag === undefined || tag === 'latest') return true
  switch (repository) {
    case 'library/python':
      return /^(?:3|2)?(?:-?(?:slim|alpine|bookworm|bullseye|trixie|slim-[a-z]+))?$/.test(tag)
    case 'library/debian':
      return /^(?:stable|oldstable|testing|unstable|sid|experimental)(?:-|$)/.test(tag)
    case 'library/ubuntu':
      return /^(?:rolling|devel)$/.test(tag)
    case 'library/alpine':
      return /^(?:edge|3)$/.test(tag)
    default:
      return false
  }
}
