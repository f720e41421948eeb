import type Docker from 'dockerode'
import { askEngine, removeQuietly } from '../engine/connect.ts'
import { RUN_LABEL } from '../engine/run-id.ts'
import { Companion } from './companion.ts'
import { UPLOADS_PATH } from './plugin-container.ts'

export interface SandboxNeeds {
  /** What a plugin can write to beside its own layer; uploads come first. */
  readonly paths: readonly string[]
  readonly cameras: Readonly<Record<string, readonly string[]>>
  readonly isOpen: boolean
}

export interface SandboxHost {
  readonly docker: Docker
  /** Image of the companion. */
  readonly image: string
  readonly runId: string
  readonly network: string
}

/** What a container of a plugin is put into: its volumes and its companion. */
export interface Sandbox extends AsyncDisposable {
  readonly companion: Companion
  /** Path in the container → volume. */
  readonly volumes: Readonly<Record<string, string>>
}

/** What most trials need, so that it can be made before one is asked for. */
export const PLAIN: SandboxNeeds = { paths: [UPLOADS_PATH], cameras: {}, isOpen: false }

/** Whether a trial needs no more than `PLAIN`. */
export function isPlain({ paths, cameras, isOpen }: SandboxNeeds): boolean {
  return paths.length === 1 && !isOpen && Object.keys(cameras).length === 0
}

/** Makes volumes and companion; the companion is not started. Leaves nothing when it fails. */
export async function makeSandbox(host: SandboxHost, needs: SandboxNeeds): Promise<Sandbox> {
  await using undo = new AsyncDisposableStack()
  const volumes: Record<string, string> = {}
  for (const path of needs.paths) {
    const volume = await askEngine('making a volume', host.docker.createVolume({ Labels: { [RUN_LABEL]: host.runId } }))
    undo.defer(async () => removeQuietly(volume, { force: true }))
    volumes[path] = volume.name
  }
  const companion = await Companion.create({ ...host, ...needs, volumes: Object.values(volumes) })
  undo.defer(async () => companion.remove())
  const made = undo.move()
  return { companion, volumes, [Symbol.asyncDispose]: async () => made.disposeAsync() }
}
