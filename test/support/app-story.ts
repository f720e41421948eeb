import { createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readAppEnvironment } from '../../app/environment.ts'
import { openLog } from '../../app/log.ts'
import { startService } from '../../app/service.ts'
import { openServiceStore, type ServiceStore } from '../../adapters/service-state/open-service-store.ts'
import { memoryServiceStore } from './memory-service-store.ts'
import type { Files, Github, GithubOptions, StoredCheck, WorkflowRun } from './github/api.ts'
import { startGithub } from './github/github.ts'
import { startRegistryProcess } from './registry-process.ts'

/** Repository that the machines' runs are dispatched in. */
export const CONTROL = 'sage/control'
/** Workflow whose jobs may ask for plans. */
export const DISPATCH_WORKFLOW = 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0'
/** What jobs ask their tokens for. */
export const PUBLIC_URL = 'https://ctss.example.org'

const CONTROL_FILE = `name: Dispatch
run-name: \${{ inputs.repository }} · \${{ inputs.plan }}
on: { workflow_dispatch: { inputs: { repository: { required: true }, plan: {}, commit: {}, app: {}, path: {}, runner: {}, runners: {}, registry: {} } } }
jobs: { dispatch: { uses: ${DISPATCH_WORKFLOW.replace('refs/tags/', '')} } }
`

/** Every secret that the service was started with. */
const SECRETS = {
  operator: 'the-token-of-the-operator-of-this-test-0123',
  link: 'the-secret-of-the-links-of-this-test-012345',
  webhook: 'the-secret-of-the-webhook-of-this-test',
  registry: 'the-password-of-the-registry-of-this-test',
}

export interface AppStoryOptions {
  /** `owner/name`, besides the control repository. */
  readonly repositories: readonly string[]
  /** What they hold from the beginning, before the app is there; a README without it. */
  readonly files?: Files
  readonly people?: readonly string[]
  /** Of the app; all that the stand-in gives without it. */
  readonly app?: GithubOptions['app']
  /** In the place of the service's other variables. */
  readonly environment?: Readonly<Record<string, string>>
  /** `embedded`: the database that the service brings itself; `memory` without it. */
  readonly database?: 'embedded' | 'memory'
}

/** The whole service as it runs, at a GitHub that is not real. Nobody runs what is dispatched, unless a test does. */
export interface AppStory extends AsyncDisposable {
  readonly github: Github
  readonly url: string
  readonly store: Pick<ServiceStore, 'state' | 'inbox'>
  /** Where the images would be: host and namespace. */
  readonly registry: string
  /** What the service has logged, a JSON document in each line. */
  log(): string
  /** Until GitHub and the service are at rest; what sleeps until a later time is left asleep. */
  settle(): Promise<void>
  /** The app's checks of a commit: conclusion, or status, by name. */
  checks(repository: string, commit: string): Readonly<Record<string, string>>
  /** The one check of that name. Throws where there is none, or another one. */
  check(repository: string, commit: string, name: string): StoredCheck
  /** Runs that were dispatched for a repository. */
  dispatches(repository: string): readonly WorkflowRun[]
  /** What the app says on a pull request or issue. */
  said(repository: string, number: number): Promise<readonly string[]>
  /** Everything that the app has written at GitHub so far, one text each: checks, comments, reviews. */
  written(repository: string): Promise<readonly string[]>
  /** A delivery of a test's own making, signed as GitHub's unless `headers` say otherwise; what the service answers. */
  deliver(event: string, payload: unknown, headers?: Readonly<Record<string, string>>): Promise<number>
  /** What a job asks of the service's API: `runs/ID/plan` and its like. */
  ask(method: string, path: string, token: string, body?: unknown): Promise<Response>
  /** Every secret that is in a text: of the service, and tokens of GitHub's form. */
  secretsIn(text: string): readonly string[]
}

