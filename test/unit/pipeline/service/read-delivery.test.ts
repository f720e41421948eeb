import { describe, expect, it } from 'vitest'
import { externalIdOf } from '../../../../pipeline/service/check-identity.ts'
import { readDelivery, type DeliveryReading } from '../../../../pipeline/service/read-delivery.ts'
import { Random, seedOf } from '../../../oracle/random.ts'

const NOW = '2026-11-21T12:00:00.000Z'
const COMMIT = 'b'.repeat(40)
const ZEROS = '0'.repeat(40)
const APP = 77
const repository = { id: 1, name: 'cloud-counter', default_branch: 'main', owner: { login: 'zelda' } }
const sender = { login: 'zelda', type: 'User' }
const bot = { login: 'renovate[bot]', type: 'Bot' }
const installation = { id: 5, account: { login: 'zelda' } }
const base = { repository, sender, installation }

function read(event: string, payload: unknown, options: { readonly appId: number } | undefined = { appId: APP }): DeliveryReading {
  return readDelivery(event, 'guid-1', payload, NOW, options)
}

function addresses(event: string, payload: unknown): readonly string[] {
  return read(event, payload).deliveries.map(({ address: { repository: id, ref } }) => `${id} ${ref}`)
}

const NOTHING: DeliveryReading = { deliveries: [], repositories: [], installations: [], controlRuns: [], unplaced: [] }

describe('a push', () => {
  it('tells who pushed what, and when', () => {
    const payload = { ...base, ref: 'refs/heads/feature', after: COMMIT, deleted: false, repository: { ...repository, pushed_at: 1_795_262_400 } }
    expect(read('push', payload).deliveries).toEqual([
      {
        id: 'guid-1',
        address: { repository: 1, ref: 'refs/heads/feature' },
        cause: 'push',
        pushed: { commit: COMMIT, by: { login: 'zelda', kind: 'person' }, at: '2026-11-21T12:00:00.000Z' },
      },
    ])
  })

  it.each([
    ['of a tag', { ref: 'refs/tags/v1.0.0', after: COMMIT, created: true }, COMMIT],
    ['of an annotated tag', { ref: 'refs/tags/v1.0.0', after: 'a'.repeat(40), head_commit: { id: COMMIT }, created: true }, COMMIT],
    ['of a tag without its commit', { ref: 'refs/tags/v1.0.0', after: COMMIT, head_commit: null }, COMMIT],
    ['of a branch is what it was moved to', { ref: 'refs/heads/feature', after: COMMIT, head_commit: { id: 'a'.repeat(40) } }, COMMIT],
    ['that is forced', { ref: 'refs/heads/feature', after: COMMIT, forced: true }, COMMIT],
    ['that deletes', { ref: 'refs/heads/feature', after: ZEROS, deleted: true }, undefined],
    ['that deletes, and says nonsense', { ref: 'refs/heads/feature', after: COMMIT, deleted: true }, undefined],
    ['of no commit', { ref: 'refs/heads/feature', after: 'bbbb' }, undefined],
    ['of a commit in SHA-256', { ref: 'refs/heads/feature', after: 'c'.repeat(64) }, 'c'.repeat(64)],
  ])('%s wakes its ref', (_, payload, commit) => {
    const [delivery] = read('push', { ...base, ...payload }).deliveries
    expect(delivery?.pushed?.commit).toBe(commit)
    expect(delivery?.address.ref).toBe(payload.ref)
  })

  it.each([
    ['of a person', { login: 'zelda', type: 'User' }, { login: 'zelda', kind: 'person' }],
    ['of a bot', bot, { login: 'renovate[bot]', kind: 'bot' }],
    ['of an organisation', { login: 'sage', type: 'Organization' }, { login: 'sage', kind: 'bot' }],
    ['of somebody named like a bot', { login: 'renovate[bot]', type: 'User' }, { login: 'renovate[bot]', kind: 'bot' }],
    ['of nobody', undefined, undefined],
    ['of a name that is none', { login: 'a\nb', type: 'User' }, undefined],
  ])('%s', (_, by, expected) => {
    expect(read('push', { ...base, sender: by, ref: 'refs/heads/x', after: COMMIT }).deliveries[0]?.pushed?.by).toEqual(expected)
  })

  it.each([
    ['refs/notes/x'],
    ['refs/heads/a b'],
    ['refs/heads/a\u0000'],
    ['refs/heads/'],
    [`refs/heads/${'x'.repeat(1001)}`],
    ['refs/heads/a[b'],
    [7],
    [undefined],
  ])('of %j is nothing', (ref) => {
    expect(read('push', { ...base, ref, after: COMMIT })).toEqual(NOTHING)
  })
})

