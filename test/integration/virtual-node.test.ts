import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openVirtualWaggle } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import { judgeTrial } from '../../pipeline/virtual/judge.ts'
import { describeTestbedContract } from '../contract/testbed.ts'
import { makeTrialPlan } from '../support/pipeline.ts'
import { openLab } from '../support/plugins/lab.ts'
import { makeTrialRequest, need, preparePlugins } from '../support/plugins/trials.ts'

/** One session for the contract and for what is the Virtual Waggle's own. */
const opened = preparePlugins().then(async (plugins) => (typeof plugins === 'string' ? plugins : openLab(plugins)))
afterAll(async () => {
  const lab = await opened
  if (typeof lab !== 'string') await lab[Symbol.asyncDispose]()
})

describeTestbedContract('the Virtual Waggle', async () => {
  const lab = await opened
  if (typeof lab === 'string') return lab
  const { docker, blobs, session } = lab
  const shared = { run: session.run.bind(session), [Symbol.asyncDispose]: () => Promise.resolve() }
  return {
    blobs,
    testbed: { ...openVirtualWaggle({ docker, blobs }), open: () => Promise.resolve(shared) },
    makeTrial: (args, overrides) => makeTrialRequest(lab, args, overrides),
  }
})

describe('the Virtual Waggle', () => {
  it('gives a plugin the environment, user, time zone and inputs of a node', async (context) => {
    const { run, folder } = need(context, await opened)
    await writeFile(join(folder, 'input.png'), 'x')
    const { logs } = await run(['good'], { inputs: join(folder, 'input.png'), env: { MODE: 'test', WAGGLE_PLUGIN_HOST: 'elsewhere' } })
    const seen = JSON.parse(logs.stdout)
    expect(seen).toMatchObject({
      inputs: ['input.png'],
      uid: 0,
      zone: 'UTC',
      env: { MODE: 'test', WAGGLE_PLUGIN_HOST: 'wes-rabbitmq.default.svc.cluster.local', WAGGLE_PLUGIN_USERNAME: 'plugin', HOST: expect.any(String) },
    })
    expect(seen.env.WAGGLE_APP_ID).toMatch(/^[0-9a-f-]{36}$/)
    expect(seen.env.TZ).toBeUndefined()
  })

  it('takes NaN, infinities, texts and integers beyond 2^53, and keeps what is scoped to the node on the node', async (context) => {
    const { run } = need(context, await opened)
    const { messages, dropped } = await run(['good'])
    const value = (name: string) => messages.find((message) => message.name === name)?.value
    expect([value('env.nan'), value('env.infinity'), value('env.flag'), value('env.text')]).toEqual(['NaN', '-Infinity', true, 'ü "x" <&>'])
    expect(messages.find((message) => message.name === 'env.int')?.timestamp).toBe('2023-11-14T22:13:20.000000001Z')
    expect(value('env.local')).toBeUndefined()
    expect(dropped).toMatchObject([{ reason: expect.stringContaining('scope node'), count: 1 }])
  })

  it('profiles by kernel counters', async (context) => {
    const { run } = need(context, await opened)
    const { profile } = await run(['spin', '1'])
    expect(profile.metrics['cpu_seconds']).toMatchObject({ unit: 's', source: process.getuid?.() === 0 ? 'counter' : 'sampled' })
    expect(profile.metrics['cpu_seconds']?.value).toBeGreaterThan(0.9)
    expect(profile.metrics['memory_peak_bytes']?.value).toBeGreaterThan(2 ** 22)
    expect(profile.metrics['throttled_seconds']?.value).toBe(0)
  })

  it('counts throttling under a CPU limit', async (context) => {
    const { run } = need(context, await opened)
    const { profile } = await run(['spin', '1'], { limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, pids: 64, cpus: 0.2 } })
    expect(profile.metrics['throttled_seconds']?.value).toBeGreaterThan(0)
  })

  it('drops what a node would drop, and says why', async (context) => {
    const { run } = need(context, await opened)
    const { total, dropped } = await run([
      'raw',
      '{"name":"Bad-Name","ts":1795256839323525551,"meta":{},"val":1}',
      'no json',
      '{"name":"env.a","ts":1.5,"val":1}',
      '{"name":"env.a","ts":1795256839323525551,"val":[1]}',
    ])
    expect(total).toBe(0)
    expect(dropped.map(({ reason }) => reason.split(':')[0])).toEqual(['bad name', 'not a message', 'bad timestamp', 'bad value'])
    const stranger = await run(['stranger'])
    expect(stranger).toMatchObject({ total: 0, exitCode: 0, dropped: [{ reason: expect.stringContaining('unknown app id'), count: 3 }] })
    expect(judgeTrial(makeTrialPlan(), stranger).problems[0]).toMatchObject({ code: 'published-nothing', message: expect.stringContaining('unknown app id') })
  })

  it('passes measurements on to a plugin that subscribes', async (context) => {
    const { run } = need(context, await opened)
    const { messages } = await run(['subscriber'])
    expect(messages.at(-1)).toMatchObject({ name: 'result.pong', value: 7, meta: { node_seen: '0000000000000001' } })
  })

  it('shows the same frames in the same order in every trial', async (context) => {
    const { run, folder } = need(context, await opened)
    const frames = ['one', 'two', 'three'].map((name) => join(folder, `${name}.jpg`))
    for (const frame of frames) await writeFile(frame, frame)
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const { messages } = await run(['camera', 'top', '4'], { cameras: { top: frames } })
      expect(messages.map(({ value }) => value)).toEqual([...frames, frames.at(-1)])
    }
  })

  it('has no way out of the network, and says what would help', async (context) => {
    const { run } = need(context, await opened)
    const observation = await run(['download'])
    expect(observation.exitCode).toBe(1)
    expect(judgeTrial(makeTrialPlan(), observation).problems[0]).toMatchObject({
      code: 'exit-code',
      suggestion: expect.stringContaining('network: open'),
      detail: expect.stringContaining('URLError'),
    })
  })

  it('names the device that a plugin misses', async (context) => {
    const { run } = need(context, await opened)
    expect(judgeTrial(makeTrialPlan(), await run(['device'])).problems[0]).toMatchObject({
      code: 'exit-code',
      suggestion: expect.stringContaining('/dev/ttyUSB0'),
    })
  })

  it('reports a program that the image does not have', async (context) => {
    const { run } = need(context, await opened)
    const observation = await run(['silent'], { image: 'ctss-test-plugins-broken' }).catch((error: unknown) => error)
    expect(observation).toMatchObject({ code: 'registry-unavailable' })
  })

  it('takes good uploads out of everything that a hostile plugin stages', async (context) => {
    const { run } = need(context, await opened)
    const { uploads, dropped, exitCode } = await run(['uploads'])
    expect(exitCode).toBe(0)
    expect(uploads.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['passwd', 1],
      [`1700000000000000003-${'0'.repeat(40)}`, 1],
      ['one.txt', 3],
    ])
    expect(dropped.map(({ reason }) => reason.split(':')[0])).toEqual(['upload that is no regular file', 'upload without data or meta'])
  })
})
