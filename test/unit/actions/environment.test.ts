import { homedir } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readActionsEnvironment } from '../../../actions/environment.ts'
import { Failure } from '../../../pipeline/failure.ts'

const LEAST = { GITHUB_WORKSPACE: '/work', RUNNER_TEMP: '/temp', GITHUB_REPOSITORY: 'zelda/clouds' }

function failureOf(env: NodeJS.ProcessEnv): Failure {
  try {
    readActionsEnvironment(env)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('the environment of a job', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('is read whole', () => {
    expect(
      readActionsEnvironment({
        ...LEAST,
        GITHUB_EVENT_NAME: 'push',
        GITHUB_EVENT_PATH: '/temp/event.json',
        GITHUB_REF: 'refs/heads/main',
        GITHUB_API_URL: 'https://github.example/api/v3',
        GITHUB_SERVER_URL: 'https://github.example',
        GITHUB_RUN_ID: '42',
        GITHUB_ACTOR: 'zelda',
        GITHUB_STEP_SUMMARY: '/temp/summary',
        DOCKER_CONFIG: '/docker',
        BUILDX_CONFIG: '/buildx',
        DOCKER_HOST: 'unix:///run/docker.sock',
        CTSS_DEADLINE: '2026-11-21T18:00:00Z',
        'INPUT_REGISTRY-PASSWORD': 's3cret',
        INPUT_PATH: '',
        PATH: '/bin',
      }),
    ).toEqual({
      workspace: '/work',
      temporary: '/temp',
      repository: 'zelda/clouds',
      owner: 'zelda',
      event: 'push',
      eventFile: '/temp/event.json',
      ref: 'refs/heads/main',
      apiUrl: 'https://github.example/api/v3',
      runUrl: 'https://github.example/zelda/clouds/actions/runs/42',
      runId: '42',
      actor: 'zelda',
      summaryFile: '/temp/summary',
      dockerConfigFolder: '/docker',
      buildxFolder: '/buildx',
      dockerHost: 'unix:///run/docker.sock',
      deadline: '2026-11-21T18:00:00Z',
      inputs: new Map([
        ['registry-password', 's3cret'],
        ['path', ''],
      ]),
    })
  })

  it('has github.com and the home folder where nothing else is said, and nothing that is empty', () => {
    const empty = Object.fromEntries(
      ['GITHUB_EVENT_PATH', 'GITHUB_STEP_SUMMARY', 'DOCKER_CONFIG', 'BUILDX_CONFIG', 'DOCKER_HOST', 'CTSS_DEADLINE'].map((name) => [name, '']),
    )
    for (const env of [LEAST, { ...LEAST, ...empty }]) {
      expect(readActionsEnvironment(env)).toMatchObject({
        event: '',
        eventFile: undefined,
        apiUrl: 'https://api.github.com',
        runUrl: 'https://github.com/zelda/clouds/actions/runs/',
        summaryFile: undefined,
        dockerConfigFolder: `${homedir()}/.docker`,
        buildxFolder: undefined,
        dockerHost: undefined,
        deadline: undefined,
        inputs: new Map(),
      })
    }
  })

  it('is the process’s own', () => {
    for (const [name, value] of Object.entries(LEAST)) vi.stubEnv(name, value)
    vi.stubEnv('INPUT_STRICT', 'true')

    expect(readActionsEnvironment()).toMatchObject({ workspace: '/work', inputs: expect.any(Map) })
    expect(readActionsEnvironment().inputs.get('strict')).toBe('true')
  })

  it.each([
    [{}, 'GITHUB_WORKSPACE, RUNNER_TEMP, GITHUB_REPOSITORY are missing'],
    [{ ...LEAST, RUNNER_TEMP: '' }, 'RUNNER_TEMP is missing'],
    [{ ...LEAST, GITHUB_WORKSPACE: 'work', GITHUB_REPOSITORY: undefined }, 'GITHUB_WORKSPACE, GITHUB_REPOSITORY are missing'],
  ])('is refused with the names of all that is missing: %o', (env, sentence) => {
    const { code, message, suggestion } = failureOf(env)

    expect({ code, message }).toEqual({ code: 'workstation-unsupported', message: `this is not a job of GitHub Actions: ${sentence}` })
    expect(suggestion).toContain('ctss run')
  })
})
