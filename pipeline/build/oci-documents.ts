import { isDigest } from '../digest.ts'
import type { Descriptor } from '../ports/registry.ts'

/** Media types of OCI image-spec 1.1, and Docker's forerunners, which registries still serve. */
export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

/** What an OCI index, image manifest or artifact manifest points at. */
export interface OciDocument {
  readonly mediaType: string | undefined
  readonly artifactType: string | undefined
  /** Of an index; empty otherwise. */
  readonly manifests: readonly Descriptor[]
  /** Of a manifest; undefined for an index. */
  readonly config: Descriptor | undefined
  readonly layers: readonly Descriptor[]
  readonly subject: Descriptor | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
}

/** What of an image's configuration we look at. */
export interface ImageConfig {
  readonly os: string
  readonly architecture: string
  readonly variant: string | undefined
  readonly labels: Readonly<Record<string, string>>
}

/** Reads an index or manifest; undefined when the text is none. Unknown members are left out. */
export function readOciDocument(text: string): OciDocument | undefined {
  const value = parseRecord(text)
  if (!value) return undefined
  const manifests = readDescriptors(value['manifests'])
  const layers = readDescriptors(value['layers'])
  const config = readDescriptor(value['config'])
  if (!manifests || !layers || (value['manifests'] === undefined && !config)) return undefined
  return {
    mediaType: textOf(value['mediaType']),
    artifactType: textOf(value['artifactType']),
    manifests,
    config,
    layers,
    subject: readDescriptor(value['subject']),
    annotations: readTexts(value['annotations']),
  }
}

/** Reads an image's configuration; undefined when the text is none. */
export function readImageConfig(text: string): ImageConfig | undefined {
  const value = parseRecord(text)
  const os = textOf(value?.['os'])
  const architecture = textOf(value?.['architecture'])
  if (!value || os === undefined || architecture === undefined) return undefined
  const settings = value['config']
  return { os, architecture, variant: textOf(value['variant']) || undefined, labels: (isRecord(settings) && readTexts(settings['Labels'])) || {} }
}

/** `linux/arm/v7` as OCI's platform object. */
export function platformObject(platform: string): NonNullable<Descriptor['platform']> {
  const [os = '', architecture = '', variant] = platform.split('/')
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** Whether an image's configuration says that it runs on a platform. `linux/arm64` and `linux/arm64/v8` are the same, and so are `linux/arm` and `linux/arm/v7` (containerd's platform rules). */
export function isForPlatform(config: Pick<ImageConfig, 'os' | 'architecture' | 'variant'>, platform: string): boolean {
  const wanted = platformObject(platform)
  const usual = (architecture: string, variant: string | undefined): string | undefined =>
    variant ?? (architecture === 'arm64' ? 'v8' : architecture === 'arm' ? 'v7' : undefined)
  return (
    config.os === wanted.os &&
    config.architecture === wanted.architecture &&
    usual(config.architecture, config.variant) === usual(wanted.architecture, wanted.variant)
  )
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function readTexts(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined
  return Object.fromEntries(Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])))
}

function readDescriptors(value: unknown): Descriptor[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const descriptors = value.map(readDescriptor)
  return descriptors.every((descriptor) => descriptor !== undefined) ? descriptors : undefined
}

function readDescriptor(value: unknown): Descriptor | undefined {
  if (!isRecord(value)) return undefined
  const { mediaType, digest, size } = value
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return undefined
  const platform = readPlatform(value['platform'])
  const artifactType = textOf(value['artifactType'])
  const annotations = readTexts(value['annotations'])
  return { mediaType, digest, size, ...(platform && { platform }), ...(artifactType !== undefined && { artifactType }), ...(annotations && { annotations }) }
}

function readPlatform(value: unknown): Descriptor['platform'] {
  if (!isRecord(value)) return undefined
  const { os, architecture, variant } = value
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) }
}
