import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeRunId, RUN_LABEL } from '../../../adapters/engine/run-id.ts'
import { openVirtualWaggle, type VirtualWaggleOptions } from '../../../adapters/virtual-waggle/virtual-waggle.ts'
import type { BlobStore } from '../../../pipeline/ports/blob-store.ts'
import type { TestbedSession, TrialObservation, TrialRequest } from '../../../pipeline/ports/testbed.ts'
import { memoryBlobs } from '../memory-blobs.ts'
import { makeTrialRequest, NEVER, QUIET, type PluginImage } from './trials.ts'

/** An open session of the Virtual Waggle; a broker takes seconds to start, so that tests which do not harm each other share one. */
export interface Lab extends PluginImage, AsyncDisposable {
  readonly session: TestbedSession
  readonly blobs: BlobStore
  readonly runId: string
  readonly folder: string
  run(args: readonly string[], overrides?: Partial<TrialRequest>, signal?: AbortSignal): Promise<TrialObservation>
}

/** Opens a session with a run id and a work folder of its own. */
export async function openLab(plugins: PluginImage, options: Partial<VirtualWaggleOptions> = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-virtual-test-'))
  const runId = makeRunId()
  const blobs = memoryBlobs()
  const session = await openVirtualWaggle({ docker: plugins.docker, blobs, workParent: folder, runId, ...options }).open(QUIET, NEVER)
  return {
    ...plugins,
    session,
    blobs,
    runId,
    folder,
    run: async (args, overrides, signal = NEVER) => session.run(makeTrialRequest(plugins, args, overrides), QUIET, signal),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until the run has a container of the plugins. */
export async function pluginStarted({ docker, image }: PluginImage, runId: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const running = await docker.listContainers({ filters: { label: [`${RUN_LABEL}=${runId}`], ancestor: [image] } })
    if (running.length > 0) return
    await sleep(100)
  }
  throw new Error('the plugin did not start')
}
