import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveDataApi, type DataApi } from '../../../../adapters/virtual-waggle/data-api.ts'

const LINE = '{"timestamp":"2023-11-14T22:13:20.000000001Z","name":"env.test","value":1.5,"meta":{"node":"1"}}'

describe('the data API of a Virtual Waggle', () => {
  let api: DataApi
  beforeAll(async () => {
    api = await serveDataApi(`${LINE}\nnot a line\n`)
  })
  afterAll(() => api[Symbol.asyncDispose]())

  const post = async (body: string) => {
    const response = await fetch(api.endpoint, { method: 'POST', body })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

  it('answers with the lines as they were captured', async () => {
    const { status, text, headers } = await post('{"start":"2023-01-01T00:00:00Z"}')
    expect([status, text]).toEqual([200, `${LINE}\n`])
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="sage-download.*\.ndjson"$/)
  })

  it.each([
    ['no body', '', 400, 'error: no query provided'],
    ['more than 4096 bytes', `{"start":"-1h","filter":{"name":"${'x'.repeat(4096)}"}}`, 400, 'error: query is too large - must be <1KB'],
    ['an unknown field', '{"start":"-1h","limit":3}', 400, 'error: failed to parse query: json: unknown field "limit"'],
    ['no start', '{}', 400, 'error: failed to parse query: missing start field'],
    ['a private bucket', '{"start":"-1h","bucket":"_monitoring"}', 500, 'error: failed to query backend: not authorized to access bucket "_monitoring"'],
  ])('refuses %s', async (_case, body, status, message) => {
    expect(await post(body)).toMatchObject({ status, text: `${message}\n` })
  })

  it('has nothing at other paths', async () => {
    expect((await fetch(new URL('/elsewhere', api.endpoint))).status).toBe(404)
  })
})
