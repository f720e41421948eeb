import { githubForge } from '../adapters/github/github-forge.ts'
import { annotation } from '../pipeline/annotation.ts'
import { Failure } from '../pipeline/failure.ts'
import { completeRelease, type ReleaseOutcome } from '../pipeline/forge/complete-release.ts'
import { releaseAssets } from '../pipeline/publish/release-assets.ts'
import { publishScript } from '../pipeline/stage-scripts/publish-script.ts'
import { GITHUB_LIMIT, renderMarkdown } from '../pipeline/report/render-markdown.ts'
import type { StageRecord } from '../schemas/generated/types.ts'
import type { PUBLISH } from './definitions.ts'
import { writeJobReport } from './job-report.ts'
import { importImages } from './import-images.ts'
import { openJob, type Job } from './job.ts'
import { keepRecords } from './keep-records.ts'
import { repositoryOfRun } from './repository-of-run.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { type ActionCall, type ActionResult } from './run-action.ts'
import { runStageAction, type FinishedStage } from './stage-action.ts'

/** Room for the marker that tells our text from a person's. */
const MARKER_BYTES = 256

type PublishDetails = Extract<StageRecord['details'], { kind: 'publish' }>

/** The action `publish`: the tested index, promoted; a release with its assets where the commit has the version's tag. */
export async function runPublishAction(call: ActionCall<typeof PUBLISH>): Promise<ActionResult<typeof PUBLISH>> {
  const { inputs } = call
  const job = await openJob(call)
  const openStaging = async (): Promise<string> => `${job.registryRoot}/staging/trusted`
  const ready = job.event.trust === 'trusted' ? await importImages(job, openStaging) : job
  const finished = await runStageAction(ready, {
    stage: 'publish',
    name: 'publish',
    script: publishScript,
    ports: { openStaging },
    force: inputs.force,
    release: inputs.release,
  })
  const details = finished.summary.outcome === 'passed' && finished.record.details.kind === 'publish' ? finished.record.details : undefined
  const release = details?.state === 'release' && inputs.token !== undefined ? await releaseAtGithub(job, finished, details, inputs.token) : undefined
  // A publication whose release is not whole is not reused: the next run completes it.
  const isWhole = release === undefined || (!(release instanceof Failure) && release.kind !== 'refused')
  if (details !== undefined) await keepRecords(job, isWhole ? finished.summaries : finished.summaries.filter(({ stage }) => stage !== 'publish'))
  return {
    outputs: {
      ...finished.outputs,
      ...(details && { bundle: details.digest, image: details.reference }),
      ...(release !== undefined && !(release instanceof Failure) && release.kind !== 'refused' && { 'release-url': release.url }),
    },
    exitCode: isWhole ? finished.exitCode : release instanceof Failure ? EXIT.error : EXIT.failed,
  }
}

/** The release with its assets; undefined: there is nothing to tag here. The bundle is published already, so a failure is told, and answered. */
async function releaseAtGithub(job: Job, finished: FinishedStage, details: PublishDetails, token: string): Promise<ReleaseOutcome | Failure | undefined> {
  try {
    const outcome = await completeGithubRelease(job, finished, details, token)
    for (const problem of outcome?.problems ?? []) job.log.command(annotation(problem))
    return outcome
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error
    job.log.error(`the bundle is published, its release at GitHub is not: ${[error.message, error.suggestion].filter(Boolean).join(' ')}`)
    return error
  } finally {
    job.log.command('::endgroup::')
  }
}

/** In a control repository the release is the app's business. */
function isOwnRepository(subject: string, running: string): boolean {
  const path = /^https:\/\/github\.com\/(.+)$/.exec(subject)?.[1]
  return path === undefined || path.toLowerCase() === running.toLowerCase()
}

async function completeGithubRelease(
  job: Job,
  { record, summaries }: FinishedStage,
  details: PublishDetails,
  token: string,
): Promise<ReleaseOutcome | undefined> {
  const { commit, tags = [], repository } = job.subject
  if (commit === null || !isOwnRepository(repository, job.environment.repository)) return undefined
  const { document } = await writeJobReport(job, summaries)
  const recordOf = (stage: string): StageRecord | undefined => summaries.find((summary) => summary.stage === stage)?.record
  const { version, name } = details
  const progress = job.log.stageStarted('publish', `the release ${version} at GitHub`)
  return completeRelease(
    githubForge({ ...(await repositoryOfRun()), token, signal: job.signal }),
    {
      tag: tags.find((tag) => tag === version || tag === `v${version}`) ?? `v${version}`,
      commit,
      version,
      title: `${name} ${version}`,
      text: renderMarkdown(document.report, { limit: GITHUB_LIMIT - MARKER_BYTES }),
      assets: releaseAssets({ publish: record, train: recordOf('train'), virtual: recordOf('virtual'), report: document }, job.blobs),
    },
    progress,
  )
}
