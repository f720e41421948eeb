import { Octokit } from '@octokit/rest'
import { readList, readMember } from './answers.ts'
import { githubFailure, statusOf, type Asker, type GithubCall } from './github-failure.ts'
import type { Send } from './transport.ts'

export interface ClientOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server. */
  readonly baseUrl: string
  readonly owner: string
  readonly repository: string
  /** Undefined: what sends the requests adds one. */
  readonly token?: string
  /** Login that this token's comments carry; GitHub is asked where it is not known. */
  readonly author?: string
  /** Who asks: a refusal says where the permission is given. A job without it. */
  readonly asker?: Asker
}

/** The most that GitHub gives at once. */
const PAGE_ITEMS = 100

interface Answer {
  readonly data: unknown
  readonly headers: { readonly link?: string | undefined }
}

export interface ListOptions<Item> {
  /** Name of the list where an answer holds more than that. */
  readonly member?: string
  /** Whether no further page is wanted. */
  readonly isEnough?: (items: readonly Item[]) => boolean
}

/** One repository at GitHub, with one token. */
export interface GithubClient {
  readonly octokit: Octokit
  readonly place: { readonly owner: string; readonly repo: string }
  readonly options: ClientOptions
  /** Sends a request and reads its answer; fails as the port `Forge` does. */
  ask<Value>(call: GithubCall, send: () => Promise<Answer>, read: (data: unknown) => Value): Promise<Value>
  /** The same where a refusal may be an answer, as 404 is for what is not there: undefined. */
  find<Value>(call: GithubCall, send: () => Promise<Answer>, read: (data: unknown) => Value, isAnswer?: (cause: unknown) => boolean): Promise<Value | undefined>
  /** All pages of a list, `mostPages` at most. */
  list<Item>(
    call: GithubCall,
    send: (page: { readonly page: number; readonly per_page: number }) => Promise<Answer>,
    read: (item: unknown) => Item,
    mostPages: number,
    options?: ListOptions<Item>,
  ): Promise<readonly Item[]>
  /** The repository is now at another place; the requests that follow go there. */
  move(owner: string, repository: string): void
}

/** Octokit with our own transport: every answer is read through a guard, every refusal is a `Failure`. */
export function githubClient(options: ClientOptions, send: Send): GithubClient {
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const octokit = new Octokit({
    auth: options.token,
    baseUrl: options.baseUrl,
    userAgent: 'ctss',
    log: quiet,
    request: { fetch: (url: string, init: RequestInit) => send(url, init), log: quiet },
  })
  const place = { owner: options.owner, repo: options.repository }

  const ask: GithubClient['ask'] = async (call, send, read) => {
    const { data } = await send().catch((cause: unknown) => {
      throw githubFailure(cause, call, options.asker)
    })
    return read(data)
  }
  return {
    octokit,
    place,
    options,
    ask,
    async find(call, send, read, isAnswer = (cause) => statusOf(cause) === 404) {
      const answer = await send().catch((cause: unknown) => {
        if (isAnswer(cause)) return undefined
        throw githubFailure(cause, call, options.asker)
      })
      return answer === undefined ? undefined : read(answer.data)
    },
    async list(call, send, read, mostPages, { member, isEnough = () => false } = {}) {
      const items: ReturnType<typeof read>[] = []
      for (let page = 1; page <= mostPages; page += 1) {
        let link: string | undefined
        const sendPage = async (): Promise<Answer> => {
          const answer = await send({ page, per_page: PAGE_ITEMS })
          link = answer.headers.link
          return answer
        }
        items.push(...(await ask(call, sendPage, (data) => readList(member === undefined ? data : readMember(data, member), read))))
        if (isEnough(items)) break
        // A page may hold less than was asked for, and still not be the last one.
        if (link?.includes('rel="next"') !== true) break
      }
      return items
    },
    move(owner, repository) {
      place.owner = owner
      place.repo = repository
    },
  }
}
