import type { Delivery } from '../ports/inbox.ts'
import { STAGES } from '../stage.ts'
import { readExternalId, stageOfCheck } from './check-identity.ts'
import { accountOf, commitOf, idOf, loginOf, objectOf, objectsOf, refOf, textOf, timeOf, type PayloadObject } from './payload.ts'
import { readCommands } from './read-command.ts'
import type { Wish, WishKind } from './wish.ts'
import type { Account } from './world.ts'

/** A repository that came, went, or is called something else. */
export interface RepositoryChange {
  readonly kind: 'installed' | 'removed' | 'renamed' | 'transferred' | 'suspended' | 'unsuspended'
  readonly id: number
  readonly owner: string
  readonly name: string
  /** Undefined: the payload does not tell. */
  readonly installation: number | undefined
}

/** An installation as a whole: all of its repositories, named or not. */
export interface InstallationChange {
  readonly kind: 'removed' | 'suspended' | 'unsuspended' | 'permissions'
  readonly installation: number
}

/** A workflow run that has got further; the app knows whether it is one of ours. */
export interface ControlRun {
  readonly workflowRun: number
  readonly repository: number
  /** The whole run has completed; else a job of it has come further. */
  readonly isOver: boolean
}

/** A repository that an installation tells of, whatever about. */
export interface SeenRepository {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly installation: number
}

/** What one webhook tells. Empty in every part: nothing that concerns us. */
export interface DeliveryReading {
  readonly deliveries: readonly Delivery[]
  /** Of what the deliveries are about: where nothing is known of it, its installation was not told of. */
  readonly seen?: SeenRepository
  readonly repositories: readonly RepositoryChange[]
  readonly installations: readonly InstallationChange[]
  readonly controlRuns: readonly ControlRun[]
  /** Of checks that name a commit alone, as those of forks do: the app puts them to the refs that it knows to be there. */
  readonly unplaced: readonly UnplacedDelivery[]
}

export interface UnplacedDelivery extends Omit<Delivery, 'address'> {
  readonly repository: number
  readonly commit: string
}

export interface DeliveryOptions {
  /** Of our app: checks of others are no business of ours. */
  readonly appId: number
}

interface Envelope {
  readonly guid: string
  /** `pull_request.synchronize` */
  readonly cause: string
  readonly action: string
  readonly payload: PayloadObject
  readonly repository: RepositoryFields | undefined
  readonly installation: number | undefined
  readonly sender: Account | undefined
  readonly now: string
  readonly options: DeliveryOptions | undefined
}

interface RepositoryFields {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly defaultBranch: string | undefined
}

const NOTHING: DeliveryReading = { deliveries: [], repositories: [], installations: [], controlRuns: [], unplaced: [] }
const MOST_REPOSITORIES = 10_000
const BODY_CHARACTERS = 262_144
const PULL_ACTIONS: readonly string[] = ['opened', 'reopened', 'synchronize', 'ready_for_review', 'converted_to_draft', 'closed', 'edited']

/**
 * What a webhook means to us. The payload is GitHub's, its texts are strangers': each field is looked at and capped, and one that is not what it should be is
 * as good as absent. `now` is RFC 3339. Never throws. Without `appId` any app's checks count as ours if their `external_id` is one of ours.
 */
export function readDelivery(event: string, guid: string, payload: unknown, now: string, options?: DeliveryOptions): DeliveryReading {
  const fields = objectOf(payload)
  const action = textOf(fields['action'], 60) ?? ''
  const envelope: Envelope = {
    guid,
    cause: action === '' ? event : `${event}.${action}`,
    action,
    payload: fields,
    repository: readRepository(fields['repository']),
    installation: idOf(objectOf(fields['installation'])['id']),
    sender: accountOf(fields['sender']),
    now,
    options,
  }
  const told = { ...NOTHING, ...READERS.get(event)?.(envelope) }
  const { repository, installation } = envelope
  if (told.deliveries.length === 0 || repository === undefined || installation === undefined) return told
  return { ...told, seen: { id: repository.id, owner: repository.owner, name: repository.name, installation } }
}

