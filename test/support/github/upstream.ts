/** `emulate` (vercel-labs, Apache-2.0) on a port of its own: repositories, pull requests, comments, Git data, tokens of apps. */
import { createSign } from 'node:crypto'
import { createEmulator } from 'emulate'
import { freePort } from '../registry-process.ts'
import type { TagStore } from './releases.ts'

/** What a job's token may do, as a workflow's `permissions` say it. */
export type Permissions = Readonly<Partial<Record<'contents' | 'issues' | 'pull_requests', 'read' | 'write'>>>

export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly content: Buffer
}

export interface Upstream {
  /** Newest commit of a branch. */
  headOf(repository: string, branch: string): Promise<string | undefined>
  readonly tags: TagStore
  send(method: string, path: string, headers: Readonly<Record<string, string>>, content?: Buffer): Promise<UpstreamAnswer>
  /** A token as a job gets it. */
  mint(permissions: Permissions): Promise<string>
  close(): Promise<void>
}

/** The one repository, the people, and their tokens. */
export const WORLD = { owner: 'sage', repository: 'plugin', maintainer: 'token-of-the-maintainer', stranger: 'token-of-a-stranger' } as const
/** Who the workflow's token is. */
export const WORKFLOW_LOGIN = 'github-actions[bot]'

/** The app behind the workflow's token; its number is GitHub's own. */
const APP = { app_id: 15_368, slug: 'github-actions', installation: 100 } as const
const GRANTED = { metadata: 'read', contents: 'write', issues: 'write', pull_requests: 'write', checks: 'write', actions: 'write', statuses: 'write' } as const
/** What belongs to one connection, and is not passed on to another. */
const HOP_HEADERS = /^(?:host|connection|keep-alive|content-length|content-encoding|transfer-encoding)$/

/** Starts it; `baseUrl` is the address that stands in its answers. */
export async function startUpstream(baseUrl: string): Promise<Upstream> {
  const port = await freePort()
  const emulator = await createEmulator({ service: 'github', port, baseUrl, seed: seed() })
  const key = emulator.generatedSecrets.find(({ kind }) => kind === 'github.app_private_key')?.value ?? ''

  const send: Upstream['send'] = async (method, path, headers, content) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.test(name))),
      ...(content?.length && { body: new Uint8Array(content) }),
      redirect: 'manual',
    })
    const kept = [...answer.headers].filter(([name]) => !HOP_HEADERS.test(name))
    return { status: answer.status, headers: Object.fromEntries(kept), content: Buffer.from(await answer.arrayBuffer()) }
  }
  const sendJson = async (method: string, path: string, authorization: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const { status, content } = await send(method, path, { authorization, 'content-type': 'application/json' }, body && Buffer.from(JSON.stringify(body)))
    return { status, body: content.length === 0 ? undefined : JSON.parse(content.toString('utf8')) }
  }
  const commitOf = async (repository: string, reference: string): Promise<string | undefined> => {
    const { status, body } = await sendJson('GET', `/repos/${repository}/git/ref/${reference}`, `token ${WORLD.maintainer}`)
    return status === 200 ? (body as { object: { sha: string } }).object.sha : undefined
  }
  return {
    send,
    headOf: (repository, branch) => commitOf(repository, `heads/${branch}`),
    tags: {
      commitOf: (repository, tag) => commitOf(repository, `tags/${tag}`),
      async create(repository, tag, target) {
        const sha = (await commitOf(repository, `heads/${target}`)) ?? target
        return (await sendJson('POST', `/repos/${repository}/git/refs`, `token ${WORLD.maintainer}`, { ref: `refs/tags/${tag}`, sha })).status === 201
      },
    },
    async mint(permissions) {
      const wanted = { permissions: { metadata: 'read', ...permissions } }
      const { status, body } = await sendJson('POST', `/app/installations/${APP.installation}/access_tokens`, `Bearer ${appToken(key)}`, wanted)
      if (status !== 201) throw new Error(`no token: ${JSON.stringify(body)}`)
      return (body as { token: string }).token
    },
    close: () => emulator.close(),
  }
}

function seed() {
  const { owner, repository, maintainer, stranger } = WORLD
  return {
    github: {
      users: ['octocat', 'stranger'].map((login) => ({ login, name: login, email: `${login}@example.org` })),
      orgs: [{ login: owner, name: 'Sage', members: [{ login: 'octocat', role: 'admin' }] }],
      repos: [{ owner, name: repository, auto_init: true }],
      apps: [
        {
          app_id: APP.app_id,
          slug: APP.slug,
          name: APP.slug,
          permissions: GRANTED,
          events: [],
          installations: [{ installation_id: APP.installation, account: owner, repository_selection: 'all' }],
        },
      ],
    },
    tokens: { [maintainer]: { login: 'octocat', scopes: ['repo'] }, [stranger]: { login: 'stranger', scopes: ['repo'] } },
  }
}

/** The token by which an app shows who it is (RFC 7519), from which those of its installations are made. */
function appToken(key: string): string {
  const now = Math.floor(Date.now() / 1000)
  const text = [
    { alg: 'RS256', typ: 'JWT' },
    { iat: now - 60, exp: now + 540, iss: String(APP.app_id) },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
}
