import { setOutput } from '@actions/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readRunId, saveRunId } from '../../../actions/post-state.ts'
import { tellRunner } from '../../../actions/tell-runner.ts'

afterEach(() => vi.unstubAllEnvs())

describe('what a step tells the runner', () => {
  it.each([
    ['is full', '/dev/full', { code: 'storage-full', message: 'writing the outputs: no space left' }],
    ['is not there', '/nowhere/output', { code: 'storage-unavailable', message: 'writing the outputs: Missing file at path: /nowhere/output' }],
    ['is a folder', '/tmp', { code: 'storage-unavailable', message: expect.stringMatching(/^writing the outputs: EISDIR/) }],
  ])('is lost with a sentence where its file %s', (_, file, failure) => {
    vi.stubEnv('GITHUB_OUTPUT', file)
    expect(() => tellRunner('writing the outputs', () => setOutput('outcome', 'passed'))).toThrow(expect.objectContaining(failure))
  })

  it('hides no bug of ours', () => {
    const broken = (): never => {
      throw new TypeError('x is not a function')
    }
    expect(() => tellRunner('writing', broken)).toThrow(new TypeError('x is not a function'))
  })

  it('is, for its post step, the run that it began', () => {
    expect(readRunId()).toBeUndefined()
    vi.stubEnv('STATE_run', '1-2-3')
    expect(readRunId()).toBe('1-2-3')
    vi.stubEnv('GITHUB_STATE', '/dev/full')
    expect(() => saveRunId('1-2-3')).toThrow(expect.objectContaining({ code: 'storage-full' }))
  })
})
