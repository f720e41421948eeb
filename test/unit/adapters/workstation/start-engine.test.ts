import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { findEngine, removeLabelled, startEngine, stopEngine } from '../../../../adapters/workstation/docker-engine.ts'
import { fakeMachine } from './fake-machine.ts'
import type { FakeMachine } from './fake-machine.ts'

let machine: FakeMachine

beforeEach(async () => {
  machine = await fakeMachine()
})
afterEach(() => machine.dispose())

/** `docker info` as of an engine with our data folder, once `dockerd` has run. */
const docker = (folder: string): string => `[ -f ${folder}/up ] && printf '20.10.24\\n2\\nsystemd\\n${folder}/ctss/engine\\n["http://127.0.0.1:5055/"]\\n'`

describe('an engine of our own', () => {
  test('is started with our registry as its mirror, found as ours, and stopped', async () => {
    await machine.program('docker', docker(machine.folder))
    await machine.program('dockerd', `touch ${machine.folder}/up; exec -a dockerd bash -c 'while :; do sleep 0.1; done' -- "$@"`)
    expect(await findEngine(machine)).toBeUndefined()
    await startEngine(machine)
    expect(await findEngine(machine)).toMatchObject({ ours: true, usesOurMirror: true, cgroup: { version: 2, driver: 'systemd' } })
    expect((await machine.calls()).find((call) => call.startsWith('dockerd'))).toContain('--registry-mirror=http://127.0.0.1:5055')
    expect(await stopEngine(machine)).toBe(true)
    expect(await findEngine(machine)).toMatchObject({ ours: false })
    expect(await stopEngine(machine)).toBe(false)
  })

  test('that ends at once is a failure', async () => {
    await machine.program('docker', 'exit 1')
    await machine.program('dockerd', 'echo "no cgroups here"; exit 1')
    await expect(startEngine(machine)).rejects.toMatchObject({ code: 'engine-unavailable', message: expect.stringContaining('no cgroups here') })
  })

  test('is not started where DOCKER_HOST names another, nor by another user than root', async () => {
    const { environment } = machine
    await expect(startEngine({ ...machine, environment: { ...environment, dockerHostChosen: true } })).rejects.toMatchObject({
      suggestion: expect.stringContaining('unset DOCKER_HOST'),
    })
    await expect(startEngine({ ...machine, environment: { ...environment, isRoot: false } })).rejects.toMatchObject({
      suggestion: expect.stringContaining('usermod -aG docker'),
    })
  })
})

test('what bears our label is removed, and nothing else is asked for', async () => {
  await machine.program('docker', 'case "$1 $2" in "ps --all") echo c1; echo c2;; "network ls") echo n1;; esac')
  expect(await removeLabelled(machine)).toBe(3)
  expect(await machine.calls()).toEqual([
    'docker ps --all --quiet --filter label=org.sagecontinuum.ctss',
    'docker rm --force --volumes c1 c2',
    'docker network ls --quiet --filter label=org.sagecontinuum.ctss',
    'docker network rm n1',
    'docker volume ls --quiet --filter label=org.sagecontinuum.ctss',
  ])
})
