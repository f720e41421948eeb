import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Capture, type FloodLimits } from '../../../../adapters/virtual-waggle/capture.ts'
import { readBeehive } from '../../../../pipeline/virtual/beehive-ndjson.ts'

const IDENTITY = { appId: 'app', meta: { host: 'h', job: 'j', task: 't', plugin: 'p:1', node: 'n', vsn: 'v' } }

describe('a capture', () => {
  let folder = ''
  let flooded: string[] = []
  let shared: string[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-capture-'))
    flooded = []
    shared = []
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  function open(limits: FloodLimits = { messages: 1_000_000, bytes: 2 ** 30 }) {
    const file = join(folder, 'beehive.ndjson')
    const capture = new Capture({ identity: IDENTITY, file, limits, onFlood: (detail) => flooded.push(detail), onShared: ({ name }) => shared.push(name) })
    capture.start()
    const publish = (name: string, value: string, scope = 'all', meta = '{}') =>
      capture.take({ body: Buffer.from(`{"name":"${name}","ts":1795256839323525551,"meta":${meta},"val":${value}}`), appId: 'app', userId: 'plugin', scope })
    return { file, capture, publish }
  }

  it('keeps messages, counts names, and writes NDJSON', async () => {
    const { file, capture, publish } = open()
    publish('env.a', '1')
    publish('env.a', '"two"')
    publish('env.b', 'NaN', 'beehive')
    publish('env.local', '1', 'node')
    publish('Bad', '1')
    capture.finish()
    capture.finish()
    expect(capture).toMatchObject({
      total: 3,
      names: [
        { name: 'env.a', count: 2, last: 'two' },
        { name: 'env.b', count: 1, last: 'NaN' },
      ],
    })
    expect(capture.dropped.map(({ reason, count }) => [reason.split(':')[0], count])).toEqual([
      ['scope node', 1],
      ['bad name', 1],
    ])
    expect(readBeehive(await readFile(file, 'utf8'), 10)).toEqual(capture.messages)
    expect(shared).toEqual(['env.a', 'env.a', 'env.local'])
    expect(capture.firstMessageMs).toBe(capture.arrivalMs[0])
  })

  it('takes timings in seconds, a thousand of each name', () => {
    const { capture, publish } = open()
    for (let n = 0; n < 1200; n += 1) publish('plugin.duration.load', '1500000000')
    publish('plugin.duration.odd', '"x"')
    expect([...capture.timers.keys()]).toEqual(['plugin.duration.load'])
    expect(capture.timers.get('plugin.duration.load')).toEqual(Array.from({ length: 1000 }, () => 1.5))
    capture.finish()
  })

  it('remembers what uploads were announced', () => {
    const { capture, publish } = open()
    publish('upload', '"17-abc"', 'all', '{"filename":"x"}')
    expect([...capture.staged]).toEqual(['17-abc'])
    capture.finish()
  })

  it('keeps 10,000 messages', () => {
    const { capture, publish } = open()
    for (let n = 0; n < 11_000; n += 1) publish('env.small', '1')
    capture.finish()
    expect([capture.total, capture.messages.length, capture.arrivalMs.length]).toEqual([11_000, 10_000, 10_000])
  })

  it('keeps the first 32 MiB of messages, and 64 MiB in its file', async () => {
    const { file, capture, publish } = open()
    const text = `"${'x'.repeat(1_000_000)}"`
    for (let n = 0; n < 80; n += 1) publish('env.large', text)
    publish('env.small', '1')
    capture.finish()
    expect(capture.total).toBe(81)
    expect(capture.messages).toHaveLength(33)
    expect(capture.names[0]).toMatchObject({ name: 'env.large', count: 80, last: 'x'.repeat(1000) })
    expect((await stat(file)).size).toBeLessThanOrEqual(64 * 2 ** 20)
    expect((await stat(file)).size).toBeGreaterThan(60 * 2 ** 20)
  })

  it('tells a flood once, by messages or by bytes', () => {
    const few = open({ messages: 3, bytes: 2 ** 30 })
    for (let n = 0; n < 5; n += 1) few.publish('Bad', '1')
    expect(flooded).toEqual(['3 messages, the most that a trial takes'])
    few.capture.finish()
  })

  it('tells a flood of bytes', () => {
    const { capture, publish } = open({ messages: 100, bytes: 2 ** 20 })
    publish('env.a', `"${'x'.repeat(2 ** 20)}"`)
    expect(flooded).toEqual(['1 MiB of messages, the most that a trial takes'])
    capture.finish()
  })
})
