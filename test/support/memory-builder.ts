import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { MEDIA_TYPES, platformObject } from '../../pipeline/build/oci-documents.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BuildRequest, BuildResult, ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { error } from '../../pipeline/problem.ts'

/** A builder in memory, by the rules of the port: it knows FROM, COPY of one file, RUN of `echo`, `exit` and `sleep`, and that `RUN arm64-only` works there alone. */
export function memoryBuilder(
  registry: Registry,
  platforms: readonly string[] = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
): ImageBuilder & { readonly requests: BuildRequest[] } {
  const requests: BuildRequest[] = []
  return {
    kind: 'buildkit-remote',
    platforms,
    requests,
    async build(request, progress, signal) {
      requests.push(request)
      const lines = (await readFile(join(request.context, request.dockerfile), 'utf8')).trim().split('\n')
      const base = { emulated: request.platform !== 'linux/amd64', steps: lines.map((name) => ({ name, seconds: 0, cached: false })) }
      for (const [at, line] of lines.entries()) {
        if (signal.aborted) throw new Failure('cancelled', 'cancelled')
        progress.step(line)
        const place = { file: request.dockerfile, line: at + 1 }
        const refusal = await refuse(line, request, signal)
        if (refusal) return { kind: 'refused', problem: { ...refusal, place }, ...base }
        progress.output(line)
      }
      return { kind: 'built', ...(await push(registry, request, lines.join('\n'))), ...base }
    },
  }
}

async function refuse(line: string, { context, platform }: BuildRequest, signal: AbortSignal): Promise<ReturnType<typeof error> | undefined> {
  const code = /exit (\d+)/.exec(line)?.[1]
  if (code !== undefined) return error('build-step-failed', `step ${line} failed with exit code ${code}`, { detail: 'hello\n' })
  if (line === 'RUN arm64-only' && platform !== 'linux/arm64') return error('build-step-failed', `step ${line} failed with exit code 127`)
  const source = /^COPY (\S+)/.exec(line)?.[1]
  if (
    source !== undefined &&
    !(await access(join(context, source)).then(
      () => true,
      () => false,
    ))
  )
    return error('copy-source-missing', `${source} is not in the build context`)
  if (line.startsWith('FROM elsewhere')) throw new Failure('base-image-unavailable', 'elsewhere cannot be fetched')
  if (line.includes('sleep') && !signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  if (signal.aborted) throw new Failure('cancelled', 'cancelled')
  return undefined
}

async function push(
  registry: Registry,
  { repository, platform, labels }: BuildRequest,
  content: string,
): Promise<{ digest: Extract<BuildResult, { kind: 'built' }>['digest']; bytes: number }> {
  // As a base image that was pinned by `FROM --platform=linux/amd64` makes it.
  const config = Buffer.from(
    JSON.stringify({ ...platformObject(content.includes('--platform=linux/amd64') ? 'linux/amd64' : platform), config: { Labels: labels } }),
  )
  const layer = Buffer.from(content)
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: { mediaType: MEDIA_TYPES.config, digest: await registry.putBlob(repository, config), size: config.length },
    layers: [{ mediaType: MEDIA_TYPES.layerGzip, digest: await registry.putBlob(repository, layer), size: layer.length }],
  }
  return { digest: await registry.putManifest(repository, JSON.stringify(manifest), MEDIA_TYPES.manifest), bytes: config.length + layer.length }
}
