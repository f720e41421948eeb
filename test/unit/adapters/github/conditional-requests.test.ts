import { describe, expect, it } from 'vitest'
import { byteCache } from '../../../../adapters/github/byte-cache.ts'
import { conditionally, type RememberedAnswer } from '../../../../adapters/github/conditional-requests.ts'

const URL = 'https://api.github.com/repos/a/b/pulls'
const cache = () => byteCache<RememberedAnswer>(100_000)

/** GitHub with one answer, which changes when a test says so. */
function github() {
  const state = { body: 'one', conditions: [] as (string | null)[] }
  const send = async (_url: string, init: RequestInit): Promise<Response> => {
    const condition = new Headers(init.headers).get('if-none-match')
    state.conditions.push(condition)
    const etag = `W/"${state.body}"`
    if (condition === etag) return new Response(null, { status: 304 })
    return new Response(state.body, { status: 200, headers: { etag, 'content-type': 'application/json', link: '<x>; rel="next"', 'x-other': 'y' } })
  }
  return { state, send }
}

const get = { method: 'GET', headers: { accept: 'application/json' } }

describe('an answer that was given before', () => {
  it('is asked for only if it changed, and is given again with what Octokit reads of it', async () => {
    const { state, send } = github()
    const ask = conditionally(send, cache(), '1/2')
    for (const [body, condition] of [
      ['one', null],
      ['one', 'W/"one"'],
      ['two', 'W/"one"'],
      ['two', 'W/"two"'],
    ] as const) {
      state.body = body
      const answer = await ask(URL, get)
      expect([answer.status, await answer.text(), state.conditions.at(-1)]).toEqual([200, body, condition])
      expect(Object.fromEntries(answer.headers)).toEqual({ 'content-type': 'application/json', link: '<x>; rel="next"' })
    }
  })

  it('is nobody else’s, and of no other request', async () => {
    const { state, send } = github()
    const shared = cache()
    await conditionally(send, shared, '1/2')(URL, get)
    await conditionally(send, shared, '1/3')(URL, get)
    await conditionally(send, shared, '1/2')(`${URL}?page=2`, get)
    await conditionally(send, shared, '1/2')(URL, { ...get, headers: { accept: 'text/plain' } })
    await conditionally(send, shared, '1/2')(URL, { ...get, method: 'POST' })
    await conditionally(send, shared, '1/2')(URL, get, { cutBytes: 3 })
    expect(state.conditions).toEqual([null, null, null, null, null, null])
  })

  it.each(['git/blobs/1', 'git/trees/1', 'git/commits/1', 'actions/artifacts/1/zip'])('is not remembered here of %s', async (path) => {
    const { state, send } = github()
    const ask = conditionally(send, cache(), '1/2')
    for (let times = 0; times < 2; times += 1) await ask(`https://api.github.com/repos/a/b/${path}`, get)
    expect(state.conditions).toEqual([null, null])
  })

  it.each([
    ['without an ETag', async () => new Response('x', { status: 200 })],
    ['that is a refusal', async () => new Response('x', { status: 404, headers: { etag: '"x"' } })],
  ])('is not remembered %s', async (_, send) => {
    const shared = cache()
    const answer = await conditionally(send, shared, '1/2')(URL, get)
    expect(await answer.text()).toBe('x')
    const { state, send: next } = github()
    await conditionally(next, shared, '1/2')(URL, get)
    expect(state.conditions).toEqual([null])
  })
})
