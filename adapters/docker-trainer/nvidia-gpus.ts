import type Docker from 'dockerode'
import type { DeviceRequest } from 'dockerode'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { Failure } from '../../pipeline/failure.ts'
import type { TrainingRequest } from '../../pipeline/ports/trainer.ts'
import { askEngine, engineFailure, removeQuietly } from '../engine/connect.ts'
import { RUN_LABEL } from '../engine/run-id.ts'

type Gpu = TrainingRequest['gpu']

/** Where NVIDIA's driver tells about each GPU (its README, chapter "The /proc Interface"); not in WSL 2. */
export const NVIDIA_GPUS_FOLDER = '/proc/driver/nvidia/gpus'
const MODEL_CHARACTERS = 100
/**
 * What dockerd says when it cannot pass an NVIDIA GPU on: it knows the driver when it finds `nvidia-container-runtime-hook` (since 29 also
 * `nvidia-cdi-hook`) in its path, whatever runtimes it lists (moby, daemon/devices_nvidia_linux.go). The second is said where the driver has no device.
 */
const NO_DRIVER = /could not select device driver|unresolvable CDI/i
/** NVIDIA's own programs, which run when a container starts. */
const NO_DEVICE = /nvidia-container/i

/** The engine's words for the GPUs that a training asks for. AMD's (ROCm: /dev/kfd and /dev/dri) have no place in the contract yet; they would be asked for here. */
export function deviceRequests(gpu: Gpu): DeviceRequest[] {
  return gpu === false ? [] : [{ Driver: 'nvidia', Count: gpu === true ? -1 : gpu.count, Capabilities: [['gpu']] }]
}

/** A `Failure` for what the engine says when it starts a container that asks for a GPU which it cannot give; undefined: it means something else. */
export function gpuFailure(message: string, cause: unknown): Failure | undefined {
  return NO_DRIVER.test(message) || NO_DEVICE.test(message) ? noGpu('the training asks for a GPU, and this Docker Engine has none', cause) : undefined
}

/**
 * Asks the engine, by a container of an empty image, whether it can pass NVIDIA GPUs on: nothing that it tells about itself says so. Only its clear no
 * counts. Answers with the models of the machine's GPUs; none: the driver does not say. Fails with `trainer-unavailable`, `engine-unavailable`.
 */
export async function requireNvidia(docker: Docker, gpu: Exclude<Gpu, false>, label: string, folder: string): Promise<readonly string[]> {
  const answer = await tryToStart(docker, gpu, label)
  if (NO_DRIVER.test(answer)) throw noGpu('the training asks for a GPU, and this Docker Engine has none', answer)
  const models = await readModels(folder)
  if (gpu !== true && models.length > 0 && models.length < gpu.count)
    throw noGpu(`the training asks for ${gpu.count} GPUs, and this machine has ${models.length} (${models.join(', ')})`, undefined)
  return models
}

function noGpu(message: string, cause: unknown): Failure {
  return new Failure('trainer-unavailable', message, {
    cause,
    suggestion:
      'in a workflow, map `train` to a GPU runner with the input `runners`; on your own machine, install the NVIDIA Container Toolkit for its GPU; or set training.gpu to false',
  })
}

/** What the engine says to a container that cannot run, as its image is empty. */
async function tryToStart(docker: Docker, gpu: Gpu, label: string): Promise<string> {
  const image = await importEmptyImage(docker)
  try {
    const container = await askEngine(
      'trying for a GPU',
      docker.createContainer({
        Image: image.id,
        Cmd: ['/nothing'],
        Labels: { [RUN_LABEL]: label },
        HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], DeviceRequests: deviceRequests(gpu) },
      }),
    )
    try {
      await container.start()
      return ''
    } catch (cause) {
      return engineFailure(cause, 'trying for a GPU').message
    } finally {
      await removeQuietly(container, { force: true })
    }
  } finally {
    await removeQuietly(image)
  }
}

async function importEmptyImage(docker: Docker): Promise<Docker.Image> {
  const archive = pack()
  archive.finalize()
  const answer = await askEngine('importing an empty image', docker.importImage(Readable.from(archive), {}))
  const [id] = /sha256:[0-9a-f]{64}/.exec(await text(answer)) ?? []
  if (id === undefined) throw new Failure('engine-unavailable', 'the Docker Engine took an empty image, and gave it no name')
  return docker.getImage(id)
}

/** `Model: 		 NVIDIA A100-SXM4-40GB` is the first line that the driver tells of each. */
async function readModels(folder: string): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(folder).catch(() => [])
  const models: string[] = []
  for (const name of names.toSorted()) {
    const information = await readFile(join(folder, name, 'information'), 'utf8').catch(() => '')
    const [, model] = /^Model:[ \t]*(.*\S)/m.exec(information) ?? []
    if (model !== undefined) models.push(model.slice(0, MODEL_CHARACTERS))
  }
  return models
}