type Reader = (envelope: Envelope) => Partial<DeliveryReading>

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['push', readPush],
  ['create', readRefEvent],
  ['delete', readRefEvent],
  ['pull_request', readPullRequest],
  ['issue_comment', readComment],
  ['check_run', readCheckRun],
  ['check_suite', readCheckSuite],
  ['release', readRelease],
  ['installation', readInstallation],
  ['installation_repositories', readInstallationRepositories],
  ['repository', readRepositoryEvent],
  ['workflow_run', (envelope) => readWorkflow(envelope, objectOf(envelope.payload['workflow_run'])['id'])],
  ['workflow_job', (envelope) => readWorkflow(envelope, objectOf(envelope.payload['workflow_job'])['run_id'])],
])

function wake({ guid, cause, repository }: Envelope, ref: string | undefined, more: Pick<Delivery, 'pushed' | 'wish'> = {}): Partial<DeliveryReading> {
  if (repository === undefined || ref === undefined) return {}
  return { deliveries: [{ id: guid, address: { repository: repository.id, ref }, cause, ...more }] }
}

/** Branches and tags, made, moved and deleted. Who pushed is who was signed in, whatever the commits say. */
function readPush(envelope: Envelope): Partial<DeliveryReading> {
  const { payload, sender } = envelope
  const ref = refOf(payload['ref'])
  const commit = payload['deleted'] === true ? undefined : pushedCommit(ref, payload)
  const at = timeOf(objectOf(payload['repository'])['pushed_at'])
  return wake(envelope, ref, commit === undefined || sender === undefined ? {} : { pushed: { commit, by: sender, ...(at !== undefined && { at }) } })
}

/** `after` is what the ref names: of an annotated tag that is the tag itself, and `head_commit` its commit (github.blog, 2021-10-01). */
function pushedCommit(ref: string | undefined, { after, head_commit: head }: PayloadObject): string | undefined {
  return (ref?.startsWith('refs/tags/') === true ? commitOf(objectOf(head)['id']) : undefined) ?? commitOf(after)
}

/** Only wakes: GitHub sends no push for some of them, and these name no commit. */
function readRefEvent(envelope: Envelope): Partial<DeliveryReading> {
  const { ref, ref_type: type } = envelope.payload
  const folder = type === 'branch' ? 'heads' : type === 'tag' ? 'tags' : undefined
  const name = textOf(ref, 1000)
  return folder === undefined || name === undefined ? {} : wake(envelope, refOf(name.startsWith('refs/') ? name : `refs/${folder}/${name}`))
}

/** A pull request is its head: the branch, where it is one of this repository, else GitHub's copy of the fork's. */
function readPullRequest(envelope: Envelope): Partial<DeliveryReading> {
  const { action, payload, repository, sender } = envelope
  const pull = objectOf(payload['pull_request'])
  const head = objectOf(pull['head'])
  const number = idOf(pull['number'])
  if (!PULL_ACTIONS.includes(action) || repository === undefined || number === undefined) return {}
  // A fork that was deleted has no repository any more.
  if (idOf(objectOf(head['repo'])['id']) === repository.id) return wake(envelope, refOf(`refs/heads/${textOf(head['ref'], 1000) ?? ''}`))
  const commit = commitOf(head['sha'])
  const at = timeOf(pull['updated_at'])
  const isNew = action === 'opened' || action === 'reopened' || action === 'synchronize'
  const pushed = isNew && commit !== undefined && sender !== undefined ? { pushed: { commit, by: sender, ...(at !== undefined && { at }) } } : {}
  return wake(envelope, pullRef(number), pushed)
}

function pullRef(number: number): string {
  return `refs/pull/${number}/head`
}

/** What an issue, which no commit belongs to, can ask. */
const ISSUE_COMMANDS: readonly string[] = ['init', 'help', 'explain', 'unknown']

/**
 * Commands of people, written now: an edited comment never commands, and no bot does, nor an app in somebody's name. A comment knows only the number of its
 * pull request, so it goes to `refs/pull/<number>/head`; the worker hands it on to the branch where there is one. On an issue it is about the default branch.
 */
