import type Docker from 'dockerode'
import { askEngine, removeQuietly } from './connect.ts'
import { removeImagesOf } from './image.ts'
import { isRunOver, RUN_LABEL } from './run-id.ts'

/** What a sweep removed. */
export interface Sweep {
  readonly containers: number
  readonly networks: number
  readonly volumes: number
  /** Runs that left them. */
  readonly runIds: readonly string[]
}

/**
 * Removes containers, volumes and networks of runs whose process is gone (killed, crashed), and the images that came from registries among those containers.
 * Others' runs are left alone. Fails with `engine-unavailable`.
 */
export async function sweepEngine(docker: Docker): Promise<Sweep> {
  const filters = { label: [RUN_LABEL] }
  const containers = dead(await askEngine('listing containers', docker.listContainers({ all: true, filters })))
  await Promise.all(containers.map(async ({ Id }) => removeQuietly(docker.getContainer(Id), { force: true, v: true })))
  const [networks, volumes] = await Promise.all([
    askEngine('listing networks', docker.listNetworks({ filters })).then(dead),
    askEngine('listing volumes', docker.listVolumes({ filters })).then(({ Volumes }) => dead(Volumes ?? [])),
  ])
  await Promise.all([
    ...networks.map(async ({ Id }) => removeQuietly(docker.getNetwork(Id))),
    ...volumes.map(async ({ Name }) => removeQuietly(docker.getVolume(Name), { force: true })),
  ])
  const ports = containers.flatMap(({ Ports }) => Ports.flatMap(({ PublicPort }) => PublicPort ?? []))
  await Promise.all([...new Set(ports)].map(async (port) => removeImagesOf(docker, `127.0.0.1:${port}`)))
  const runIds = new Set([...containers, ...networks, ...volumes].map(runIdOf))
  return { containers: containers.length, networks: networks.length, volumes: volumes.length, runIds: [...runIds] }
}

interface Labelled {
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
}

function dead<T extends Labelled>(things: readonly T[]): readonly T[] {
  return things.filter((thing) => isRunOver(runIdOf(thing)))
}

function runIdOf({ Labels }: Labelled): string {
  return Labels?.[RUN_LABEL] ?? ''
}
