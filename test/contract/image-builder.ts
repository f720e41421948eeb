import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isForPlatform, MEDIA_TYPES, readImageConfig, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'

export interface BuilderUnderTest {
  readonly builder: ImageBuilder
  readonly registry: Registry
  /** Registry host and repository. */
  readonly repository: string
}

const SILENT: Progress = { step: () => undefined, output: () => undefined }

/** Every image builder passes this. `debian:bookworm-slim` is within its reach. */
export function describeImageBuilderContract(name: string, make: () => Promise<BuilderUnderTest>): void {
  describe(`${name}, as an image builder`, () => {
    let context = ''
    beforeEach(async () => {
      context = await mkdtemp(join(tmpdir(), 'ctss-test-'))
    })
    afterEach(() => rm(context, { recursive: true }))

    async function build(
      dockerfile: readonly string[],
      {
        platform = 'linux/amd64',
        signal = new AbortController().signal,
        progress = SILENT,
      }: { platform?: string; signal?: AbortSignal; progress?: Progress } = {},
    ) {
      const { builder, repository, registry } = await make()
      await writeFile(join(context, 'Dockerfile'), `${dockerfile.join('\n')}\n`)
      await writeFile(join(context, 'file.txt'), 'x')
      const result = await builder.build(
        {
          context,
          dockerfile: 'Dockerfile',
          platform,
          buildArgs: { GREETING: 'hello' },
          labels: { 'org.opencontainers.image.title': 'a title, with "quotes"=1' },
          repository,
        },
        progress,
        signal,
      )
      return { result, registry, repository }
    }

    it.each(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])('builds for %s and pushes an OCI image, by digest', async (platform) => {
      const lines: string[] = []
      const { result, registry, repository } = await build(['FROM debian:bookworm-slim', 'ARG GREETING', 'RUN echo $GREETING', 'COPY file.txt /'], {
        platform,
        progress: { ...SILENT, step: (line) => void lines.push(line) },
      })
      if (result.kind !== 'built') throw new Error(JSON.stringify(result))
      const manifest = await registry.manifest(`${repository}@${result.digest}`)
      const document = readOciDocument(manifest?.content.toString('utf8') ?? '')
      expect(manifest?.mediaType).toBe(MEDIA_TYPES.manifest)
      expect(document?.config?.mediaType).toBe(MEDIA_TYPES.config)
      expect(result.bytes).toBe([...(document?.layers ?? []), document!.config!].reduce((sum, part) => sum + part.size, 0))
      const config = readImageConfig((await registry.blob(repository, document!.config!.digest, 2 ** 20))!.toString('utf8'))
      expect(isForPlatform(config!, platform)).toBe(true)
      expect(config?.labels).toMatchObject({ 'org.opencontainers.image.title': 'a title, with "quotes"=1' })
      expect(result.steps.some((step) => step.name.includes('RUN echo'))).toBe(true)
      expect(lines.some((line) => line.includes('RUN echo'))).toBe(true)
    })

    it('refuses a step that fails, with its line and the end of its output', async () => {
      const { result } = await build(['FROM debian:bookworm-slim', 'RUN echo hello && exit 3'])
      expect(result).toMatchObject({
        kind: 'refused',
        problem: { code: 'build-step-failed', severity: 'error', place: { file: 'Dockerfile', line: 2 }, detail: 'hello\n' },
      })
      expect(result.kind === 'refused' && result.problem.message).toContain('exit code 3')
    })

    it('refuses a COPY of what is not there, with its line', async () => {
      const { result } = await build(['FROM debian:bookworm-slim', 'COPY missing.txt /'])
      expect(result).toMatchObject({
        kind: 'refused',
        problem: { code: 'copy-source-missing', message: 'missing.txt is not in the build context', place: { file: 'Dockerfile', line: 2 } },
      })
    })

    it('ends a build that is cancelled', async () => {
      const controller = new AbortController()
      const progress: Progress = { ...SILENT, step: (line) => void (line.includes('sleep') && controller.abort()) }
      await expect(build(['FROM debian:bookworm-slim', 'RUN sleep 600'], { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'cancelled' })
    })

    it('begins nothing when it is cancelled already', async () => {
      await expect(build(['FROM debian:bookworm-slim'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    })
  })
}
