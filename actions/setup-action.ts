import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { storageFailure } from '../adapters/filesystem/storage-failure.ts'
import { readRunnerMap, type RunnerMap } from '../pipeline/runner-classes.ts'
import { renderPlan } from '../pipeline/report/render-plan.ts'
import type { StageName } from '../pipeline/stage.ts'
import type { RunPlan } from '../schemas/generated/types.ts'
import { fetchPlan } from './fetch-plan.ts'
import type { SETUP } from './definitions.ts'
import { openJob, outFolder, type Job } from './job.ts'
import { makePlan, type MadePlan } from './make-plan.ts'
import { InputError } from './read-inputs.ts'
import { EXIT, type ActionCall, type ActionResult } from './run-action.ts'

/** The stages that a plan may run in jobs of their own. */
const PLANNED: readonly StageName[] = ['validate', 'train', 'build', 'virtual', 'node', 'publish']

/** The action `setup`: makes the plan of a run, or fetches the one that the app has made. */
export async function runSetup(call: ActionCall<typeof SETUP>): Promise<ActionResult<typeof SETUP>> {
  const { inputs } = call
  const runners = readRunners(inputs.runners)
  if ((inputs.plan === undefined) !== (inputs.app === undefined)) throw new InputError(['inputs `plan` and `app` belong together: give both, or neither'])
  const job = await openJob(call)
  const { plan, outcome } =
    inputs.plan !== undefined && inputs.app !== undefined
      ? await fetchedPlan({ app: inputs.app, reference: inputs.plan }, job)
      : await makePlan(job, {
          platforms: inputs.platform,
          force: inputs.force ?? [],
          keepGoing: inputs['keep-going'],
          release: inputs.release,
          runners,
        })
  const folder = await writePlan(job, plan)
  for (const { stage, kind, reason } of plan.stages) job.log.line(`${stage}: ${kind}, ${reason}`)
  return { outputs: { ...outputsOf(plan, outcome), folder }, exitCode: EXIT[outcome] }
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

async function fetchedPlan(address: { readonly app: string; readonly reference: string }, { subject, signal }: Job): Promise<MadePlan> {
  const plan = await fetchPlan(address, signal)
  if (plan.subject.commit !== subject.commit)
    throw new InputError([`input \`plan\`: it is for commit ${plan.subject.commit ?? 'none'}, and ${subject.commit ?? 'none'} is checked out`])
  return { plan, outcome: 'passed' }
}

async function writePlan({ environment, log }: Job, plan: RunPlan): Promise<string> {
  const folder = outFolder(environment, 'plan')
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'plan.json'), `${JSON.stringify(plan)}\n`)
  } catch (error) {
    throw storageFailure(error, `writing the plan to ${folder}`)
  }
  if (environment.summaryFile !== undefined)
    await appendFile(environment.summaryFile, `${renderPlan(plan)}\n\n`).catch((error: unknown) => log.warning(`the job summary could not be written: ${String(error)}`))
  return folder
}

function outputsOf(plan: RunPlan, outcome: MadePlan['outcome']): ActionResult<typeof SETUP>['outputs'] {
  const kindOf = (stage: StageName): string => plan.stages.find((candidate) => candidate.stage === stage)?.kind ?? 'skip'
  const runnerOf = (stage: StageName): string => JSON.stringify(plan.stages.find((candidate) => candidate.stage === stage)?.runner ?? ['ubuntu-24.04'])
  const toBuild = plan.platforms.filter(({ build }) => build)
  // `validate` has run in the job that plans; a run in which nothing else runs is told by the plan itself.
  const runs = PLANNED.some((stage) => stage !== 'validate' && kindOf(stage) === 'run')
  return {
    plan: JSON.stringify({ ...plan, stages: plan.stages.map(({ record: _, ...stage }) => stage), parts: [] }),
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
