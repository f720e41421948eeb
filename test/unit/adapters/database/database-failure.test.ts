import { describe, expect, it } from 'vitest'
import { databaseFailure } from '../../../../adapters/database/database-failure.ts'
import { Failure } from '../../../../pipeline/failure.ts'

function coded(code: string, message = 'as the server says it, with a secret'): Error {
  return Object.assign(new Error(message), { code })
}

describe('an error of a database', () => {
  it.each([
    ['53100', 'storage-full'],
    ['ENOSPC', 'storage-full'],
    ['53300', 'storage-unavailable'],
    ['53200', 'storage-unavailable'],
    ['25006', 'storage-unavailable'],
    ['57P01', 'storage-unavailable'],
    ['57P03', 'storage-unavailable'],
    ['08006', 'storage-unavailable'],
    ['40P01', 'storage-unavailable'],
    ['28P01', 'storage-unavailable'],
    ['3D000', 'storage-unavailable'],
    ['ECONNREFUSED', 'storage-unavailable'],
    ['ENOTFOUND', 'storage-unavailable'],
    ['EAI_AGAIN', 'storage-unavailable'],
    ['XX000', 'storage-unavailable'],
    ['XX001', 'storage-corrupt'],
    ['XX002', 'storage-corrupt'],
  ])('%s is %s, and repeats nothing that was sent', (code, failure) => {
    const cause = coded(code)
    const told = databaseFailure(cause)
    expect(told).toBeInstanceOf(Failure)
    expect(told).toMatchObject({ code: failure, cause, message: expect.stringContaining(code) })
    expect(told).not.toMatchObject({ message: expect.stringContaining('secret') })
  })

  it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect', 'Connection terminated due to connection timeout'])(
    '"%s", which has no code, is storage-unavailable',
    (message) => {
      expect(databaseFailure(new Error(message))).toMatchObject({ code: 'storage-unavailable' })
    },
  )

  it('is the end of the embedded engine where that aborts', () => {
    expect(databaseFailure(Object.assign(new Error('unreachable'), { name: 'RuntimeError' }))).toMatchObject({ code: 'storage-unavailable' })
  })

  it('of a name with several addresses is that of the first that has a code', () => {
    expect(databaseFailure(new AggregateError([new Error('?'), coded('ECONNREFUSED')]))).toMatchObject({ code: 'storage-unavailable' })
  })

  it.each([coded('42601', 'syntax error'), coded('23505', 'duplicate key'), new Error('ours'), new Failure('lock-held', 'as it is'), 'no error at all'])(
    'is left as it is where it is a bug of ours: %s',
    (error) => {
      expect(databaseFailure(error)).toBe(error)
    },
  )
})
