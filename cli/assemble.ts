import { join } from 'node:path'
import { folderBlobs } from '../adapters/blob-store/folder-blobs.ts'
import { openCatalogue } from '../adapters/catalogue/catalogue.ts'
import { DatasetFetcher } from '../adapters/dataset/dataset-fetcher.ts'
import { machineClock } from '../adapters/machine/clock.ts'
import { describeMachine } from '../adapters/machine/describe.ts'
import { makeWorkFolder, sweepWorkFolders } from '../adapters/machine/work-folders.ts'
import { makeRunId } from '../adapters/engine/run-id.ts'
import { folderRecords } from '../adapters/records/folder-records.ts'
import { baseLookup } from '../adapters/registry/base-lookup.ts'
import { dockerCredentials } from '../adapters/registry/docker-credentials.ts'
import { OciRegistry } from '../adapters/registry/oci-registry.ts'
import { reportFolder } from '../adapters/reports/report-folder.ts'
import { FolderReader } from '../adapters/untrusted-folder/folder-reader.ts'
import { REGISTRY_HOST } from '../adapters/workstation/cache-layout.ts'
import { readBaseImageSource } from '../adapters/workstation/base-image-source.ts'
import { TESTBED_VERSION } from '../pipeline/virtual/testbed-version.ts'
import type { Progress } from '../pipeline/ports/progress.ts'
import type { Reports } from '../pipeline/ports/reports.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import type { RunObserver, RunPorts } from '../pipeline/run.ts'
import type { StagePorts } from '../pipeline/stage-scripts/stage-ports.ts'
import type { Lab } from './lab.ts'
import { workParentOf, type CliEnvironment } from './environment.ts'

/** Everything that a command on a repository needs from the outside world. */
export interface Assembly {
  readonly run: RunPorts
  readonly stages: StagePorts
  /** The newest report of a plugin, `namespace/name`. */
  reportsOf(name: string): Reports
  readonly nativePlatform: string
  readonly runId: string
}

export interface AssemblyOptions {
  readonly environment: CliEnvironment
  readonly tree: RepositoryTree
  readonly observer: RunObserver
  /** Progress of setting the workstation up. */
  readonly general: Progress
  readonly signal: AbortSignal
  readonly toolVersion: string
}

/** Puts the adapters behind the ports. Opens nothing yet, so that a run in which nothing has changed stays fast. */
export async function assemble({ environment, tree, observer, general, signal, toolVersion }: AssemblyOptions): Promise<Assembly> {
  const { stateFolder, cacheFolder } = environment
  const workParent = workParentOf(environment)
  await sweepWorkFolders(workParent)
  const registry = new OciRegistry({ credentials: dockerCredentials(environment.dockerConfigFolder), signal })
  const blobs = folderBlobs(join(stateFolder, 'blobs'))
  const machine = describeMachine()
  const nativePlatform = machine.architecture === 'arm64' ? 'linux/arm64' : 'linux/amd64'
  const runId = makeRunId()
  let lab: Promise<Lab> | undefined
  const openLab = async (): Promise<Lab> =>
    (lab ??= import('./lab.ts').then(async (module) => module.openLab({ blobs, registry, workParent, runId, progress: general, signal })))
  return {
    nativePlatform,
    runId,
    reportsOf: (name) => reportFolder(join(stateFolder, 'reports', name)),
    run: {
      tree,
      records: folderRecords(join(stateFolder, 'records'), { onCorrupt: (message) => general.step(message) }),
      blobs,
      clock: machineClock,
      observer,
      environment: machine,
      toolVersion,
      makeWorkFolder: async (stage) => makeWorkFolder(workParent, stage),
    },
    stages: {
      openBuilder: async () => (await openLab()).builder,
      openTrainer: async () => (await openLab()).trainer,
      openTestbed: async () => (await openLab()).testbed,
      async openStaging() {
        await openLab()
        return `${REGISTRY_HOST}/staging/local`
      },
      testbedVersion: TESTBED_VERSION,
      registry,
      registryRoot: REGISTRY_HOST,
      lookUpBase: baseLookup({
        registry,
        findStandInHost: async () => ((await readBaseImageSource(cacheFolder)) === 'docker-hub' ? undefined : REGISTRY_HOST),
        memoryFile: join(stateFolder, 'base-images.json'),
      }),
      datasets: new DatasetFetcher({ cacheFolder: join(cacheFolder, 'datasets') }),
      folders: new FolderReader(),
      catalogue: openCatalogue({ folder: join(stateFolder, 'ecr') }),
    },
  }
}
