import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { provideTool } from '../tools.ts'
import { OURS } from './lay-out-release.ts'
import { prepareForAct } from './prepare-for-act.ts'
import { runAct } from './run-act.ts'
import { recordsAmong } from './run-facts.ts'
import { makeGround, pinnedStandIns, REGISTRY_VARIABLE, storyJobName, WORKFLOW, type Stage, type StageOptions } from './story.ts'

/** A release in a folder is no commit; a control repository names one. */
const NO_COMMIT = '0'.repeat(40)

/** Stories told by act. */
export async function makeActStage({ environment = {}, issueToken }: StageOptions = {}): Promise<Stage> {
  const { folder, registry, release, standIns } = await makeGround()
  const prepared = join(folder, 'prepared')
  await prepareForAct(OURS, release, prepared)
  const github = {
    act: await provideTool('act'),
    folder: join(folder, 'act'),
    repositories: join(folder, 'repositories'),
    references: {
      [`${OURS}@v1`]: prepared,
      [`${OURS}@self`]: prepared,
      [`${OURS}@${NO_COMMIT}`]: prepared,
      ...pinnedStandIns(join(release, '.github/workflows'), standIns),
    },
    variables: { [REGISTRY_VARIABLE]: registry },
    environment,
  }
  return {
    folder,
    registry,
    async run(trigger) {
      // act has one token for all jobs of a run.
      const token = await issueToken?.(trigger.fork ? { contents: 'read' } : { contents: 'write', 'pull-requests': 'write' })
      const { status, jobs, annotations, summaries, artifacts, log, seconds } = await runAct(
        { ...github, ...(token !== undefined && { token }) },
        trigger,
        WORKFLOW,
      )
      return {
        passed: status === 0,
        jobs: Object.fromEntries(jobs.map(({ id, matrix, conclusion }) => [storyJobName(id, matrix), conclusion])),
        annotations,
        summaries,
        artifacts,
        records: recordsAmong(artifacts),
        log,
        seconds,
        processes: [],
      }
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  }
}
