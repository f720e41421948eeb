import { describe, expect, test } from 'vitest'

import { readWorkstationEnvironment } from '../../../../adapters/workstation/environment.ts'

describe('the environment of a workstation', () => {
  test.each([
    [{}, 'unix:///var/run/docker.sock', false],
    [{ DOCKER_HOST: '' }, 'unix:///var/run/docker.sock', false],
    [{ DOCKER_HOST: 'unix:///var/run/docker.sock' }, 'unix:///var/run/docker.sock', false],
    [{ DOCKER_HOST: 'tcp://10.0.0.1:2376' }, 'tcp://10.0.0.1:2376', true],
  ])('%j means the engine at %s, chosen by the person: %s', (env, dockerHost, dockerHostChosen) => {
    expect(readWorkstationEnvironment(env)).toMatchObject({ dockerHost, dockerHostChosen })
  })

  test('takes an absolute XDG_CACHE_HOME and ignores a relative one', () => {
    expect(readWorkstationEnvironment({ XDG_CACHE_HOME: '/big' }).cacheFolder).toBe('/big/ctss')
    expect(readWorkstationEnvironment({ XDG_CACHE_HOME: 'big' }).cacheFolder).toMatch(/\/\.cache\/ctss$/)
  })

  test('hands proxy variables on as they were spelled, and no others', () => {
    expect(readWorkstationEnvironment({ https_proxy: 'http://p:1', NO_PROXY: 'x', http_proxy: '', SECRET: 's' }).proxies).toEqual({
      https_proxy: 'http://p:1',
      NO_PROXY: 'x',
    })
  })

  test('looks for daemons where a login shell does not', () => {
    expect(readWorkstationEnvironment({ PATH: '/bin' }).path.split(':')).toEqual(expect.arrayContaining(['/bin', '/usr/sbin', '/usr/local/go/bin']))
  })
})
