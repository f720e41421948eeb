import type { Versions } from './versions.ts'

/** The images that are published, as `<registry>/ctss-<name>`. */
export const IMAGES = {
  'virtual-waggle': { folder: 'virtual-waggle', base: 'debian', platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] },
  'chameleon-cpu': { folder: 'runner', base: 'ubuntu', platforms: ['linux/amd64'] },
  'chameleon-gpu': { folder: 'runner', base: 'cuda', platforms: ['linux/amd64'] },
  'chameleon-gpu-rocm': { folder: 'runner', base: 'rocm', platforms: ['linux/amd64'] },
  'waggle-arm64': { folder: 'runner', base: 'ubuntu', platforms: ['linux/arm64'] },
} as const satisfies Readonly<Record<string, { readonly folder: 'runner' | 'virtual-waggle'; readonly base: string; readonly platforms: readonly string[] }>>

export type ImageName = keyof typeof IMAGES

/** Whether there is an image of this name. */
export function isImageName(name: string): name is ImageName {
  return Object.hasOwn(IMAGES, name)
}

/** What an image is built with, as `NAME=value`; or why it cannot be. */
export type ImagePlan = { readonly kind: 'build'; readonly buildArguments: readonly string[] } | { readonly kind: 'leave-out'; readonly reason: string }

/** Takes versions and sums of one image together. An unknown one leaves the image out: nothing is built on what nobody has looked at. */
export function planImage(name: ImageName, { images, runner }: Versions): ImagePlan {
  const { folder, base, platforms } = IMAGES[name]
  const image = images[base]
  if (!image?.digest) return { kind: 'leave-out', reason: `nobody knows the digest of ${image?.reference ?? base}` }
  const baseArgument = `BASE=${image.reference}@${image.digest}`
  if (folder === 'virtual-waggle') return { kind: 'build', buildArguments: [baseArgument] }
  const unknown = platforms.map((platform) => platform.slice('linux/'.length)).find((architecture) => !sumOf(runner, architecture))
  if (unknown !== undefined) return { kind: 'leave-out', reason: `nobody knows the sum of runner ${runner.version} for ${unknown}` }
  return {
    kind: 'build',
    buildArguments: [
      baseArgument,
      `TITLE=ctss-${name}`,
      `RUNNER_SOURCE=${runner.source}`,
      `RUNNER_VERSION=${runner.version}`,
      `RUNNER_SHA256_AMD64=${runner.sha256.amd64 ?? ''}`,
      `RUNNER_SHA256_ARM64=${runner.sha256.arm64 ?? ''}`,
    ],
  }
}

function sumOf({ sha256 }: Versions['runner'], architecture: string): string | null | undefined {
  return new Map<string, string | null>(Object.entries(sha256)).get(architecture)
}