function readComment(envelope: Envelope): Partial<DeliveryReading> {
  const { action, payload, repository, guid, cause, sender, now } = envelope
  const comment = objectOf(payload['comment'])
  const issue = objectOf(payload['issue'])
  const author = accountOf(comment['user'])
  const id = idOf(comment['id'])
  const number = idOf(issue['number'])
  const isWritten = action === 'created' && author?.kind === 'person' && author.login === sender?.login && !isPresent(comment['performed_via_github_app'])
  if (!isWritten || repository === undefined || id === undefined || number === undefined) return {}
  const isPull = isPresent(issue['pull_request'])
  const ref = isPull ? pullRef(number) : refOf(`refs/heads/${repository.defaultBranch ?? ''}`)
  if (ref === undefined) return {}
  const commands = readCommands(textOf(comment['body'], BODY_CHARACTERS) ?? '').filter(({ what }) => isPull || ISSUE_COMMANDS.includes(what.kind))
  return {
    deliveries: commands.map(({ what, commit }, index) => ({
      id: nth(guid, index),
      address: { repository: repository.id, ref },
      cause,
      wish: {
        id: nth(`comment:${id}`, index),
        what,
        by: author,
        at: timeOf(comment['created_at']) ?? now,
        ...(commit !== undefined && { commit }),
        comment: { id, issue: number },
      },
    })),
  }
}

