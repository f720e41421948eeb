import type { ControlForge } from '../../pipeline/ports/app-forge.ts'
import type { ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { WorkflowRunFacts } from '../../pipeline/service/world.ts'
import type { Logger } from '../log.ts'
import { viewRun, type RunView } from './run-view.ts'

/** Finds what pages show of runs. */
export interface RunWatch {
  /** Undefined: there is no such run, or its repository is no longer known. */
  find(id: string): Promise<{ readonly view: RunView; readonly run: StoredRun } | undefined>
  /** Whether anybody may see it. Where GitHub cannot say, nobody may. */
  isPublic(run: StoredRun): Promise<boolean>
}

export interface RunWatchPorts {
  readonly state: Pick<ServiceState, 'run' | 'repository' | 'recordsOfRun'>
  /** What GitHub says of a workflow run of the control repository. */
  readonly workflowRun: ControlForge['run']
  /** Whether a repository is private; undefined: it is gone, or the app no longer may see it. */
  readonly isPrivate: (repository: number) => Promise<boolean | undefined>
  readonly githubUrl: string
  readonly now: () => number
  readonly log: Logger
}

/** However many look, GitHub is asked once in this time. */
const WORKFLOW_MS = 30_000
const PRIVACY_MS = 300_000
/** While GitHub cannot say, it is asked again soon. */
const UNKNOWN_MS = 5000

/** Runs for pages: the state is read each time, GitHub as rarely as the checks' progress. */
export function watchRuns(ports: RunWatchPorts): RunWatch {
  const { state, log } = ports
  const workflows = keepFor<WorkflowRunFacts | undefined>(WORKFLOW_MS, ports.now)
  const privacy = keepFor<boolean | undefined>(PRIVACY_MS, ports.now, { unknownMs: UNKNOWN_MS })
  const orNothing = async <Value>(work: Promise<Value>): Promise<Value | undefined> =>
    work.catch((error: unknown) => {
      log.warn({ err: error }, 'GitHub could not be asked for a page')
      return undefined
    })

  return {
    async find(id) {
      const run = await state.run(id)
      const repository = run && (await state.repository(run.repository))
      if (run === undefined || repository === undefined) return undefined
      const { workflowRun } = run
      const asks = workflowRun !== undefined && (run.state === 'dispatched' || run.state === 'running')
      const [records, workflow] = await Promise.all([
        state.recordsOfRun(id),
        asks ? workflows(String(workflowRun), async () => orNothing(ports.workflowRun(workflowRun))) : undefined,
      ])
      return { run, view: viewRun({ run, repository, githubUrl: ports.githubUrl, records, workflow }) }
    },
    isPublic: async ({ repository }) => (await privacy(String(repository), async () => orNothing(ports.isPrivate(repository)))) === false,
  }
}

/** Keeps answers for a time (`undefined` for `unknownMs`, where that is given), the newest `most`; who asks meanwhile waits for the same one. */
export function keepFor<Value>(
  keptMs: number,
  now: () => number,
  { most = 1000, unknownMs = keptMs }: { readonly most?: number; readonly unknownMs?: number } = {},
): (key: string, ask: () => Promise<Value>) => Promise<Value> {
  const kept = new Map<string, { until: number; readonly value: Promise<Value> }>()
  return async (key, ask) => {
    const found = kept.get(key)
    if (found !== undefined && found.until > now()) return found.value
    kept.delete(key)
    const oldest = kept.keys().next()
    if (kept.size >= most && oldest.done !== true) kept.delete(oldest.value)
    const asked = { until: now() + keptMs, value: ask() }
    kept.set(key, asked)
    asked.value.then(
      (value) => {
        if (value === undefined) asked.until = now() + unknownMs
      },
      () => kept.delete(key),
    )
    return asked.value
  }
}
