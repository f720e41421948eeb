import { describe, expect, it } from 'vitest'
import { askEngine, connectEngine, engineFailure, engineStatus, removeQuietly } from '../../../../adapters/engine/connect.ts'
import { Failure } from '../../../../pipeline/failure.ts'

describe('the connection to an engine', () => {
  it.each([
    [undefined, { socketPath: '/var/run/docker.sock' }],
    ['', { socketPath: '/var/run/docker.sock' }],
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['tcp://10.0.0.1', { host: '10.0.0.1', port: 2375, protocol: 'http' }],
    ['https://engine.example:444', { host: 'engine.example', port: 444, protocol: 'https' }],
    ['https://engine.example', { port: 2376 }],
  ])('goes where DOCKER_HOST says: %s', (host, modem) => {
    expect(connectEngine(host).modem).toMatchObject(modem)
  })

  it('turns no answer, an answer and a full disk into failures', async () => {
    expect(engineFailure(new Error('connect ENOENT'), 'listing')).toMatchObject({
      code: 'engine-unavailable',
      message: 'the Docker Engine gave no answer (listing): connect ENOENT',
    })
    const refused = Object.assign(new Error('no such container'), { statusCode: 404 })
    expect([engineStatus(refused), engineStatus('text')]).toEqual([404, undefined])
    expect(engineFailure(refused, 'looking').message).toBe('the Docker Engine refused (looking): no such container')
    expect(engineFailure('write: no space left on device', 'pulling')).toMatchObject({ code: 'storage-full' })
    const failure = new Failure('cancelled', 'stop')
    await expect(askEngine('waiting', Promise.reject(failure))).rejects.toBe(failure)
    expect(await askEngine('waiting', Promise.resolve(7))).toBe(7)
  })

  it('removes without complaint', async () => {
    await expect(removeQuietly({ remove: () => Promise.reject(new Error('gone')) })).resolves.toBeUndefined()
  })

  it('fails when nobody answers there', async () => {
    await expect(askEngine('asking', connectEngine('unix:///nowhere.sock').info())).rejects.toMatchObject({ code: 'engine-unavailable' })
  })
})
