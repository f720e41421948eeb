import { describe, expect, it } from 'vitest'
import { isFurther } from '../../../../adapters/service-state/run-progress.ts'

describe('a run', () => {
  it.each([
    ['queued 0', 'dispatched 1', true],
    ['dispatched 1', 'running 1', true],
    ['running 1', 'ended 1', true],
    ['queued 0', 'ended 0', true],
    ['running 1', 'dispatched 2', true],
    ['running 2', 'ended 1', true],
    ['dispatched 1', 'dispatched 1', false],
    ['running 1', 'dispatched 1', false],
    ['dispatched 2', 'running 1', false],
    ['ended 1', 'dispatched 2', false],
    ['ended 1', 'ended 1', false],
  ] as const)('from %s to %s goes forward: %s', (from, to, expected) => {
    expect(isFurther(read(from), read(to))).toBe(expected)
  })
})

function read(text: `${'queued' | 'dispatched' | 'running' | 'ended'} ${number}`): Parameters<typeof isFurther>[0] {
  const [state, dispatches] = text.split(' ')
  if (state !== 'queued' && state !== 'dispatched' && state !== 'running' && state !== 'ended') throw new Error(text)
  return { state, dispatches: Number(dispatches) }
}
