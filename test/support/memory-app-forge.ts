import { createHash } from 'node:crypto'
import { Failure } from '../../pipeline/failure.ts'
import type {
  AppForge,
  CheckContent,
  ControlForge,
  ForgeArtifact,
  ForgeDelivery,
  InstalledRepository,
  RepositoryForge,
} from '../../pipeline/ports/app-forge.ts'
import type { Access, Account, JobFacts, WorkflowRunFacts } from '../../pipeline/service/world.ts'
import { emptyWorld, memoryForge, type ForgeWorld } from './github/memory-forge.ts'
import { memoryTree } from './memory-tree.ts'

export interface MemoryCheck extends Omit<CheckContent, 'annotations'> {
  readonly id: number
  readonly commit: string
  readonly annotations: CheckContent['annotations']
  /** How often it was written. */
  readonly writes: number
}

export interface MemoryPull {
  readonly number: number
  readonly author: Account
  /** Undefined: a branch of the repository itself, `ref`. */
  readonly fork: string | undefined
  /** `refs/heads/…` of the repository itself; for a fork its `refs/pull/<number>/head`. */
  readonly ref: string
  readonly baseBranch: string
  isDraft: boolean
  isOpen: boolean
}

/** A repository of the forge: what a test looks at and changes. */
export interface MemoryRepository {
  readonly id: number
  owner: string
  name: string
  isPrivate: boolean
  isArchived: boolean
  isDeleted: boolean
  defaultBranch: string
  installation: number
  readonly access: Map<string, Access>
  readonly refs: Map<string, string>
  readonly commits: Map<string, { readonly files: Readonly<Record<string, string>>; readonly message: string }>
  readonly pulls: MemoryPull[]
  readonly checks: MemoryCheck[]
  readonly reactions: Set<string>
  readonly reviews: { readonly pullRequest: number; readonly bodies: readonly string[] }[]
  /** Lines of the pull requests' changes, `file:line`; undefined: all. */
  diff: ReadonlySet<string> | undefined
  readonly proposals: { readonly number: number; readonly branch: string; readonly base: string; readonly files: Readonly<Record<string, string>> }[]
  readonly forge: ForgeWorld
}

export interface MemoryWorkflowRun {
  readonly id: number
  readonly name: string
  readonly inputs: Readonly<Record<string, string>>
  readonly at: string
  status: WorkflowRunFacts['status']
  conclusion: string | null
  jobs: JobFacts[]
  artifacts: (ForgeArtifact & { readonly zip: Buffer })[]
}

/** A little GitHub in memory: it does what the port says, at once, and remembers every call. */
export interface MemoryAppForge {
  readonly forge: AppForge
  readonly repositories: Map<number, MemoryRepository>
  readonly runs: MemoryWorkflowRun[]
  readonly installations: { readonly id: number; owner: string; isSuspended: boolean; permissions: Record<string, string> }[]
  readonly deliveries: ForgeDelivery[]
  readonly redelivered: (number | string)[]
  /** Names of the calls so far, with what they were about. */
  readonly calls: string[]
  /** Asked before (`isDone` false) and after each call: throws to fail it there, after it was carried out. */
  onCall: (call: string, isDone: boolean) => void
  addRepository(owner: string, name: string, changes?: Partial<MemoryRepository>): MemoryRepository
  /** Makes a commit and moves a ref to it; its parent's files stay, those given as null go. */
  push(repository: MemoryRepository, ref: string, files: Readonly<Record<string, string | null>>, message?: string): string
}

const LOGIN = 'ctss[bot]'