describe('a ref that is made or deleted', () => {
  it.each([
    ['create', { ref: 'v1', ref_type: 'tag' }, ['1 refs/tags/v1']],
    ['create', { ref: 'refs/tags/v1', ref_type: 'tag' }, ['1 refs/tags/v1']],
    ['delete', { ref: 'feature', ref_type: 'branch' }, ['1 refs/heads/feature']],
    ['create', { ref: null, ref_type: 'repository' }, []],
    ['create', { ref: null, ref_type: 'branch' }, []],
  ])('%s %j', (event, payload, expected) => {
    expect(addresses(event, { ...base, ...payload })).toEqual(expected)
    expect(read(event, { ...base, ...payload }).deliveries[0]?.pushed).toBeUndefined()
  })
})

describe('a pull request', () => {
  const pull = (repo: unknown, action = 'opened') => ({
    ...base,
    action,
    pull_request: { number: 7, updated_at: '2026-11-21T11:59:00Z', head: { ref: 'feature', sha: COMMIT, repo } },
  })

  it('from the repository is its branch, and tells nobody who pushed', () => {
    expect(read('pull_request', pull({ id: 1 })).deliveries).toEqual([
      { id: 'guid-1', address: { repository: 1, ref: 'refs/heads/feature' }, cause: 'pull_request.opened' },
    ])
  })

  it.each([
    ['a fork', { id: 2 }],
    ['a fork that is gone', null],
    ['a fork with a branch of the same name', { id: 2, default_branch: 'feature' }],
  ])('from %s is its number', (_, repo) => {
    expect(read('pull_request', pull(repo)).deliveries).toEqual([
      {
        id: 'guid-1',
        address: { repository: 1, ref: 'refs/pull/7/head' },
        cause: 'pull_request.opened',
        pushed: { commit: COMMIT, by: { login: 'zelda', kind: 'person' }, at: '2026-11-21T11:59:00.000Z' },
      },
    ])
  })

  it.each(['opened', 'reopened', 'synchronize', 'ready_for_review', 'converted_to_draft', 'closed', 'edited'])('that is %s wakes', (action) => {
    expect(addresses('pull_request', pull(null, action))).toEqual(['1 refs/pull/7/head'])
  })

  it.each(['labeled', 'assigned', 'review_requested'])('that is %s does not', (action) => {
    expect(read('pull_request', pull(null, action))).toEqual(NOTHING)
  })

  it('that is closed tells of no push', () => {
    expect(read('pull_request', pull(null, 'closed')).deliveries[0]?.pushed).toBeUndefined()
  })
})