const SETTLE_MS = 60_000
/** Looks in a row in which nothing was under way. */
const QUIET_LOOKS = 3
const TOKEN = /\bgh[a-z]_[A-Za-z0-9_.-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{20,}\.[\w-]{20,}/g

/** Starts both. */
export async function startAppStory({
  repositories,
  files = { 'README.md': 'A plugin to come.\n' },
  people,
  app,
  environment = {},
  database = 'memory',
}: AppStoryOptions): Promise<AppStory> {
  const github = await startGithub({
    app: { webhookSecret: SECRETS.webhook, ...app },
    repositories: [
      ...repositories.map((name) => ({ name, files })),
      { name: CONTROL, isPrivate: true, files: { '.github/workflows/dispatch.yml': CONTROL_FILE } },
    ],
    installations: [],
    ...(people && { people }),
  })
  const registry = await startRegistryProcess()
  const folder = mkdtempSync(join(tmpdir(), 'ctss-story-'))
  const store =
    database === 'embedded'
      ? await openServiceStore({ place: { folder: join(folder, 'database') }, backoffSeconds: 0, attempts: 3 })
      : memoryServiceStore({ backoffMs: 20, attempts: 3 })
  const lines: string[] = []
  const service = await startService(
    readAppEnvironment({
      PUBLIC_URL,
      OPERATOR_TOKEN: SECRETS.operator,
      STATE_FOLDER: folder,
      PORT: '0',
      GITHUB_URL: github.url,
      OIDC_ISSUER: github.oidc.url,
      APP_ID: String(github.app.id),
      PRIVATE_KEY: github.app.privateKey,
      WEBHOOK_SECRET: SECRETS.webhook,
      LINK_SECRET: SECRETS.link,
      CONTROL_REPOSITORY: CONTROL,
      DISPATCH_WORKFLOW,
      REGISTRY: `${registry.host}/sage`,
      // It is asked for base images, and has none.
      BASE_REGISTRIES: registry.host,
      REGISTRY_USERNAME: 'ctss',
      REGISTRY_PASSWORD: SECRETS.registry,
      TRUSTED_BOTS: 'dependabot[bot]',
      REPOSITORY_RUNS: '100',
      OWNER_RUNS: '1000',
      ...environment,
    }),
    { log: openLog('debug', { write: (line: string) => void lines.push(line) }), store, forge: { writeGapMs: 0 }, settleMs: 200 },
  )
  const url = `http://127.0.0.1:${service.port}`
  github.webhooks.connect(`${url}/api/github/webhooks`)
  await github.install({ account: 'sage' })
  const isOurs = ({ app: name }: StoredCheck): boolean => name === github.app.slug

  const story: AppStory = {
    github,
    url,
    store,
    registry: `${registry.host}/sage`,
    log: () => lines.join(''),
    async settle() {
      const deadline = performance.now() + SETTLE_MS
      for (let quiet = 0; quiet < QUIET_LOOKS;) {
        await github.settle('webhooks')
        const { waiting, active, retrying } = await store.inbox.counts()
        quiet = waiting + active + retrying === 0 ? quiet + 1 : 0
        if (performance.now() > deadline) throw new Error(`it does not settle:\n${lines.slice(-20).join('')}`)
        await sleep(20)
      }
    },
    checks(repository, commit) {
      const checks = github.repo(repository).checks(commit).filter(isOurs)
      return Object.fromEntries(checks.toSorted((one, other) => one.id - other.id).map(({ name, status, conclusion }) => [name, conclusion ?? status]))
    },
    check(repository, commit, name) {
      const [found, ...others] = github
        .repo(repository)
        .checks(commit)
        .filter((check) => check.name === name)
      if (found === undefined || others.length > 0) throw new Error(`${others.length + (found === undefined ? 0 : 1)} checks are called ${name}`)
      return found
    },
    dispatches: (repository) => github.actions.runs(CONTROL).filter(({ inputs }) => inputs['repository'] === repository),
    async said(repository, number) {
      return (await github.repo(repository).comments(number)).filter(({ login }) => login === github.app.login).map(({ body }) => body)
    },
    async written(repository) {
      const hosted = github.repo(repository)
      const texts: string[] = hosted
        .checks()
        .filter(isOurs)
        .map((check) => JSON.stringify(check))
      for (const { number } of hosted.pulls()) {
        texts.push(...(await story.said(repository, number)))
        texts.push(...hosted.reviews(number).map((review) => JSON.stringify(review)))
      }
      return texts
    },
    async deliver(event, payload, headers = {}) {
      const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
      const answer = await fetch(`${url}/api/github/webhooks`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': event,
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${createHmac('sha256', SECRETS.webhook).update(body).digest('hex')}`,
          ...headers,
        },
      })
      return answer.status
    },
    ask: async (method, path, token, body) =>
      fetch(`${url}/api/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    secretsIn: (text) => [...Object.values(SECRETS).filter((secret) => text.includes(secret)), ...(text.match(TOKEN) ?? [])],
    async [Symbol.asyncDispose]() {
      await service.stop()
      await rm(folder, { recursive: true, force: true })
      await registry[Symbol.asyncDispose]()
      await github[Symbol.asyncDispose]()
    },
  }
  await story.settle()
  return story
}
