import { setSecret } from '@actions/core'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { storageFailure } from '../adapters/filesystem/storage-failure.ts'
import { readRunnerMap, type RunnerMap } from '../pipeline/runner-classes.ts'
import { renderPlan } from '../pipeline/report/render-plan.ts'
import { validateScript } from '../pipeline/stage-scripts/validate-script.ts'
import type { StageName } from '../pipeline/stage.ts'
import type { RunPlan } from '../schemas/generated/types.ts'
import type { ActionsEnvironment } from './environment.ts'
import type { RunAddress } from './app-run.ts'
import { fetchDispatchedRun } from './dispatched-run.ts'
import type { JobLog } from './job-log.ts'
import type { SETUP } from './definitions.ts'
import { folderOf, openJob, outFolder, type Job } from './job.ts'
import type { MadePlan } from '../pipeline/plan/make-run-plan.ts'
import { makePlan } from './make-plan.ts'
import { InputError } from './read-inputs.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { type ActionCall, type ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The stages that a plan may run in jobs of their own. */
const PLANNED: readonly StageName[] = ['validate', 'train', 'build', 'virtual', 'node', 'publish']

/** The action `setup`: makes the plan of a run, takes the one that is there, or fetches the one that the app has made. */
export async function runSetup(call: ActionCall<typeof SETUP>): Promise<ActionResult<typeof SETUP>> {
  const { inputs } = call
  const runners = readRunners(inputs.runners)
  if ((inputs.plan === undefined) !== (inputs.app === undefined)) throw new InputError(['inputs `plan` and `app` belong together: give both, or neither'])
  if (inputs.plan !== undefined && inputs.app !== undefined) return fetchRun({ app: inputs.app, reference: inputs.plan }, call)
  const opened = await openJob(call)
  if (opened.plan !== undefined) return finish({ plan: opened.plan, outcome: 'passed' }, call)
  const job = await withValidation(opened)
  const wish = { platforms: inputs.platform, force: inputs.force ?? [], keepGoing: inputs['keep-going'], release: inputs.release, runners }
  return finish(await makePlan(job, wish), call)
}

/** Without a checkout: only with the token that the app gives can the plugin be checked out. */
async function fetchRun(address: RunAddress, call: ActionCall<typeof SETUP>): Promise<ActionResult<typeof SETUP>> {
  const { plan, token } = await fetchDispatchedRun(address, call.signal)
  setSecret(token)
  const { outputs, exitCode } = await finish({ plan, outcome: 'passed' }, call)
  return { outputs: { ...outputs, token }, exitCode }
}

async function finish(
  { plan, outcome }: Pick<MadePlan, 'plan' | 'outcome'>,
  { environment, log }: ActionCall<typeof SETUP>,
): Promise<ActionResult<typeof SETUP>> {
  const folder = await writePlan(plan, environment, log)
  for (const { stage, kind, reason } of plan.stages) log.line(`${stage}: ${kind}, ${reason}`)
  return { outputs: { ...outputsOf(plan, outcome), folder }, exitCode: EXIT[outcome] }
}

/** A plan needs the verdict over the manifest; where no step before has found it, it is found here. */
async function withValidation(job: Job): Promise<Job> {
  if (folderOf(job, 'validate') !== undefined) return job
  const { record, outputs } = await runStageAction(job, { stage: 'validate', name: 'validate', script: validateScript, force: false, reuses: false })
  return { ...job, folders: [...job.folders, { kind: 'record', folder: outputs.folder, record, about: job.subject }] }
}

function readRunners(text: string | undefined): RunnerMap {
  let value: unknown
  try {
    value = text === undefined ? undefined : parse(text)
  } catch (error) {
    throw new InputError([`input \`runners\` is not YAML: ${error instanceof Error ? error.message : String(error)}`])
  }
  const { map, complaints } = readRunnerMap(value)
  if (complaints.length > 0) throw new InputError(complaints.map((complaint) => `input \`runners\`: ${complaint}`))
  return map
}

async function writePlan(plan: RunPlan, environment: ActionsEnvironment, log: JobLog): Promise<string> {
  const folder = outFolder(environment, 'plan')
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'plan.json'), `${JSON.stringify(plan)}\n`)
  } catch (error) {
    throw storageFailure(error, `writing the plan to ${folder}`)
  }
  if (environment.summaryFile !== undefined)
    await appendFile(environment.summaryFile, `${renderPlan(plan)}\n\n`).catch((error: unknown) =>
      log.warning(`the job summary could not be written: ${String(error)}`),
    )
  return folder
}

function outputsOf(plan: RunPlan, outcome: MadePlan['outcome']): ActionResult<typeof SETUP>['outputs'] {
  const kindOf = (stage: StageName): string => plan.stages.find((candidate) => candidate.stage === stage)?.kind ?? 'skip'
  const runnerOf = (stage: StageName): string => JSON.stringify(plan.stages.find((candidate) => candidate.stage === stage)?.runner ?? ['ubuntu-24.04'])
  const toBuild = plan.platforms.filter(({ build }) => build)
  // `validate` has run in the job that plans; a run in which nothing else runs is told by the plan itself.
  const runs = PLANNED.some((stage) => stage !== 'validate' && kindOf(stage) === 'run')
  return {
    plan: JSON.stringify({ ...plan, stages: plan.stages.map(({ stage, kind, reason }) => ({ stage, kind, reason })), parts: [] }),
    validate: kindOf('validate'),
    train: kindOf('train'),
    build: kindOf('build'),
    virtual: kindOf('virtual'),
    node: kindOf('node'),
    publish: kindOf('publish'),
    report: runs || outcome !== 'passed' ? 'run' : 'skip',
    parts: toBuild.length > 0 ? 'run' : 'skip',
    matrix: JSON.stringify({
      include: toBuild.map(({ platform, runner, emulated }) => ({ platform, name: platform.replaceAll('/', '-'), runner, emulated })),
    }),
    'train-runner': runnerOf('train'),
    'virtual-runner': runnerOf('virtual'),
    'node-runner': runnerOf('node'),
    emulates: String(plan.platforms.some(({ platform }) => platform !== 'linux/amd64')),
    staging: plan.staging,
    trust: plan.trust,
    outcome,
  }
}
