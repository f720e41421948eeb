import { Octokit } from '@octokit/rest'
import { readList } from './answers.ts'
import { githubFailure, statusOf, type GithubCall } from './github-failure.ts'
import { githubTransport, type TransportOptions } from './transport.ts'

export interface GithubOptions extends TransportOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server. */
  readonly baseUrl: string
  readonly owner: string
  readonly repository: string
  readonly token: string
  /** Login that this token's comments carry; GitHub is asked where it is not known. */
  readonly author?: string
}

/** The most that GitHub gives at once. */
const PAGE_ITEMS = 100

interface Answer {
  readonly data: unknown
  readonly headers: { readonly link?: string | undefined }
}

/** One repository at GitHub, with one token. */
export interface GithubClient {
  readonly octokit: Octokit
  readonly place: { readonly owner: string; readonly repo: string }
  readonly options: GithubOptions
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
  ): Promise<readonly Item[]>
}

/** Octokit with our own transport: every answer is read through a guard, every refusal is a `Failure`. */
export function githubClient(options: GithubOptions): GithubClient {
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const octokit = new Octokit({
    auth: options.token,
    baseUrl: options.baseUrl,
    userAgent: 'ctss',
    log: quiet,
    request: { fetch: githubTransport(options), log: quiet },
  })

  const ask: GithubClient['ask'] = async (call, send, read) => {
    const { data } = await send().catch((cause: unknown) => {
      throw githubFailure(cause, call)
    })
    return read(data)
  }
  return {
    octokit,
    place: { owner: options.owner, repo: options.repository },
    options,
    ask,
    async find(call, send, read, isAnswer = (cause) => statusOf(cause) === 404) {
      const answer = await send().catch((cause: unknown) => {
        if (isAnswer(cause)) return undefined
        throw githubFailure(cause, call)
      })
      return answer === undefined ? undefined : read(answer.data)
    },
    async list(call, send, read, mostPages) {
      const items = []
      for (let page = 1; page <= mostPages; page += 1) {
        let link: string | undefined
        const sendPage = async (): Promise<Answer> => {
          const answer = await send({ page, per_page: PAGE_ITEMS })
          link = answer.headers.link
          return answer
        }
        items.push(...(await ask(call, sendPage, (data) => readList(data, read))))
        // A page may hold less than was asked for, and still not be the last one.
        if (link?.includes('rel="next"') !== true) break
      }
      return items
    },
  }
}