/** Makes an empty one. */
export function memoryAppForge(now: () => string): MemoryAppForge {
  let lastId = 1000
  const nextId = (): number => (lastId += 1)
  const state: Omit<MemoryAppForge, 'forge'> = {
    repositories: new Map(),
    runs: [],
    installations: [],
    deliveries: [],
    redelivered: [],
    calls: [],
    onCall: () => undefined,
    addRepository(owner, name, changes = {}) {
      const forge = emptyWorld()
      forge.author = LOGIN
      const repository: MemoryRepository = {
        id: nextId(),
        owner,
        name,
        isPrivate: false,
        isArchived: false,
        isDeleted: false,
        defaultBranch: 'main',
        installation: 1,
        access: new Map(),
        refs: new Map(),
        commits: new Map(),
        pulls: [],
        checks: [],
        reactions: new Set(),
        reviews: [],
        diff: undefined,
        proposals: [],
        forge,
        ...changes,
      }
      state.repositories.set(repository.id, repository)
      return repository
    },
    push(repository, ref, files, message = 'change') {
      const parent = repository.refs.get(ref) ?? repository.refs.get(`refs/heads/${repository.defaultBranch}`)
      const merged = Object.entries({ ...(parent && repository.commits.get(parent)?.files), ...files }).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      )
      const commit = createHash('sha1')
        .update(JSON.stringify([parent, merged, message, repository.commits.size]))
        .digest('hex')
      repository.commits.set(commit, { files: Object.fromEntries(merged), message })
      repository.refs.set(ref, commit)
      for (const pull of repository.pulls) if (pull.ref === ref) repository.forge.heads.set(pull.number, commit)
      if (ref.startsWith('refs/tags/')) repository.forge.tags.set(ref.slice('refs/tags/'.length), commit)
      return commit
    },
  }
  /** Each call is counted, and may be made to fail before or after it is carried out. */
  const watched = <Port extends object>(port: Port, about: string): Port =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function' || SYNCHRONOUS.has(String(name))) return method
        return async (...values: unknown[]): Promise<unknown> => {
          const call = `${about}${String(name)}${typeof values[0] === 'string' || typeof values[0] === 'number' ? ` ${values[0]}` : ''}`
          state.onCall(call, false)
          state.calls.push(call)
          const answer: unknown = await (method as (...all: unknown[]) => Promise<unknown>).apply(target, values)
          state.onCall(call, true)
          return answer
        }
      },
    })
  const forge: AppForge = {
    self: async () => ({ login: LOGIN, id: 7, slug: 'ctss' }),
    installations: async () => state.installations.map((installation) => structuredClone(installation)),
    installation: async (id) => structuredClone(state.installations.find((installation) => installation.id === id)),
    repositoriesOf: async (installation) =>
      [...state.repositories.values()]
        .filter((repository) => repository.installation === installation && !repository.isDeleted)
        .map(({ id, owner, name, isArchived, defaultBranch }) => ({ installation, id, owner, name, isArchived, defaultBranch })),
    open: (repository) => watched(openRepository(state, repository, nextId), ''),
    openControl: () => watched(openControl(state, nextId, now), 'control.'),
    readToken: async () => ({ token: 'ghs_test', expires: now() }),
    deliveries: async (since) => state.deliveries.filter(({ at }) => at >= since),
    async redeliver(id) {
      state.redelivered.push(id)
    },
  }
  return Object.assign(state, { forge: watched(forge, 'app.') })
}

/** These open something, and ask for nothing. */
const SYNCHRONOUS = new Set(['open', 'openControl', 'tree'])

