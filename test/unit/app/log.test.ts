import { describe, expect, it } from 'vitest'
import { openLog, withLogContext, type Logger } from '../../../app/log.ts'

function logged(write: (log: Logger) => void): Record<string, unknown>[] {
  const lines: string[] = []
  write(openLog('debug', { write: (line: string) => void lines.push(line) }))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('the log', () => {
  it('carries what a line is about, however deep below', async () => {
    const lines: string[] = []
    const log = openLog('info', { write: (line: string) => void lines.push(line) })
    await withLogContext({ delivery: 'd1', event: 'push' }, async () => {
      await Promise.resolve()
      withLogContext({ ref: 'refs/heads/x' }, () => log.child({ name: 'part' }).info('inside'))
    })
    log.info('outside')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', name: 'part', delivery: 'd1', event: 'push', ref: 'refs/heads/x', msg: 'inside' })
    expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('delivery')
  })

  it.each([
    ['a token in a message', (log: Logger) => log.info('failed for ghs_16C7e42F292c6912E7710c838347Ae178B4a and more')],
    ['a new token, which holds a JWT', (log: Logger) => log.info('failed for ghs_12345_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJz.c2VjcmV0MTIzNDU2Nzg5')],
    ['a signed JWT', (log: Logger) => log.warn('with eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0c2VjcmV0c2Vj')],
    ['a header', (log: Logger) => log.info({ headers: { authorization: 'Bearer c2VjcmV0' } }, 'asked')],
    ['a secret among the fields', (log: Logger) => log.info({ token: 'c2VjcmV0', app: { pem: 'c2VjcmV0' } }, 'registered')],
    ['a payload', (log: Logger) => log.info({ payload: { text: 'c2VjcmV0' } }, 'came')],
    [
      'what hangs on an error',
      (log: Logger) =>
        log.error({ err: Object.assign(new Error('no'), { event: { payload: 'c2VjcmV0' }, request: { headers: { authorization: 'c2VjcmV0' } } }) }, 'failed'),
    ],
    ['a token in the cause of an error', (log: Logger) => log.error({ err: new Error('no', { cause: new Error('bearer c2VjcmV0') }) }, 'failed')],
    ['an error that is logged alone', (log: Logger) => log.error(Object.assign(new Error('no'), { event: 'c2VjcmV0' }))],
  ])('never holds %s', (_, write) => {
    const [line] = logged(write)
    expect(line).toBeDefined()
    expect(JSON.stringify(line)).not.toMatch(/c2VjcmV0|16C7e42F292c6912E7710c838347Ae178B4a/)
  })

  it('tells name, code, message and causes of an error', () => {
    const [line] = logged((log) => log.error({ err: new AggregateError([Object.assign(new Error('inner'), { code: 'ECONNREFUSED' })], 'outer') }, 'failed'))
    expect(line?.['err']).toMatchObject({ type: 'AggregateError', message: 'outer', cause: { type: 'Error', code: 'ECONNREFUSED', message: 'inner' } })
    expect(logged((log) => log.error({ err: 'thrown text' }, 'failed'))[0]?.['err']).toEqual({
      type: 'string',
      message: 'something was thrown that is no error',
    })
  })
})
