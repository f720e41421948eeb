import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OURS } from '../act/lay-out-release.ts'
import { recordsAmong } from '../act/run-facts.ts'
import { makeGround, REGISTRY_VARIABLE, storyJobName, WORKFLOW, type Stage, type StageOptions } from '../act/story.ts'
import { ConcurrencyGroups } from './concurrency.ts'
import { makeMiniGitHub } from './make-github.ts'
import { runWorkflow } from './run.ts'

/** Stories told by the mini-runner. */
export async function makeMiniStage({ environment = {}, ...options }: StageOptions = {}): Promise<Stage> {
  const { folder, registry, release, standIns } = await makeGround()
  const concurrency = new ConcurrencyGroups()
  return {
    folder,
    registry,
    async run(trigger, { onLine } = {}) {
      const repositories = { ...standIns, [OURS]: release, [trigger.repository]: join(folder, 'repositories', trigger.repository) }
      const github = await makeMiniGitHub(folder, repositories, {
        ...options,
        environment,
        concurrency,
        variables: { [REGISTRY_VARIABLE]: registry },
        ...(onLine && { onLine }),
      })
      const started = performance.now()
      const run = await runWorkflow(github, trigger, { workflow: WORKFLOW })
      const ran = run.jobs.filter(({ conclusion }) => conclusion !== 'skipped')
      return {
        passed: run.conclusion === 'success',
        jobs: Object.fromEntries(ran.map(({ id, matrix, conclusion }) => [storyJobName(id.split('/').at(-1) ?? '', matrix), conclusion])),
        annotations: ran.flatMap(({ annotations }) => annotations),
        summaries: ran.flatMap(({ steps }) => steps.map(({ summary }) => summary).filter((summary) => summary !== '')),
        artifacts: run.artifacts,
        records: recordsAmong(run.artifacts),
        log: run.log,
        processes: run.jobs.flatMap(({ processes }) => processes),
        seconds: (performance.now() - started) / 1000,
      }
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  }
}
