import { Hono } from 'hono'
import type { AppForge } from '../../pipeline/ports/app-forge.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import { isDigest } from '../../pipeline/digest.ts'
import { bearerOf } from '../bearer.ts'
import type { Links } from '../links.ts'
import { withLogContext, type Logger } from '../log.ts'
import { refuse } from '../problem-details.ts'
import { parseJson, readBody } from '../read-body.ts'
import type { IdentityAnswer, JobIdentity } from './job-identity.ts'
import { takeBlob } from './take-blob.ts'
import { FILE_BYTES, takeRecords, type RecordPorts, type Taken } from './take-records.ts'

/** What the jobs of dispatched runs are answered with. */
export interface JobPorts extends RecordPorts {
  readonly state: Pick<ServiceState, 'run' | 'runOfWorkflow' | 'claimRun' | 'once' | 'repository' | 'records' | 'deliverRun'>
  readonly forge: Pick<AppForge, 'readToken'>
  readonly blobs: Pick<BlobStore, 'has' | 'putFile'>
  readonly identify: (token: string) => Promise<IdentityAnswer>
  readonly links: Pick<Links, 'ticket' | 'isTicket'>
  readonly publicUrl: string
  /** Uploads under way lie below it. */
  readonly workParent: string
  readonly log: Logger
}

const RUN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RECORDS_BYTES = 4 * 2 ** 20
/** As long as a token of an installation is good for, so that nothing has to be asked for twice. */
const TICKET_SECONDS = 3600
const UNKNOWN = 'there is no such run for this job'

/**
 * What jobs ask for: `GET runs/{id}/plan`, `POST runs/{id}/token`, `POST runs/{id}/records`, each with the job's OIDC token; `PUT runs/{id}/blobs/{digest}`
 * with the ticket that the records were answered with. A run that there is not, and one of another job, look the same.
 */
