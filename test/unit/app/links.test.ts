import { describe, expect, it } from 'vitest'
import { bearerOf, isOperator } from '../../../app/bearer.ts'
import { isEqual, openLinks } from '../../../app/links.ts'

const RUN = '0198a5c0-0000-4000-8000-000000000001'
const OTHER = '0198a5c0-0000-4000-8000-000000000002'
const links = openLinks({ publicUrl: 'https://ctss.example.org', linkSecret: 'l'.repeat(32) })
const others = openLinks({ publicUrl: 'https://ctss.example.org', linkSecret: 'm'.repeat(32) })
const keyOf = (url: string): string => new URL(url).searchParams.get('key') ?? ''
const chartKey = (url: string): string => new URL(url).pathname.split('/')[2] ?? ''

describe('links', () => {
  it('lead to a run, with a key where it is private', () => {
    expect(links.run(RUN, false)).toBe(`https://ctss.example.org/runs/${RUN}`)
    const key = keyOf(links.run(RUN, true))
    expect(key).toMatch(/^[\w-]{22}$/)
    expect([links.isRunKey(RUN, key), links.isRunKey(OTHER, key), others.isRunKey(RUN, key), links.isRunKey(RUN, '')]).toEqual([true, false, false, false])
  })

  it('lead to charts that nobody can guess, whose key is no key of the page', () => {
    const url = links.chart(RUN, 'image-size', 'dark')
    expect(url).toMatch(new RegExp(`^https://ctss.example.org/charts/${RUN}\\.[\\w-]{22}/image-size-dark\\.png$`))
    expect([links.readChartKey(chartKey(url)), others.readChartKey(chartKey(url)), links.readChartKey('x')]).toEqual([RUN, undefined, undefined])
    expect(links.readChartKey(`${RUN}.${keyOf(links.run(RUN, true))}`)).toBeUndefined()
    expect(links.isRunKey(RUN, chartKey(url).split('.')[1] ?? '')).toBe(false)
  })

  it('let a file be uploaded, one, and in time', () => {
    const upload = { run: RUN, digest: 'sha256:1', bytes: 5 }
    const ticket = links.ticket({ ...upload, until: 1000 })
    expect(links.isTicket(upload, ticket, 1000)).toBe(true)
    expect(links.isTicket(upload, ticket, 1001)).toBe(false)
    expect(links.isTicket({ ...upload, bytes: 6 }, ticket, 1000)).toBe(false)
    expect(links.isTicket({ ...upload, run: OTHER }, ticket, 1000)).toBe(false)
    expect(links.isTicket({ ...upload, digest: 'sha256:2' }, ticket, 1000)).toBe(false)
    expect(links.isTicket(upload, ticket.replace('1000', '9000'), 1000)).toBe(false)
    expect(links.isTicket(upload, 'nonsense', 1000)).toBe(false)
  })
})

describe('a bearer', () => {
  const request = (authorization?: string): Request => new Request('http://x/', authorization === undefined ? {} : { headers: { authorization } })

  it('is read from the header alone', () => {
    expect(bearerOf(request('Bearer abc'))).toBe('abc')
    expect(bearerOf(request('bearer  abc'))).toBe('abc')
    expect([bearerOf(request()), bearerOf(request('Basic abc')), bearerOf(request('Bearer a b')), bearerOf(request('Bearer '))]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('is an operator with the token, as a bearer or in the dialogue of a browser', () => {
    const basic = (text: string): Request => request(`Basic ${Buffer.from(text).toString('base64')}`)
    expect([isOperator(request('Bearer right'), 'right'), isOperator(basic('me:right'), 'right'), isOperator(basic('a:b:c'), 'b:c')]).toEqual([
      true,
      true,
      true,
    ])
    expect([
      isOperator(request('Bearer wrong'), 'right'),
      isOperator(basic('right:wrong'), 'right'),
      isOperator(request(), 'right'),
      isOperator(request('Digest x'), 'right'),
    ]).toEqual([false, false, false, false])
    expect([isEqual('a', 'a'), isEqual('a', 'b'), isEqual('', 'a')]).toEqual([true, false, false])
  })
})
