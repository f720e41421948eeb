import { Hono } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import { openLog } from '../../../../app/log.ts'
import { runEvents, type RunEventPorts } from '../../../../app/web/run-events.ts'
import type { RunWatch } from '../../../../app/web/watch-runs.ts'
import type { RunView } from '../../../../app/web/run-view.ts'
import { Failure } from '../../../../pipeline/failure.ts'

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

type Find = RunWatch['find']

/** A run in these states, one look after the other; undefined: it is gone. */
function inTurn(states: readonly (RunView['state'] | undefined)[]): Find {
  let look = 0
  return async () => {
    const state = states[Math.min(look, states.length - 1)]
    look += 1
    return state === undefined ? undefined : { view: { ...VIEW, state }, run: { state } as never }
  }
}

function open(find: Find, change: Partial<RunEventPorts & { maySee: () => Promise<boolean> }> = {}) {
  const stopping = new AbortController()
  const { maySee = async () => true, ...ports } = change
  const tell = runEvents({ runs: { find }, now: () => 0, log: openLog('silent'), lookMs: 0, heartbeatMs: 0, signal: stopping.signal, ...ports })
  const routes = new Hono().get('/', (context) => tell(context, 'r', maySee))
  return { stopping, get: async () => routes.request('/') }
}

/** What a reader gets. */
async function watch(states: readonly (RunView['state'] | undefined)[]): Promise<string> {
  return (await open(inTurn(states)).get()).text()
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

  it('ask for the run once for all who look at a time', async () => {
    const find = vi.fn(inTurn(['ended']))
    const { get } = open(find, { lookMs: 1000 })
    const texts = await Promise.all((await Promise.all([get(), get(), get()])).map(async (answer) => answer.text()))
    expect(texts.every((text) => text.includes('event: end'))).toBe(true)
    expect(find).toHaveBeenCalledTimes(1)
  })

  it('are told to so many at a time, and to others when these are done', async () => {
    const { get, stopping } = open(inTurn(['queued']), { lookMs: 10, mostStreams: 2 })
    const streams = [await get(), await get()]
    const third = await get()
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '60'])
    await streams[0]?.body?.cancel()
    await vi.waitFor(async () => expect((await get()).status).toBe(200))
    stopping.abort()
  })

  it('end with the right to see them', async () => {
    const maySee = vi.fn(async () => maySee.mock.calls.length < 3)
    const text = await (await open(inTurn(['queued']), { maySee }).get()).text()
    expect(text.match(/^event: \w+|^data: ""/gm)).toEqual(['event: run', 'event: run', 'data: ""', 'event: end'])
  })

  it('break off where the state cannot be asked, which the log says, and nobody else', async () => {
    const lines: string[] = []
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    let looks = 0
    const find: Find = async (id) => {
      looks += 1
      if (looks > 1) throw new Failure('storage-unavailable', 'no connection with ghs_16C7e42F292c6912E7710c838347Ae178B4a')
      return inTurn(['queued'])(id)
    }
    const text = await (await open(find, { log: openLog('info', { write: (line: string) => void lines.push(line) }) }).get()).text()
    expect(text.match(/^event: \w+/gm)).toEqual(['event: run'])
    expect([lines.join('').includes('no connection with [token]'), said.mock.calls]).toEqual([true, []])
    said.mockRestore()
  })
})
