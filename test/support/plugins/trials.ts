import type Docker from 'dockerode'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { connectEngine } from '../../../adapters/engine/connect.ts'
import { ensureFolderImage, readFolderImage } from '../../../adapters/engine/folder-image.ts'
import { readEngineFacts } from '../../../adapters/virtual-waggle/engine-facts.ts'
import type { Progress } from '../../../pipeline/ports/progress.ts'
import type { TrialRequest } from '../../../pipeline/ports/testbed.ts'

export const QUIET: Progress = { step: () => undefined, output: () => undefined }

export const NEVER = new AbortController().signal

export interface PluginImage {
  readonly docker: Docker
  readonly image: string
  readonly platform: string
}

/** The image with all plugins of the tests, built where it is not there yet; a sentence why it cannot be had. */
export async function preparePlugins(): Promise<PluginImage | string> {
  const docker = connectEngine(process.env['DOCKER_HOST'])
  try {
    const { architecture } = await readEngineFacts(docker)
    const image = readFolderImage(join(import.meta.dirname, 'image'), 'ctss-test-plugins')
    await ensureFolderImage(docker, image, { name: 'python:3.11-slim', architecture }, QUIET, NEVER)
    return { docker, image: image.reference, platform: `linux/${architecture}` }
  } catch (error) {
    return `the image with the plugins of the tests cannot be had: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
  }
}

/** A trial of one of these plugins; the first argument names it. */
export function makeTrialRequest(
  { image, platform }: Pick<PluginImage, 'image' | 'platform'>,
  args: readonly string[],
  overrides: Partial<TrialRequest> = {},
): TrialRequest {
  return {
    name: args[0] ?? 'trial',
    image,
    platform,
    plugin: { namespace: 'test', name: 'plugins', version: '1.2.3' },
    args,
    env: {},
    inputs: undefined,
    cameras: {},
    timeoutMs: 60_000,
    mayRunOn: false,
    limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, pids: 128 },
    network: 'none',
    ...overrides,
  }
}

/** What a test needs; where it cannot be had, the test is skipped with the reason. */
export function need<T>(context: TestContext, thing: T | string): T {
  return typeof thing === 'string' ? context.skip(thing) : thing
}