describe('a comment', () => {
  const comment = (body: unknown, changes: Record<string, unknown> = {}) => ({
    ...base,
    action: 'created',
    issue: { number: 7, pull_request: { url: 'x' } },
    comment: { id: 501, body, created_at: '2026-11-21T11:58:00Z', user: sender, performed_via_github_app: null },
    ...changes,
  })

  it('is a wish for its pull request', () => {
    expect(read('issue_comment', comment('/ctss run --again')).deliveries).toEqual([
      {
        id: 'guid-1',
        address: { repository: 1, ref: 'refs/pull/7/head' },
        cause: 'issue_comment.created',
        wish: {
          id: 'comment:501',
          what: { kind: 'run', stages: [], again: true },
          by: { login: 'zelda', kind: 'person' },
          at: '2026-11-21T11:58:00.000Z',
          comment: { id: 501, issue: 7 },
        },
      },
    ])
  })

  it('with several commands is a delivery each', () => {
    const { deliveries } = read('issue_comment', comment(`/ctss cancel\n/ctss approve ${COMMIT}`))
    expect(deliveries.map(({ id, wish }) => [id, wish?.id, wish?.commit])).toEqual([
      ['guid-1', 'comment:501', undefined],
      ['guid-1/2', 'comment:501/2', COMMIT],
    ])
  })

  it('without a time was written now', () => {
    expect(read('issue_comment', comment('/ctss run', { comment: { id: 501, body: '/ctss run', user: sender } })).deliveries[0]?.wish?.at).toBe(NOW)
  })

  it('on an issue is about the default branch, and asks for few things', () => {
    const payload = comment('/ctss init\n/ctss run\n/ctss approve\n/ctss help', { issue: { number: 9 } })
    expect(read('issue_comment', payload).deliveries.map(({ address, wish }) => [address.ref, wish?.what.kind])).toEqual([
      ['refs/heads/main', 'init'],
      ['refs/heads/main', 'help'],
    ])
  })

  it.each([
    ['is edited', comment('/ctss run', { action: 'edited' })],
    ['is deleted', comment('/ctss run', { action: 'deleted' })],
    ['says nothing to us', comment('Looks good.')],
    ['is quoted', comment('> /ctss run')],
    ['is a bot’s', comment('/ctss run', { sender: bot, comment: { id: 1, body: '/ctss run', user: bot } })],
    [
      'is made by an app in somebody’s name',
      comment('/ctss run', { comment: { id: 1, body: '/ctss run', user: sender, performed_via_github_app: { id: 3 } } }),
    ],
    ['is sent by somebody else than its author', comment('/ctss run', { sender: { login: 'ganon', type: 'User' } })],
    ['has no author', comment('/ctss run', { comment: { id: 1, body: '/ctss run', user: null } })],
    ['has no body', comment(null)],
    ['is too long', comment(`/ctss run\n${'x'.repeat(262_145)}`)],
    ['has no number', comment('/ctss run', { issue: {} })],
    [
      'is on an issue of a repository without a branch',
      comment('/ctss init', { issue: { number: 9 }, repository: { ...repository, default_branch: undefined } }),
    ],
  ])('that %s is nothing', (_, payload) => {
    expect(read('issue_comment', payload)).toEqual(NOTHING)
  })
})

