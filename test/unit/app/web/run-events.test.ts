import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { runEvents } from '../../../../app/web/run-events.ts'
import type { RunWatch } from '../../../../app/web/watch-runs.ts'
import type { RunView } from '../../../../app/web/run-view.ts'

const VIEW: RunView = {
  id: 'r',
  title: 'zelda/counter',
  repositoryUrl: 'https://github.com/zelda/counter',
  commit: 'a'.repeat(40),
  ref: 'refs/heads/main',
  trust: 'trusted',
  state: 'queued',
  outcome: undefined,
  reason: undefined,
  created: '2026-11-21T12:00:00.000Z',
  dispatches: 0,
  workflowUrl: undefined,
  stages: [],
}

/** What a reader gets of a run that is found in these states, one look after the other; undefined: it is gone. */
async function watch(states: readonly (RunView['state'] | undefined)[]): Promise<string> {
  let look = 0
  const find: RunWatch['find'] = async () => {
    const state = states[Math.min(look, states.length - 1)]
    look += 1
    return state === undefined ? undefined : { view: { ...VIEW, state }, run: { state } as never }
  }
  const options = { lookMs: 0, heartbeatMs: 0, signal: new AbortController().signal }
  const routes = new Hono().get('/', (context) => runEvents(context, 'r', { find, isPublic: async () => true }, options))
  return (await routes.request('/')).text()
}

describe('the events of a run', () => {
  it('are sent when something has changed, and a line that says nothing when nothing has', async () => {
    const text = await watch(['queued', 'queued', 'queued', 'running', 'ended'])
    expect(text.match(/^event: \w+|^: still here/gm)).toEqual([
      'event: run',
      ': still here',
      ': still here',
      ': still here',
      'event: run',
      ': still here',
      'event: run',
      'event: end',
    ])
  })

  it('end with a run that is gone', async () => {
    expect((await watch(['queued', undefined])).match(/^event: \w+/gm)).toEqual(['event: run', 'event: run', 'event: end'])
  })
})
