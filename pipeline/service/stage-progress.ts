import type { StageName } from '../stage.ts'
import { sayClock, sayPlain } from './say.ts'
import type { JobFacts, RunFacts, StageFacts } from './world.ts'

const RUNNER_CHARACTERS = 60
const STEP_CHARACTERS = 60
/** Of more, a time of day tells nothing; and what a record says need not be true. */
const DAY_SECONDS = 86_400

/** Title of a stage whose jobs have ended: what they have found comes with the end of the run. */
export const DONE_TITLE = 'Done; its result comes with the end of the run'

/** How far a stage is that a run has not finished yet. */
export type StageProgress =
  | { readonly status: 'queued'; readonly title: string }
  | { readonly status: 'in_progress'; readonly started?: string; readonly title: string }

/** What the jobs of a run tell of a stage. The title is plain text, and changes only when something has. */
export function readProgress(run: RunFacts | undefined, { stage, usualSeconds }: Pick<StageFacts, 'stage' | 'usualSeconds'>): StageProgress {
  const jobs = (run?.workflow?.jobs ?? []).filter(({ name }) => isOf(name, stage))
  const started = jobs.flatMap((job) => (job.started === null ? [] : [job.started])).toSorted()[0]
  if (started === undefined)
    return { status: 'queued', title: run === undefined || run.state === 'queued' ? 'Queued' : 'Waits for its machine, or for a stage before' }
  const active = jobs.filter(({ status }) => status === 'in_progress')
  const isTold = active.length > 0 && usualSeconds !== undefined && usualSeconds <= DAY_SECONDS
  const until = isTold ? `, done about ${sayClock(Date.parse(started) + usualSeconds * 1000)}` : ''
  return { status: 'in_progress', started, title: `${sayMachines(active)}${until}` }
}

/** GitHub joins the names of nested jobs: `pipeline / build / linux/arm64`. */
function isOf(name: string, stage: StageName): boolean {
  return name.split(' / ').includes(stage)
}

function sayMachines(active: readonly JobFacts[]): string {
  const [job] = active
  if (job === undefined) return DONE_TITLE
  const step = job.step === null ? '' : `: ${sayPlain(job.step, STEP_CHARACTERS)}`
  if (active.length > 1) return `Runs on ${active.length} machines${step}`
  return `Runs on ${job.runner === null ? 'a machine' : sayPlain(job.runner, RUNNER_CHARACTERS)}${step}`
}