describe('a check', () => {
  const check = (changes: Record<string, unknown> = {}, action = 'requested_action', identifier = 'again') => ({
    ...base,
    action,
    requested_action: { identifier },
    check_run: {
      name: 'ctss / virtual (plugins/bird)',
      head_sha: COMMIT,
      external_id: externalIdOf('refs/pull/7/head', 'plugins/bird'),
      app: { id: APP },
      check_suite: { head_branch: null },
      ...changes,
    },
  })

  it('whose button is pressed is a wish for its commit', () => {
    expect(read('check_run', check()).deliveries).toEqual([
      {
        id: 'guid-1',
        address: { repository: 1, ref: 'refs/pull/7/head' },
        cause: 'check_run.requested_action',
        wish: {
          id: 'button:guid-1',
          what: { kind: 'run', stages: ['virtual'], again: true },
          by: { login: 'zelda', kind: 'person' },
          at: NOW,
          commit: COMMIT,
          path: 'plugins/bird',
        },
      },
    ])
  })

  it.each([
    ['approve', 'ctss', { kind: 'approve' }],
    ['record', 'ctss / virtual', { kind: 'record' }],
    ['run', 'ctss', { kind: 'run', stages: [], again: false }],
    ['run', 'ctss / release (v1.0.0)', { kind: 'run', stages: [], again: false }],
  ])('%s of %s', (identifier, name, what) => {
    expect(read('check_run', check({ name, external_id: externalIdOf('refs/heads/x', '') }, 'requested_action', identifier)).deliveries[0]?.wish).toMatchObject(
      { what },
    )
  })

  it.each([
    ['ctss / build', { kind: 'run', stages: ['build'], again: true }],
    ['ctss', { kind: 'run', stages: [], again: false }],
  ])('%s that GitHub’s own button runs again', (name, what) => {
    expect(read('check_run', check({ name }, 'rerequested')).deliveries[0]?.wish?.what).toEqual(what)
  })

  it('that names no ref is its branch’s', () => {
    expect(addresses('check_run', check({ external_id: null, check_suite: { head_branch: 'feature' } }))).toEqual(['1 refs/heads/feature'])
  })

  it('of a fork that names no ref is for the app to place', () => {
    const reading = read('check_run', check({ external_id: 'else' }))
    expect(reading.deliveries).toEqual([])
    expect(reading.unplaced).toMatchObject([{ id: 'guid-1', repository: 1, commit: COMMIT, wish: { what: { kind: 'run' } } }])
  })

  it.each([
    ['another app’s', check({ app: { id: 1 } })],
    ['a button that we do not make', check({}, 'requested_action', 'constructor')],
    ['a button without name', { ...check(), requested_action: null }],
    ['created', check({}, 'created')],
    ['without commit', check({ head_sha: 'x' })],
    ['pressed by a bot', { ...check(), sender: bot }],
  ])('is nothing: %s', (_, payload) => {
    expect(read('check_run', payload)).toEqual(NOTHING)
  })

  it('counts by its name of ours where nobody says which app is ours', () => {
    expect(readDelivery('check_run', 'g', check({ app: { id: 1 } }), NOW).deliveries).toHaveLength(1)
    expect(readDelivery('check_run', 'g', check({ external_id: 'else' }), NOW)).toEqual(NOTHING)
  })

  const suite = (changes: Record<string, unknown> = {}, action = 'rerequested') => ({
    ...base,
    action,
    check_suite: { head_branch: 'feature', head_sha: COMMIT, app: { id: APP }, ...changes },
  })

  it('suite that runs again is everything again', () => {
    expect(read('check_suite', suite()).deliveries).toMatchObject([
      { address: { ref: 'refs/heads/feature' }, wish: { id: 'button:guid-1', what: { kind: 'run', stages: [], again: true }, commit: COMMIT } },
    ])
  })

  it.each([
    ['another app’s', suite({ app: { id: 1 } })],
    ['requested by a push', suite({}, 'requested')],
  ])('suite is nothing: %s', (_, payload) => {
    expect(read('check_suite', payload)).toEqual(NOTHING)
  })

  it('suite is nothing where nobody says which app is ours', () => {
    expect(readDelivery('check_suite', 'g', suite(), NOW)).toEqual(NOTHING)
  })
})

describe('a release', () => {
  it.each([
    ['published', 'v1.0.0', ['1 refs/tags/v1.0.0']],
    ['created', 'v1.0.0', []],
    ['published', undefined, []],
  ])('%s of %s', (action, tag, expected) => {
    expect(addresses('release', { ...base, action, release: { tag_name: tag } })).toEqual(expected)
  })
})

describe('an installation', () => {
  const repositories = [
    { id: 1, name: 'cloud-counter' },
    { id: 2, name: 'bird' },
    { id: 'x', name: 'bad' },
    { id: 3, name: '../x' },
  ]
  const kept = [
    { id: 1, owner: 'zelda', name: 'cloud-counter', installation: 5 },
    { id: 2, owner: 'zelda', name: 'bird', installation: 5 },
  ]

  it.each([
    ['created', 'installed', []],
    ['deleted', 'removed', [{ kind: 'removed', installation: 5 }]],
    ['suspend', 'suspended', [{ kind: 'suspended', installation: 5 }]],
    ['unsuspend', 'unsuspended', [{ kind: 'unsuspended', installation: 5 }]],
  ])('%s: its repositories are %s', (action, kind, installations) => {
    expect(read('installation', { action, installation, repositories })).toEqual({
      ...NOTHING,
      repositories: kept.map((entry) => ({ kind, ...entry })),
      installations,
    })
  })

  it('that is granted more says so', () => {
    expect(read('installation', { action: 'new_permissions_accepted', installation })).toEqual({
      ...NOTHING,
      installations: [{ kind: 'permissions', installation: 5 }],
    })
  })

  it('gets and loses repositories', () => {
    const payload = { action: 'added', installation, repositories_added: [repositories[0]], repositories_removed: [repositories[1]] }
    expect(read('installation_repositories', payload).repositories).toEqual([
      { kind: 'installed', ...kept[0] },
      { kind: 'removed', ...kept[1] },
    ])
  })

  it.each([
    ['installation', { action: 'created', repositories }],
    ['installation_repositories', { action: 'added', repositories_added: repositories }],
    ['installation_repositories', { action: 'added', installation: { id: 5 }, repositories_added: repositories }],
  ])('%s that does not say whose is nothing', (event, payload) => {
    expect(read(event, payload)).toEqual(NOTHING)
  })
})

