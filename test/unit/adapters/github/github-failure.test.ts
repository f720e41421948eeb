import { describe, expect, it } from 'vitest'
import { githubFailure, isAlreadyThere, statusOf } from '../../../../adapters/github/github-failure.ts'
import { Failure } from '../../../../pipeline/failure.ts'

const CALL = { what: 'comment on pull request 3', permission: 'pull-requests: write' }

function answered(status: number, data: unknown): Error {
  return Object.assign(new Error('x'), { status, response: { status, data, headers: {} } })
}

describe('a refusal', () => {
  it.each<readonly [number, unknown, string, RegExp]>([
    [401, { message: 'Bad credentials' }, 'GitHub refused to comment on pull request 3: Bad credentials (401)', /not valid/],
    [
      403,
      { message: 'Resource not accessible by integration' },
      'GitHub refused to comment on pull request 3: Resource not accessible by integration (403)',
      /permissions: \{ pull-requests: write \}.*fork/,
    ],
    [404, { message: 'Not Found' }, 'GitHub refused to comment on pull request 3: Not Found (404)', /pull-requests: write/],
    [
      403,
      { message: 'Unable to create comment because issue is locked.' },
      'GitHub refused to comment on pull request 3: Unable to create comment because issue is locked. (403)',
      /unlock/,
    ],
    [
      403,
      { message: 'Repository was archived so is read-only.' },
      'GitHub refused to comment on pull request 3: Repository was archived so is read-only. (403)',
      /archived/,
    ],
    [
      422,
      { message: 'Validation Failed', errors: [{ message: 'too long' }, { code: 'custom' }, 'text', 7, null] },
      'GitHub refused to comment on pull request 3: Validation Failed; too long; custom; text (422)',
      /refused again/,
    ],
    [410, '<html>', 'GitHub refused to comment on pull request 3: no reason given (410)', /refused again/],
  ])('of %i %j says what GitHub said, and what to do', (status, data, message, suggestion) => {
    const failure = githubFailure(answered(status, data), CALL)
    expect(failure).toMatchObject({ code: 'forge-refused', message, suggestion: expect.stringMatching(suggestion) as string, retryable: false })
  })

  it('says what else it may mean, where access was refused', () => {
    const call = { ...CALL, hint: 'Or it is Sunday.' }
    expect(githubFailure(answered(404, {}), call)).toMatchObject({
      suggestion: expect.stringMatching(/fork GitHub grants no writing\. Or it is Sunday\.$/) as string,
    })
    expect(githubFailure(answered(422, {}), call)).toMatchObject({ suggestion: expect.not.stringContaining('Sunday') as string })
  })

  it('names the permission of an app, and where it is given', () => {
    const call = { ...CALL, hint: 'Or it is Sunday.' }
    expect(githubFailure(answered(403, { message: 'Resource not accessible by integration' }), call, 'app')).toMatchObject({
      suggestion: expect.stringMatching(/`pull-requests: write`.*Settings → GitHub Apps.*Sunday/) as string,
    })
    expect(githubFailure(answered(401, {}), CALL, 'app')).toMatchObject({ suggestion: expect.stringMatching(/private key.*clock/) as string })
  })

  it('is short, whatever was answered', () => {
    expect((githubFailure(answered(422, { message: 'x'.repeat(10_000) }), CALL) as Failure).message.length).toBeLessThan(500)
  })

  it('of a query comes with status 200', () => {
    const error = Object.assign(new Error('x'), { name: 'GraphqlResponseError', errors: [{ message: 'no viewer' }] })
    expect(githubFailure(error, CALL)).toMatchObject({ code: 'forge-refused', message: 'GitHub refused to comment on pull request 3: no viewer (200)' })
  })
})

describe('anything else', () => {
  it('is the failure that it wraps', () => {
    const failure = new Failure('forge-unavailable', 'down')
    expect(githubFailure(failure, CALL)).toBe(failure)
    expect(githubFailure(Object.assign(new Error('down', { cause: failure }), { status: 500 }), CALL)).toBe(failure)
  })

  it.each([new TypeError('bug'), Object.assign(new Error('x'), { status: 500 }), 'text', undefined])('is a bug, and stays what it is: %s', (cause) => {
    expect(githubFailure(cause, CALL)).toBe(cause)
    expect(statusOf(cause)).toBeUndefined()
  })
})

describe('a name that is taken', () => {
  it.each([
    [422, { errors: [{ code: 'custom' }, { code: 'already_exists', field: 'name' }] }, true],
    [422, { errors: [{ code: 'custom' }] }, false],
    [422, { message: 'Cannot upload assets to an immutable release.' }, false],
    [409, { errors: [{ code: 'already_exists' }] }, false],
  ])('%i %j: %s', (status, data, expected) => {
    expect(isAlreadyThere(answered(status, data))).toBe(expected)
  })
})
