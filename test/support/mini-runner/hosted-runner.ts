import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Github, RunConclusion, Runner, WorkflowRun as HostedRun } from '../github/api.ts'
import { readFiles } from './hosted-files.ts'
import type { Conclusion, JobHost, WorkflowRun } from './github.ts'
import { makeMiniGitHub } from './make-github.ts'
import { runWorkflow } from './run.ts'
import { dispatch } from './trigger.ts'
import { readdirSync } from 'node:fs'

export interface HostedRunnerOptions {
  readonly github: Pick<Github, 'repo'>
  /** Scratch folder; what jobs check out lies in `repositories/owner/name` below it. */
  readonly folder: string
  /** Repositories of workflows and actions by `owner/name`. */
  readonly folders: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
  /** Told of every run that has ended. */
  readonly onRun?: (run: WorkflowRun) => void
}

/** Executes what is dispatched at the stand-in for GitHub: its jobs, steps, artifacts and OIDC tokens are seen there as they happen. */
export function hostedRunner({ github, folder, folders, environment = {}, onLine, onRun }: HostedRunnerOptions): Runner {
  return async (run) => {
    const control = join(folder, 'control', `${run.id}-${run.attempt}`)
    mkdirSync(control, { recursive: true })
    await github.repo(run.repository).checkOut(run.commit, control)
    const mini = await makeMiniGitHub(
      folder,
      { ...folders, [run.repository]: control },
      { environment, ...(onLine && { onLine }), hostJob: async (job) => hostJob(run, job.name, job.workflow, job.labels) },
    )
    const ran = await runWorkflow(mini, dispatch(run.repository, run.commit, run.inputs, run.ref), {
      workflow: run.path,
      signal: run.signal,
      attempt: run.attempt,
      runId: String(run.id),
    })
    for (const name of readdirSync(ran.artifacts)) run.artifact(name, readFiles(join(ran.artifacts, name)))
    onRun?.(ran)
    await run.complete(conclusionOf(ran.conclusion))
  }
}

async function hostJob(run: HostedRun, name: string, workflow: string, labels: readonly string[]): Promise<JobHost> {
  const job = await run.job(name, { workflow, labels })
  return {
    // The token is for jobs with the right to ask for it alone, which the mini-runner knows.
    environment: Object.fromEntries(Object.entries(job.environment()).filter(([variable]) => !variable.startsWith('ACTIONS_'))),
    tokenService: job.tokenService(),
    start: async () => job.start(),
    step: (step) => job.step(step),
    complete: async (conclusion) => job.complete(conclusionOf(conclusion)),
  }
}

function conclusionOf(conclusion: Conclusion): RunConclusion {
  return conclusion
}
