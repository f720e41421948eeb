/** `emulate` (vercel-labs, Apache-2.0) on a port of its own: accounts, repositories, forks, issues and what is said in them. It judges nobody's rights. */
import { createEmulator } from 'emulate'
import { freePort } from '../registry-process.ts'

export type { Permissions } from './api.ts'

export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly content: Buffer
}

export interface UpstreamWorld {
  readonly people: readonly string[]
  readonly organisations: readonly string[]
  readonly repositories: readonly { readonly owner: string; readonly name: string; readonly isPrivate: boolean; readonly defaultBranch: string }[]
}

export interface Upstream {
  /** As somebody asks it. */
  send(method: string, path: string, login: string, headers: Readonly<Record<string, string>>, content?: Buffer): Promise<UpstreamAnswer>
  /** The same with JSON; throws unless it answers with 2xx. */
  ask(method: string, path: string, login: string, body?: object): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

/** Of each person: emulate lets a token make 5,000 requests, and what GitHub limits is counted by the gateway. */
const TOKENS = 100

/** What belongs to one connection, and is not passed on to another, and what is the gateway's own. */
const HOP_HEADERS = /^(?:host|connection|keep-alive|content-length|content-encoding|transfer-encoding|authorization|if-none-match|x-ratelimit-.*)$/

/** Starts it; `baseUrl` is the address that stands in its answers. */
export async function startUpstream(baseUrl: string, { people, organisations, repositories }: UpstreamWorld): Promise<Upstream> {
  const port = await freePort()
  let turn = 0
  const tokenOf = (login: string, index = turn++ % TOKENS): string => `upstream-${people.indexOf(login)}-${index}`
  const emulator = await createEmulator({
    service: 'github',
    port,
    baseUrl,
    seed: {
      github: {
        users: people.map((login) => ({ login, name: login, email: `${login.replace(/\W/g, '')}@example.org` })),
        orgs: organisations.map((login) => ({ login, name: login, members: people.map((member) => ({ login: member, role: 'admin' })) })),
        repos: repositories.map(({ owner, name, isPrivate, defaultBranch }) => ({
          owner,
          name,
          private: isPrivate,
          default_branch: defaultBranch,
          auto_init: false,
        })),
      },
      tokens: Object.fromEntries(
        people.flatMap((login) => Array.from({ length: TOKENS }, (_, index) => [tokenOf(login, index), { login, scopes: ['repo'] }] as const)),
      ),
    },
  })
  const send: Upstream['send'] = async (method, path, login, headers, content) => {
    const sent = Object.entries(headers).filter(([name]) => !HOP_HEADERS.test(name))
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...Object.fromEntries(sent), authorization: `token ${tokenOf(people.includes(login) ? login : (people[0] ?? ''))}` },
      ...(content?.length && { body: new Uint8Array(content) }),
      redirect: 'manual',
    })
    const kept = [...answer.headers].filter(([name]) => !HOP_HEADERS.test(name))
    return { status: answer.status, headers: Object.fromEntries(kept), content: Buffer.from(await answer.arrayBuffer()) }
  }
  return {
    send,
    async ask(method, path, login, body) {
      const { status, content } = await send(method, path, login, { 'content-type': 'application/json' }, body && Buffer.from(JSON.stringify(body)))
      if (status >= 300) throw new Error(`${method} ${path}: emulate answered ${status} ${content.toString('utf8')}`)
      return content.length === 0 ? {} : (JSON.parse(content.toString('utf8')) as Readonly<Record<string, unknown>>)
    },
    close: () => emulator.close(),
  }
}