export function jobRoutes(ports: JobPorts): Hono {
  const { state, clock, log } = ports
  const routes = new Hono()

  const identify = async (request: Request): Promise<JobIdentity | Response> => {
    const token = bearerOf(request)
    const job = token === undefined ? ({ status: 401, detail: "there is no job's OIDC token" } as const) : await ports.identify(token)
    if (!('status' in job)) return job
    log.warn({ status: job.status, path: new URL(request.url).pathname, detail: job.detail }, 'a job was refused')
    return refuse(job.status, job.detail, job.status === 401 ? { 'www-authenticate': 'Bearer' } : {})
  }
  /** The run that this job has claimed, and that has not ended. */
  const findClaimed = async (id: string, job: JobIdentity): Promise<StoredRun | Response> => {
    const run = RUN.test(id) ? await state.run(id) : undefined
    if (run?.claim === undefined || !isSameJob(run.claim, job)) return refuse(404, UNKNOWN)
    return run.state === 'ended' ? refuse(410, 'the run has ended') : run
  }

  /**
   * Whether a workflow run may be the one that was dispatched for a run. What GitHub answered to a dispatch is written down a moment after its job may have
   * come (much later, if we died between): until then its number is nobody's, and newer than that of any dispatch before.
   */
  const mayClaim = async ({ id, workflowRun }: StoredRun, coming: number): Promise<boolean> => {
    if (workflowRun === coming) return true
    const owner = await state.runOfWorkflow(coming)
    // It may be written down while we look.
    return owner === undefined ? workflowRun === undefined || coming > workflowRun : owner.id === id
  }

  routes.get('/runs/:id/plan', async ({ req }) => {
    const job = await identify(req.raw)
    if (job instanceof Response) return job
    const id = req.param('id')
    const run = RUN.test(id) ? await state.run(id) : undefined
    if (run === undefined) return refuse(404, UNKNOWN)
    if (run.claim === undefined && run.state === 'ended') return refuse(410, 'the run has ended')
    if (run.claim === undefined && !(await mayClaim(run, job.workflowRun))) return refuse(409, 'another job has this run')
    const claim = await state.claimRun(id, { workflowRun: job.workflowRun, attempt: job.attempt, at: clock.now() })
    if (!isSameJob(claim, job)) return refuse(409, 'another job has this run')
    if (run.state === 'ended') return refuse(410, 'the run has ended')
    withLogContext(contextOf(run), () =>
      log.info({ workflowRun: job.workflowRun, attempt: job.attempt, runner: job.runnerEnvironment }, 'a job has come for the plan'),
    )
    await ports.inbox.put({ id: `claim/${id}/${claim.workflowRun}/${claim.attempt}`, address: { repository: run.repository, ref: run.ref }, cause: 'claim' })
    return Response.json(run.plan, { headers: { 'cache-control': 'no-store' } })
  })

  routes.post('/runs/:id/token', async ({ req }) => {
    const job = await identify(req.raw)
    if (job instanceof Response) return job
    const run = await findClaimed(req.param('id'), job)
    if (run instanceof Response) return run
    const repository = await state.repository(run.repository)
    if (repository?.installation === undefined || repository.isSuspended) return refuse(410, 'the app is no longer installed in the repository of this run')
    // Made first: what fails here may be asked for again. A second one that was made meanwhile is given to nobody, and lapses.
    const made = await ports.forge.readToken({ id: repository.id, owner: repository.owner, name: repository.name, installation: repository.installation })
    if (!(await state.once(run.id, `token/${job.workflowRun}/${job.attempt}`, clock.now()))) return refuse(409, 'this job has had its token')
    return Response.json({ token: made.token, expires: made.expires }, { headers: { 'cache-control': 'no-store' } })
  })

  routes.post('/runs/:id/records', async ({ req }) => {
    const job = await identify(req.raw)
    if (job instanceof Response) return job
    const run = await findClaimed(req.param('id'), job)
    if (run instanceof Response) return run
    const content = await readBody(req.raw, RECORDS_BYTES)
    if (content === undefined) return refuse(413, `the records are more than ${RECORDS_BYTES / 2 ** 20} MiB`)
    const taken = await withLogContext(contextOf(run), () => takeRecords(run, parseJson(content.toString('utf8')), ports))
    withLogContext(contextOf(run), () => log.info({ records: taken.kind, ...(taken.kind === 'refused' && { detail: taken.detail }) }, 'records came'))
    return answerTaken(run, taken, ports)
  })

  routes.put('/runs/:id/blobs/:digest', async ({ req }) => {
    const { id, digest } = req.param()
    const [ticket, bytes] = [bearerOf(req.raw) ?? '', Number(req.header('content-length'))]
    const isSound = RUN.test(id) && isDigest(digest) && Number.isSafeInteger(bytes) && bytes <= FILE_BYTES
    if (!isSound || !ports.links.isTicket({ run: id, digest, bytes }, ticket, Date.parse(clock.now()) / 1000))
      return refuse(401, 'this ticket is for another upload, or its time is over')
    if (await ports.blobs.has(digest)) return new Response(null, { status: 204 })
    const body: ReadableStream<Uint8Array> = req.raw.body ?? new Blob([]).stream()
    if (!(await takeBlob(body, { digest, bytes }, ports.blobs, ports.workParent))) return refuse(422, 'the content is another than its digest says')
    return new Response(null, { status: 201 })
  })

  return routes
}

function isSameJob(claim: { readonly workflowRun: number; readonly attempt: number }, job: JobIdentity): boolean {
  return claim.workflowRun === job.workflowRun && claim.attempt === job.attempt
}

function contextOf({ id, repository, ref }: StoredRun): { readonly run: string; readonly repository: number; readonly ref: string } {
  return { run: id, repository, ref }
}

function answerTaken(run: StoredRun, taken: Taken, { links, publicUrl, clock }: JobPorts): Response {
  const headers = { 'cache-control': 'no-store' }
  if (taken.kind === 'refused') return refuse(422, taken.detail)
  if (taken.kind === 'taken') return Response.json({ missing: [] }, { status: 201, headers })
  const until = Math.floor(Date.parse(clock.now()) / 1000) + TICKET_SECONDS
  const missing = taken.files.map(({ digest, bytes }) => ({
    digest,
    bytes,
    upload: {
      method: 'PUT',
      url: `${publicUrl}/api/v1/runs/${run.id}/blobs/${digest}`,
      headers: { authorization: `Bearer ${links.ticket({ run: run.id, digest, bytes, until })}`, 'content-type': 'application/octet-stream' },
    },
  }))
  return Response.json({ missing }, { status: 200, headers })
}
