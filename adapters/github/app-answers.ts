import type { AppInstallation, ForgeArtifact, ForgeCheck, ForgeDelivery } from '../../pipeline/ports/app-forge.ts'
import type { Access, Account, JobFacts, PullRequestFacts, RepositoryFacts, WorkflowRunFacts } from '../../pipeline/service/world.ts'
import { accountOf } from '../../pipeline/service/payload.ts'
import { notUnderstood, readCount, readId, readList, readObject, readOptionalText, readText, type Answer } from './answers.ts'

/** The app as it knows itself; `forge-unavailable` when it is something else, as all readers here. */
export function readApp(value: unknown): { readonly id: number; readonly slug: string } {
  const app = readObject(value, 'an app')
  return { id: readId(app), slug: readText(app, 'slug') }
}

export function readInstallation(value: unknown): AppInstallation {
  const installation = readObject(value, 'an installation')
  const account = readObject(installation['account'], 'an account')
  const permissions = Object.entries(readObject(installation['permissions'], 'a list of permissions'))
  return {
    id: readId(installation),
    // An enterprise has no login.
    owner: readOptionalText(account, 'login') || readText(account, 'slug'),
    isSuspended: typeof installation['suspended_at'] === 'string',
    permissions: Object.fromEntries(permissions.flatMap(([name, level]) => (typeof level === 'string' ? [[name, level]] : []))),
  }
}

/** Octokit makes a BigInt of a number that JavaScript does not hold. */
export function readDelivery(value: unknown): ForgeDelivery {
  const delivery = readObject(value, 'a delivery')
  const { id } = delivery
  if (typeof id !== 'bigint' && !Number.isSafeInteger(id)) throw notUnderstood('a number `id`')
  const status = readCount(delivery, 'status_code')
  return {
    id: String(id),
    guid: readText(delivery, 'guid'),
    at: readText(delivery, 'delivered_at'),
    succeeded: status >= 200 && status < 300,
    isRedelivery: readBoolean(delivery, 'redelivery'),
  }
}

export function readRepository(value: unknown): Omit<RepositoryFacts, 'installation'> {
  const repository = readObject(value, 'a repository')
  return {
    id: readId(repository),
    owner: readText(readObject(repository['owner'], 'an owner'), 'login'),
    name: readText(repository, 'name'),
    isPrivate: readBoolean(repository, 'private'),
    isArchived: repository['archived'] === true,
    defaultBranch: readText(repository, 'default_branch'),
  }
}

/** GitHub also knows `maintain` and `triage`, and tells them as the ones below them. */
export function readAccess(value: unknown): Access {
  const level = readText(readObject(value, 'an answer'), 'permission')
  return level === 'admin' || level === 'write' ? 'write' : level === 'read' ? 'read' : 'none'
}

/** An entry of the activity log: who moved a ref, and to what. */
export function readActivity(value: unknown): { readonly actor: Account | undefined; readonly after: string } {
  const activity = readObject(value, 'an activity')
  return { actor: accountOf(activity['actor']), after: readText(activity, 'after') }
}

export interface PullRequestAnswer extends PullRequestFacts {
  readonly head: string
  /** Undefined: the repository that it was in is gone. */
  readonly headBranch: string | undefined
  readonly isOpen: boolean
  readonly url: string
}

export function readPull(value: unknown): PullRequestAnswer {
  const pull = readObject(value, 'a pull request')
  const [head, base] = [readObject(pull['head'], 'a branch'), readObject(pull['base'], 'a branch')]
  const own = readId(readObject(base['repo'], 'a repository'))
  const from = isNothing(head['repo']) ? undefined : readId(readObject(head['repo'], 'a repository'))
  return {
    number: readCount(pull, 'number'),
    isDraft: pull['draft'] === true,
    isFork: from !== own,
    author: accountOf(pull['user']),
    baseBranch: readText(base, 'ref'),
    head: readCommitId(head),
    headBranch: from === undefined ? undefined : readText(head, 'ref'),
    isOpen: readText(pull, 'state') === 'open',
    url: readText(pull, 'html_url'),
  }
}

export function readCheck(value: unknown): ForgeCheck {
  const check = readObject(value, 'a check run')
  return {
    id: readId(check),
    name: readText(check, 'name'),
    annotationCount: readCount(readObject(check['output'], 'an output'), 'annotations_count'),
  }
}

/** A comment on a line of a pull request. */
export function readReviewComment(value: unknown): { readonly author: string | undefined; readonly body: string } {
  const comment = readObject(value, 'a comment')
  return { author: accountOf(comment['user'])?.login, body: readOptionalText(comment, 'body') }
}

/** The commit that stands in a Git answer, with its message and its tree. */
export function readCommit(value: unknown): { readonly message: string; readonly tree: string } {
  const commit = readObject(value, 'a commit')
  return { message: readOptionalText(commit, 'message'), tree: readCommitId(readObject(commit['tree'], 'a tree')) }
}

/** Git's id of what was made. */
export function readObjectId(value: unknown): string {
  return readCommitId(readObject(value, 'an object'))
}

export function readWorkflowRun(value: unknown): Omit<WorkflowRunFacts, 'jobs'> & { readonly title: string; readonly created: string } {
  const run = readObject(value, 'a workflow run')
  const status = readOptionalText(run, 'status')
  return {
    id: readId(run),
    // Beside these there are `requested`, `waiting` and `pending`: it has not begun.
    status: status === 'completed' || status === 'in_progress' ? status : 'queued',
    conclusion: isNothing(run['conclusion']) ? null : readText(run, 'conclusion'),
    url: readText(run, 'html_url'),
    title: readOptionalText(run, 'display_title'),
    created: readText(run, 'created_at'),
  }
}

export function readJob(value: unknown): JobFacts {
  const job = readObject(value, 'a job')
  const status = readText(job, 'status')
  const steps = isNothing(job['steps']) ? [] : readList(job['steps'], (step) => readObject(step, 'a step'))
  const current = steps.find((step) => step['status'] === 'in_progress')
  return {
    id: readId(job),
    name: readText(job, 'name'),
    status: status === 'completed' || status === 'in_progress' || status === 'waiting' ? status : 'queued',
    conclusion: isNothing(job['conclusion']) ? null : readText(job, 'conclusion'),
    runner: readOptionalText(job, 'runner_name') || null,
    // GitHub gives a job that waits the time at which it was made.
    started: status === 'in_progress' || status === 'completed' ? readOptionalText(job, 'started_at') || null : null,
    ended: status === 'completed' ? readOptionalText(job, 'completed_at') || null : null,
    step: current === undefined ? null : readText(current, 'name'),
  }
}

export function readArtifact(value: unknown): ForgeArtifact & { readonly isExpired: boolean } {
  const artifact = readObject(value, 'an artifact')
  return { id: readId(artifact), name: readText(artifact, 'name'), bytes: readCount(artifact, 'size_in_bytes'), isExpired: artifact['expired'] === true }
}

function readCommitId(answer: Answer): string {
  const id = readText(answer, 'sha')
  // SHA-256 repositories have longer ones; GitHub has none of them.
  if (!/^[0-9a-f]{40}$/.test(id)) throw notUnderstood('an id of Git')
  return id
}

function readBoolean(answer: Answer, name: string): boolean {
  const value = answer[name]
  if (typeof value !== 'boolean') throw notUnderstood(`a truth value \`${name}\``)
  return value
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined
}