function openRepository(state: Pick<MemoryAppForge, 'repositories' | 'calls'>, { id }: InstalledRepository, nextId: () => number): RepositoryForge {
  const found = (): MemoryRepository => {
    const repository = state.repositories.get(id)
    if (repository === undefined || repository.isDeleted) throw refused('Not Found')
    return repository
  }
  const writable = (): MemoryRepository => {
    const repository = found()
    if (repository.isArchived) throw refused('the repository is archived')
    return repository
  }
  const describe = (repository: MemoryRepository, pull: MemoryPull) => ({
    number: pull.number,
    isDraft: pull.isDraft,
    isFork: pull.fork !== undefined,
    author: pull.author,
    baseBranch: pull.baseBranch,
    head: repository.refs.get(pull.ref) ?? '',
    headBranch: pull.fork ?? pull.ref.slice('refs/heads/'.length),
  })
  const conversation = memoryForge(state.repositories.get(id)?.forge ?? emptyWorld())
  return {
    ...conversation,
    async facts() {
      const repository = state.repositories.get(id)
      if (repository === undefined || repository.isDeleted) return undefined
      const { owner, name, isPrivate, isArchived, defaultBranch } = repository
      return { id, owner, name, isPrivate, isArchived, defaultBranch }
    },
    refCommit: async (ref) => found().refs.get(ref),
    async commit(sha) {
      const commit = found().commits.get(sha)
      return commit && { message: commit.message }
    },
    isOnDefaultBranch: async (commit) => [...found().refs].some(([ref, sha]) => sha === commit && ref.startsWith('refs/heads/')),
    pullRequestsOf: async (branch) =>
      found()
        .pulls.filter(({ ref, isOpen, fork }) => isOpen && fork === undefined && ref === `refs/heads/${branch}`)
        .map((pull) => {
          const { head: _, headBranch: __, ...facts } = describe(found(), pull)
          return facts
        }),
    async pull(number) {
      const pull = found().pulls.find((candidate) => candidate.number === number)
      return pull && { ...describe(found(), pull), isOpen: pull.isOpen }
    },
    openPulls: async () =>
      found()
        .pulls.filter(({ isOpen }) => isOpen)
        .map((pull) => describe(found(), pull)),
    isBranchHead: async (commit) => [...found().refs].some(([ref, id]) => ref.startsWith('refs/heads/') && id === commit),
    access: async (login) => found().access.get(login) ?? 'none',
    lastPusher: async () => undefined,
    tree(commit, folder = '') {
      const { owner, name, commits } = found()
      const prefix = folder === '' ? '' : `${folder}/`
      const files = Object.entries(commits.get(commit)?.files ?? {}).flatMap(([path, text]) =>
        path.startsWith(prefix) ? [[path.slice(prefix.length), text] as const] : [],
      )
      const tree = memoryTree(Object.fromEntries(files), {
        repository: `https://github.com/${owner}/${name}`,
        commit,
        dirty: false,
        ...(folder !== '' && { prefix: folder }),
      })
      return {
        ...tree,
        async entries() {
          // Git's objects never change, so that they are asked for once.
          const call = `tree ${commit}`
          if (!state.calls.includes(call)) state.calls.push(call)
          return tree.entries()
        },
      }
    },
    checks: async (commit) =>
      found()
        .checks.filter((check) => check.commit === commit)
        .map(({ id: check, name, annotations }) => ({ id: check, name, annotationCount: annotations.length })),
    async createCheck(commit, content) {
      const check = { ...limited(content), id: nextId(), commit, writes: 1 }
      writable().checks.push(check)
      return check.id
    },
    async updateCheck(check, content) {
      const { checks } = writable()
      const index = checks.findIndex((candidate) => candidate.id === check)
      const before = checks[index]
      if (before === undefined) return false
      checks[index] = { ...before, ...limited(content), annotations: [...before.annotations, ...content.annotations], writes: before.writes + 1 }
      return true
    },
    async react(comment, reaction) {
      const exists = [...found().forge.comments.values()].flat().some((candidate) => candidate.id === comment)
      if (!exists) throw refused('there is no such comment')
      writable().reactions.add(`${comment} ${reaction}`)
    },
    async suggest(pullRequest, _commit, comments) {
      const { diff, reviews } = writable()
      if (diff !== undefined && comments.some(({ path, line }) => !diff.has(`${path}:${line}`))) return false
      reviews.push({ pullRequest, bodies: comments.map(({ body }) => body) })
      return true
    },
    reviewComments: async (pullRequest) =>
      found()
        .reviews.filter((review) => review.pullRequest === pullRequest)
        .flatMap(({ bodies }) => bodies),
    async propose({ branch, base, files }) {
      const { proposals } = writable()
      const known = proposals.find((proposal) => proposal.branch === branch)
      const number = known?.number ?? nextId()
      if (known === undefined)
        proposals.push({ number, branch, base, files: Object.fromEntries(files.map(({ path, content }) => [path, Buffer.from(content).toString('utf8')])) })
      return { number, url: `https://forge.invalid/pull/${number}` }
    },
  }
}

/** GitHub takes 50 annotations, 65,535 characters of summary, and three buttons at a time. */
function limited(content: CheckContent): CheckContent {
  if (content.annotations.length > 50 || content.summary.length > 65_535 || content.buttons.length > 3) throw refused('Validation Failed')
  return structuredClone(content)
}

function openControl(state: Pick<MemoryAppForge, 'runs'>, nextId: () => number, now: () => string): ControlForge {
  const find = (id: number): MemoryWorkflowRun | undefined => state.runs.find((run) => run.id === id)
  return {
    async dispatch(inputs) {
      const run: MemoryWorkflowRun = {
        id: nextId(),
        name: `${inputs['repository']} · ${inputs['plan']}`,
        inputs,
        at: now(),
        status: 'queued',
        conclusion: null,
        jobs: [],
        artifacts: [],
      }
      state.runs.push(run)
      return run.id
    },
    findRuns: async (text, since) => state.runs.filter(({ name, at }) => name.includes(text) && at >= since).map(({ id }) => id),
    async run(id) {
      const run = find(id)
      if (run === undefined) return { id, status: 'missing', conclusion: null, url: '', jobs: [] }
      return structuredClone({ id, status: run.status, conclusion: run.conclusion, url: `https://forge.invalid/runs/${id}`, jobs: run.jobs })
    },
    async cancel(id) {
      const run = find(id)
      if (run === undefined || run.status === 'completed') return
      Object.assign(run, { status: 'completed', conclusion: 'cancelled' })
    },
    artifacts: async (id) => (find(id)?.artifacts ?? []).map(({ id: number, name, bytes }) => ({ id: number, name, bytes })),
    async downloadArtifact(id, limitBytes) {
      const zip = state.runs.flatMap(({ artifacts }) => artifacts).find((artifact) => artifact.id === id)?.zip
      if (zip === undefined) throw refused('there is no such artifact')
      if (zip.length > limitBytes) throw new Failure('storage-corrupt', 'the artifact is too large')
      return zip
    },
  }
}

function refused(message: string): Failure {
  return new Failure('forge-refused', message, { suggestion: 'Grant the permission.' })
}