function nth(id: string, index: number): string {
  return index === 0 ? id : `${id}/${index + 1}`
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

const BUTTON_WISHES: Readonly<Record<string, WishKind>> = {
  run: { kind: 'run', stages: [], again: false },
  again: { kind: 'run', stages: [], again: true },
  approve: { kind: 'approve' },
  record: { kind: 'record' },
}

/** Buttons of our checks, and GitHub's own "Re-run". */
function readCheckRun(envelope: Envelope): Partial<DeliveryReading> {
  const { action, payload, options } = envelope
  const check = objectOf(payload['check_run'])
  const identity = readExternalId(textOf(check['external_id'], 4096) ?? '')
  const isOurs = options === undefined ? identity !== undefined : idOf(objectOf(check['app'])['id']) === options.appId
  const what = isOurs
    ? wishOfCheck(action, textOf(objectOf(payload['requested_action'])['identifier'], 20), stageOfCheck(textOf(check['name'], 2048) ?? ''))
    : undefined
  if (what === undefined) return {}
  const path = identity === undefined || identity.path === '' ? {} : { path: identity.path }
  return placeCheck(envelope, {
    ref: identity?.ref ?? branchOf(objectOf(check['check_suite'])['head_branch']),
    commit: commitOf(check['head_sha']),
    what,
    ...path,
  })
}

function wishOfCheck(action: string, identifier: string | undefined, stageName: string | undefined): WishKind | undefined {
  const stage = STAGES.find((name) => name === stageName)
  const pressed = action === 'rerequested' ? (stage === undefined ? 'run' : 'again') : action === 'requested_action' ? identifier : undefined
  const what = pressed === undefined || !Object.hasOwn(BUTTON_WISHES, pressed) ? undefined : BUTTON_WISHES[pressed]
  return what?.kind === 'run' && stage !== undefined ? { ...what, stages: [stage] } : what
}

/** "Re-run all checks". */
function readCheckSuite(envelope: Envelope): Partial<DeliveryReading> {
  const { action, payload, options } = envelope
  const suite = objectOf(payload['check_suite'])
  const isOurs = options !== undefined && idOf(objectOf(suite['app'])['id']) === options.appId
  if (action !== 'rerequested' || !isOurs) return {}
  return placeCheck(envelope, { ref: branchOf(suite['head_branch']), commit: commitOf(suite['head_sha']), what: { kind: 'run', stages: [], again: true } })
}

function branchOf(name: unknown): string | undefined {
  return refOf(`refs/heads/${textOf(name, 1000) ?? ''}`)
}

interface CheckWish {
  readonly ref: string | undefined
  readonly commit: string | undefined
  readonly what: WishKind
  readonly path?: string
}

function placeCheck(envelope: Envelope, { ref, commit, what, path }: CheckWish): Partial<DeliveryReading> {
  const { guid, cause, repository, sender, now } = envelope
  if (repository === undefined || commit === undefined || sender?.kind !== 'person') return {}
  const wish: Wish = { id: `button:${guid}`, what, by: sender, at: now, commit, ...(path !== undefined && { path }) }
  return ref === undefined ? { unplaced: [{ id: guid, repository: repository.id, commit, cause, wish }] } : wake(envelope, ref, { wish })
}

/** A release that somebody has made by hand is completed, if its tag is one of ours. */
function readRelease(envelope: Envelope): Partial<DeliveryReading> {
  const tag = textOf(objectOf(envelope.payload['release'])['tag_name'], 1000)
  return envelope.action === 'published' && tag !== undefined ? wake(envelope, refOf(`refs/tags/${tag}`)) : {}
}

function readInstallation({ action, payload, installation }: Envelope): Partial<DeliveryReading> {
  if (installation === undefined) return {}
  const owner = loginOf(objectOf(objectOf(payload['installation'])['account'])['login'])
  const kind = INSTALLATION_KINDS.get(action)
  const repositories = kind === undefined ? [] : readRepositories(payload['repositories'], kind, owner, installation)
  const change = INSTALLATION_CHANGES.get(action)
  return { repositories, installations: change === undefined ? [] : [{ kind: change, installation }] }
}

const INSTALLATION_KINDS = new Map<string, RepositoryChange['kind']>([
  ['created', 'installed'],
  ['deleted', 'removed'],
  ['suspend', 'suspended'],
  ['unsuspend', 'unsuspended'],
])

const INSTALLATION_CHANGES = new Map<string, InstallationChange['kind']>([
  ['deleted', 'removed'],
  ['suspend', 'suspended'],
  ['unsuspend', 'unsuspended'],
  ['new_permissions_accepted', 'permissions'],
])

function readInstallationRepositories({ payload, installation }: Envelope): Partial<DeliveryReading> {
  if (installation === undefined) return {}
  const owner = loginOf(objectOf(objectOf(payload['installation'])['account'])['login'])
  return {
    repositories: [
      ...readRepositories(payload['repositories_added'], 'installed', owner, installation),
      ...readRepositories(payload['repositories_removed'], 'removed', owner, installation),
    ],
  }
}

function readRepositories(value: unknown, kind: RepositoryChange['kind'], owner: string | undefined, installation: number): readonly RepositoryChange[] {
  return objectsOf(value, MOST_REPOSITORIES).flatMap((fields) => {
    const id = idOf(fields['id'])
    const name = repositoryName(fields['name'])
    return id === undefined || name === undefined || owner === undefined ? [] : [{ kind, id, owner, name, installation }]
  })
}

/** What changes how a repository is called, and what its default branch has to be looked at for: archived or not, another default branch. */
function readRepositoryEvent(envelope: Envelope): Partial<DeliveryReading> {
  const { action, repository, installation } = envelope
  if (repository === undefined) return {}
  const kind = action === 'renamed' || action === 'transferred' ? action : action === 'deleted' ? 'removed' : undefined
  const { id, owner, name, defaultBranch } = repository
  if (kind !== undefined) return { repositories: [{ kind, id, owner, name, installation }] }
  return ['archived', 'unarchived', 'edited', 'privatized', 'publicized'].includes(action) ? wake(envelope, branchOf(defaultBranch)) : {}
}

function readWorkflow({ repository, cause }: Envelope, id: unknown): Partial<DeliveryReading> {
  const workflowRun = idOf(id)
  return repository === undefined || workflowRun === undefined
    ? {}
    : { controlRuns: [{ workflowRun, repository: repository.id, isOver: cause === 'workflow_run.completed' }] }
}

function readRepository(value: unknown): RepositoryFields | undefined {
  const fields = objectOf(value)
  const id = idOf(fields['id'])
  const name = repositoryName(fields['name'])
  const owner = objectOf(fields['owner'])
  // Pushes name their owner, where other events have a login.
  const login = loginOf(owner['login']) ?? loginOf(owner['name'])
  return id === undefined || name === undefined || login === undefined
    ? undefined
    : { id, owner: login, name, defaultBranch: textOf(fields['default_branch'], 1000) }
}

function repositoryName(value: unknown): string | undefined {
  const name = textOf(value, 100)
  return name !== undefined && /^[\w.-]+$/.test(name) ? name : undefined
}