describe('a repository', () => {
  it.each([
    ['renamed', 'renamed'],
    ['transferred', 'transferred'],
    ['deleted', 'removed'],
  ])('that is %s', (action, kind) => {
    expect(read('repository', { ...base, action }).repositories).toEqual([{ kind, id: 1, owner: 'zelda', name: 'cloud-counter', installation: 5 }])
  })

  it.each([
    ['archived', ['1 refs/heads/main']],
    ['edited', ['1 refs/heads/main']],
    ['created', []],
  ])('that is %s', (action, expected) => {
    expect(addresses('repository', { ...base, action })).toEqual(expected)
  })

  it('whose owner has only a name', () => {
    expect(addresses('push', { ...base, repository: { ...repository, owner: { name: 'zelda' } }, ref: 'refs/heads/x', after: COMMIT })).toEqual([
      '1 refs/heads/x',
    ])
  })

  it('that is not named is nothing', () => {
    expect(read('repository', { action: 'renamed' })).toEqual(NOTHING)
  })
})

describe('a workflow', () => {
  it.each([
    ['workflow_run', { workflow_run: { id: 9001 } }],
    ['workflow_job', { workflow_job: { id: 4, run_id: 9001 } }],
  ])('%s is told by its run', (event, payload) => {
    expect(read(event, { ...base, action: 'completed', ...payload })).toEqual({
      ...NOTHING,
      controlRuns: [{ workflowRun: 9001, repository: 1, isOver: event === 'workflow_run' }],
    })
    expect(read(event, { ...base, action: 'in_progress', ...payload }).controlRuns).toMatchObject([{ isOver: false }])
  })

  it('without run is nothing', () => {
    expect(read('workflow_job', base)).toEqual(NOTHING)
  })
})

describe('whatever comes', () => {
  it.each([[undefined], [null], [7], ['x'], [[]], [{}], [{ repository: [] }], [{ repository: { id: -1, name: 'x', owner: { login: 'y' } } }]])(
    '%j is nothing',
    (payload) => {
      for (const event of [
        'push',
        'create',
        'pull_request',
        'issue_comment',
        'check_run',
        'check_suite',
        'release',
        'installation',
        'repository',
        'workflow_run',
        'star',
        '__proto__',
      ]) {
        expect(read(event, payload), event).toEqual(NOTHING)
      }
    },
  )

  it('is read without a throw, and what is told of it is short and well-formed', () => {
    const values: readonly unknown[] = [
      null,
      0,
      -1,
      1,
      2 ** 60,
      '',
      'x'.repeat(5000),
      'refs/heads/x',
      COMMIT,
      [],
      {},
      sender,
      repository,
      true,
      NOW,
      '\ud800',
      Number.NaN,
    ]
    const names = [
      'action',
      'ref',
      'after',
      'repository',
      'sender',
      'pull_request',
      'issue',
      'comment',
      'check_run',
      'release',
      'installation',
      'workflow_run',
      'head',
      'number',
      'id',
      'body',
      'user',
    ]
    const events = [
      'push',
      'create',
      'pull_request',
      'issue_comment',
      'check_run',
      'check_suite',
      'release',
      'installation',
      'installation_repositories',
      'repository',
      'workflow_job',
    ]
    for (let seed = 0; seed < 2000; seed += 1) {
      const random = new Random(seedOf(11, seed))
      const make = (depth: number): Record<string, unknown> =>
        Object.fromEntries(
          names.filter(() => random.chance(0.6)).map((name) => [name, depth > 0 && random.chance(0.5) ? make(depth - 1) : random.pick(values)]),
        )
      const payload = { ...base, ...make(2) }
      for (const event of events) {
        for (const { address, pushed } of read(event, payload).deliveries) {
          expect(address.ref).toMatch(/^refs\/(heads|tags|pull)\/\S{1,1000}$/)
          expect(pushed?.commit ?? COMMIT).toMatch(/^[0-9a-f]{40,64}$/)
        }
      }
    }
  })
})
