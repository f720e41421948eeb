import type { Value } from './template.ts'

/** What happened in a repository, as a workflow is told. */
export interface Trigger {
  readonly event: string
  readonly repository: string
  /** Full, such as `refs/heads/main`. */
  readonly ref: string
  readonly commit: string
  readonly actor: string
  /** From a fork: no secrets, and a token that only reads. */
  readonly fork: boolean
  readonly headRef: string
  readonly baseRef: string
  /** What the event's file holds. */
  readonly payload: Readonly<Record<string, Value>>
}

const ACTOR = 'zelda'

function describe(repository: string): Value {
  const [owner = '', name = ''] = repository.split('/')
  return {
    id: 7001,
    name,
    full_name: repository,
    owner: { login: owner, id: 7 },
    default_branch: 'main',
    private: false,
    fork: false,
    html_url: `https://github.com/${repository}`,
  }
}

/** A push of a commit to a branch or tag. */
export function push(repository: string, commit: string, ref = 'refs/heads/main'): Trigger {
  const payload = {
    ref,
    before: '0'.repeat(40),
    after: commit,
    created: false,
    deleted: false,
    forced: false,
    head_commit: { id: commit },
    repository: describe(repository),
  }
  return {
    event: 'push',
    repository,
    ref,
    commit,
    actor: ACTOR,
    fork: false,
    headRef: '',
    baseRef: '',
    payload: { ...payload, sender: { login: ACTOR }, pusher: { name: ACTOR } },
  }
}

/** A pull request to `main`; `commit` is that of its merge, `head` the author's own, in the repository `from`. */
export function pullRequest(
  repository: string,
  commits: { readonly commit: string; readonly head: string; readonly base: string },
  from = repository,
  number = 7,
): Trigger {
  const { commit, head, base } = commits
  const pull_request = {
    number,
    head: { ref: 'change', sha: head, label: `${from.split('/')[0]}:change`, repo: { ...(describe(from) as object), fork: from !== repository } as Value },
    base: { ref: 'main', sha: base, repo: describe(repository) },
    user: { login: ACTOR },
    merge_commit_sha: commit,
    draft: false,
    html_url: `https://github.com/${repository}/pull/${number}`,
  }
  const payload = { action: 'synchronize', number, pull_request, repository: describe(repository), sender: { login: ACTOR } }
  const fork = from !== repository
  return { event: 'pull_request', repository, ref: `refs/pull/${number}/merge`, commit, actor: ACTOR, fork, headRef: 'change', baseRef: 'main', payload }
}

/** A run that somebody starts by hand. */
export function dispatch(repository: string, commit: string, inputs: Readonly<Record<string, string>> = {}, ref = 'refs/heads/main'): Trigger {
  const payload = { ref, inputs, repository: describe(repository), sender: { login: ACTOR } }
  return { event: 'workflow_dispatch', repository, ref, commit, actor: ACTOR, fork: false, headRef: '', baseRef: '', payload }
}
