import type { BaseFamily, BaseImage, PythonVersion } from './base-images.ts'

/**
 * NVIDIA's images on nvcr.io and Docker Hub. Sources: the catalogue's pages of each image; the Deep Learning Frameworks Support Matrix
 * (docs.nvidia.com/deeplearning/frameworks/support-matrix) for CUDA and Python of each monthly release.
 */

/** 32-bit Arm, which few images for machine learning exist for. */
export const OLD_ARM = ['linux/arm/v6', 'linux/arm/v7'] as const
const ARM64_ONLY = ['linux/amd64', ...OLD_ARM] as const

/** CUDA by L4T release: JetPack 4, 5, 6 and 7. */
function l4tCuda(tag: string): number | undefined {
  const release = /(?:^|-|r)r?(32|34|35|36|38)(?:\.|$)/.exec(tag)?.[1]
  return { '32': 10.2, '34': 11.4, '35': 11.4, '36': 12, '38': 13 }[release ?? '']
}

function describeL4t(tag: string): BaseImage {
  const version = l4tCuda(tag)
  return {
    lacks: ARM64_ONLY,
    entrypoint: 'none',
    ...(version !== undefined && { cuda: new Map([['linux/arm64', { version, l4t: true }]]) }),
    ...(version === 10.2 && { python: [3, 6] as PythonVersion }),
  }
}

/** Monthly releases: `25.08-py3`; the number is year × 100 + month. */
const RELEASE_CUDA: readonly (readonly [since: number, cuda: number])[] = [
  [2508, 13],
  [2301, 12],
  [2006, 11],
  [1911, 10.2],
]

const RELEASE_PYTHON: readonly (readonly [since: number, python: PythonVersion])[] = [
  [2411, [3, 12]],
  [2305, [3, 10]],
]

function describeRelease(tag: string): BaseImage {
  const [, year, month, suffix = ''] = /^(\d\d)\.(\d\d)(-.*)?$/.exec(tag) ?? []
  const release = year === undefined ? undefined : Number(year) * 100 + Number(month)
  const isJetson = /-igpu\b/.test(suffix)
  const version = release === undefined ? undefined : RELEASE_CUDA.find(([since]) => release >= since)?.[1]
  const python = release === undefined ? undefined : RELEASE_PYTHON.find(([since]) => release >= since)?.[1]
  const platforms = isJetson ? ['linux/arm64'] : ['linux/amd64', 'linux/arm64']
  return {
    lacks: isJetson ? ARM64_ONLY : OLD_ARM,
    // nvidia_entrypoint.sh runs the words that follow it.
    entrypoint: 'none',
    ...(version !== undefined && { cuda: new Map(platforms.map((platform) => [platform, { version, l4t: isJetson && version < 13 }])) }),
    ...(python !== undefined && { python }),
  }
}

/** `13.0.0-runtime-ubuntu24.04`. */
function describeCuda(tag: string): BaseImage {
  const [, major, minor] = /^(\d{1,2})\.(\d{1,2})/.exec(tag) ?? []
  const python = { '24.04': [3, 12], '22.04': [3, 10], '20.04': [3, 8], '18.04': [3, 6] }[/ubuntu(\d\d\.\d\d)/.exec(tag)?.[1] ?? ''] as
    | PythonVersion
    | undefined
  const version = major === undefined ? undefined : Number(major) === 10 ? Number(`10.${minor}`) : Number(major)
  return {
    lacks: OLD_ARM,
    entrypoint: 'none',
    workingDirectory: '/',
    ...(version !== undefined && { cuda: new Map(['linux/amd64', 'linux/arm64'].map((platform) => [platform, { version, l4t: false }])) }),
    ...(python !== undefined && { python }),
  }
}

/** Families of NVIDIA's own images, and of others made for its Jetson boards. */
export const NVIDIA_FAMILIES: readonly BaseFamily[] = [
  { image: /^nvcr\.io\/nvidia\/(?:l4t-[a-z0-9-]+|deepstream-l4t)$/, describe: describeL4t },
  // jetson-containers: tags of `rNN` are built on a Jetson board
  { image: /^docker\.io\/dustynv\/[a-z0-9._-]+$/, describe: (tag) => (/(?:^|-)r3\d\./.test(tag) ? describeL4t(tag) : { lacks: OLD_ARM }) },
  { image: /^nvcr\.io\/nvidia\/(?:pytorch|tensorflow|tritonserver|tensorrt|mxnet)$/, describe: describeRelease },
  { image: /^(?:nvcr\.io|docker\.io)\/nvidia\/cuda$/, describe: describeCuda },
  { image: /^docker\.io\/(?:pytorch\/pytorch|tensorflow\/tensorflow)$/, describe: () => ({ lacks: OLD_ARM, entrypoint: 'none' }) },
  {
    // docs.ultralytics.com/guides/docker-quickstart: tags by board and architecture
    image: /^docker\.io\/ultralytics\/ultralytics$/,
    describe: (tag) => ({ lacks: /arm64|jetson/.test(tag) ? ARM64_ONLY : OLD_ARM, entrypoint: 'none' }),
  },
]
