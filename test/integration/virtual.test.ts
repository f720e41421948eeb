import type Docker from 'dockerode'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunId, RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { sweepLeftovers } from '../../adapters/virtual-waggle/sweep-leftovers.ts'
import { openVirtualWaggle, type VirtualWaggleOptions } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import type { TestbedSession, TrialObservation, TrialRequest } from '../../pipeline/ports/testbed.ts'
import { judgeTrial } from '../../pipeline/virtual/judge.ts'
import { describeTestbedContract } from '../contract/testbed.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { makeTrialPlan } from '../support/pipeline.ts'
import { makeTrialRequest, need, NEVER, preparePlugins, QUIET, type PluginImage } from '../support/plugins/trials.ts'

const prepared = preparePlugins()

describeTestbedContract('the Virtual Waggle', async () => {
  const plugins = await prepared
  if (typeof plugins === 'string') return plugins
  const blobs = memoryBlobs()
  return { blobs, testbed: openVirtualWaggle({ docker: plugins.docker, blobs }), makeTrial: (args, overrides) => makeTrialRequest(plugins, args, overrides) }
})

interface Lab extends PluginImage, AsyncDisposable {
  readonly session: TestbedSession
  readonly runId: string
  readonly folder: string
  run(args: readonly string[], overrides?: Partial<TrialRequest>, signal?: AbortSignal): Promise<TrialObservation>
}

async function openLab(plugins: PluginImage, options: Partial<VirtualWaggleOptions> = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-virtual-test-'))
  const runId = makeRunId()
  const session = await openVirtualWaggle({ docker: plugins.docker, blobs: memoryBlobs(), workParent: folder, runId, ...options }).open(QUIET, NEVER)
  return {
    ...plugins,
    session,
    runId,
    folder,
    run: async (args, overrides, signal = NEVER) => session.run(makeTrialRequest(plugins, args, overrides), QUIET, signal),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Everything in the engine that bears a run's label. */
async function remains({ docker }: PluginImage, runId: string): Promise<readonly string[]> {
  const filters = { label: [`${RUN_LABEL}=${runId}`] }
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ])
  return [...containers.map(({ Image }) => Image), ...networks.map(({ Name }) => Name), ...Volumes.map(({ Name }) => Name)]
}

async function brokerOf({ docker }: PluginImage, runId: string) {
  const [broker] = (await docker.listContainers({ filters: { label: [`${RUN_LABEL}=${runId}`] } })).filter(({ Command }) => Command.includes('broker'))
  return docker.getContainer(broker?.Id ?? '')
}

/** The same image, declaring a volume. */
async function declareVolume(docker: Docker, image: string, path: string): Promise<{ readonly image: string } & AsyncDisposable> {
  const container = await docker.createContainer({ Image: image })
  await container.commit({ repo: 'ctss-test-volume', changes: `VOLUME ${path}` })
  await container.remove()
  return { image: 'ctss-test-volume', [Symbol.asyncDispose]: async () => void (await docker.getImage('ctss-test-volume').remove()) }
}

/** Waits until the run has a container of the plugins. */
async function pluginStarted({ docker, image }: PluginImage, runId: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const running = await docker.listContainers({ filters: { label: [`${RUN_LABEL}=${runId}`], ancestor: [image] } })
    if (running.length > 0) return
    await sleep(100)
  }
  throw new Error('the plugin did not start')
}

describe('the Virtual Waggle', () => {
  let lab: Lab | string
  beforeAll(async () => {
    const plugins = await prepared
    lab = typeof plugins === 'string' ? plugins : await openLab(plugins)
  })
  afterAll(async () => {
    if (typeof lab !== 'string') await lab[Symbol.asyncDispose]()
  })

  it('gives a plugin the environment, user, time zone and inputs of a node', async (context) => {
    const { run, folder } = need(context, lab)
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
    const { run } = need(context, lab)
    const { messages, dropped } = await run(['good'])
    const value = (name: string) => messages.find((message) => message.name === name)?.value
    expect([value('env.nan'), value('env.infinity'), value('env.flag'), value('env.text')]).toEqual(['NaN', '-Infinity', true, 'ü "x" <&>'])
    expect(messages.find((message) => message.name === 'env.int')?.timestamp).toBe('2023-11-14T22:13:20.000000001Z')
    expect(value('env.local')).toBeUndefined()
    expect(dropped).toMatchObject([{ reason: expect.stringContaining('scope node'), count: 1 }])
  })

  it('profiles by kernel counters', async (context) => {
    const { run } = need(context, lab)
    const { profile } = await run(['spin', '1'])
    expect(profile.metrics['cpu_seconds']).toMatchObject({ unit: 's', source: process.getuid?.() === 0 ? 'counter' : 'sampled' })
    expect(profile.metrics['cpu_seconds']?.value).toBeGreaterThan(0.9)
    expect(profile.metrics['memory_peak_bytes']?.value).toBeGreaterThan(2 ** 22)
    expect(profile.metrics['throttled_seconds']?.value).toBe(0)
  })

  it('counts throttling under a CPU limit', async (context) => {
    const { run } = need(context, lab)
    const { profile } = await run(['spin', '1'], { limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, pids: 64, cpus: 0.2 } })
    expect(profile.metrics['throttled_seconds']?.value).toBeGreaterThan(0)
  })

  it('drops what a node would drop, and says why', async (context) => {
    const { run } = need(context, lab)
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
    const { run } = need(context, lab)
    const { messages } = await run(['subscriber'])
    expect(messages.at(-1)).toMatchObject({ name: 'result.pong', value: 7, meta: { node_seen: '0000000000000001' } })
  })

  it('shows the same frames in the same order in every trial', async (context) => {
    const { run, folder } = need(context, lab)
    const frames = ['one', 'two', 'three'].map((name) => join(folder, `${name}.jpg`))
    for (const frame of frames) await writeFile(frame, frame)
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const { messages } = await run(['camera', 'top', '4'], { cameras: { top: frames } })
      expect(messages.map(({ value }) => value)).toEqual([...frames, frames.at(-1)])
    }
  })

  it('has no way out of the network, and says what would help', async (context) => {
    const { run } = need(context, lab)
    const observation = await run(['download'])
    expect(observation.exitCode).toBe(1)
    expect(judgeTrial(makeTrialPlan(), observation).problems[0]).toMatchObject({
      code: 'exit-code',
      suggestion: expect.stringContaining('network: open'),
      detail: expect.stringContaining('URLError'),
    })
  })

  it('names the device that a plugin misses', async (context) => {
    const { run } = need(context, lab)
    expect(judgeTrial(makeTrialPlan(), await run(['device'])).problems[0]).toMatchObject({
      code: 'exit-code',
      suggestion: expect.stringContaining('/dev/ttyUSB0'),
    })
  })

  it('reports a program that the image does not have', async (context) => {
    const { run } = need(context, lab)
    const observation = await run(['silent'], { image: 'ctss-test-plugins-broken' }).catch((error: unknown) => error)
    expect(observation).toMatchObject({ code: 'registry-unavailable' })
  })

  it('takes good uploads out of everything that a hostile plugin stages', async (context) => {
    const { run } = need(context, lab)
    const { uploads, dropped, exitCode } = await run(['uploads'])
    expect(exitCode).toBe(0)
    expect(uploads.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['passwd', 1],
      [`1700000000000000003-${'0'.repeat(40)}`, 1],
      ['one.txt', 3],
    ])
    expect(dropped.map(({ reason }) => reason.split(':')[0])).toEqual(['upload that is no regular file', 'upload without data or meta'])
  })

  it('reports a kill for memory, and a plugin that survives one of its children', async (context) => {
    const { run } = need(context, lab)
    const observation = await run(['memory', '1024'])
    expect(observation).toMatchObject({ ending: 'out-of-memory', exitCode: 137 })
    expect(judgeTrial(makeTrialPlan(), observation).problems).toMatchObject([{ code: 'out-of-memory' }])
    const child = await run(['child_memory'])
    expect(child).toMatchObject({ ending: 'exited', exitCode: 0, total: 1 })
    expect(judgeTrial(makeTrialPlan(), child)).toMatchObject({ outcome: 'passed', problems: [{ code: 'child-out-of-memory' }] })
  })

  it('stops a plugin that writes more than its disk limit, to its own layer, to a volume or as uploads', async (context) => {
    const { run, docker, image } = need(context, lab)
    await using withVolume = await declareVolume(docker, image, '/scratch')
    for (const folder of ['/tmp', '/scratch', '/run/waggle/uploads']) {
      expect({ folder, ...(await run(['disk', '10', folder], { image: withVolume.image, timeoutMs: 120_000 })) }).toMatchObject({
        folder,
        ending: 'disk-limit',
        total: 1,
      })
    }
    expect(await run(['locked'], { timeoutMs: 60_000 })).toMatchObject({ ending: 'disk-limit' })
  })

  it('bounds a fork bomb', async (context) => {
    const { run } = need(context, lab)
    expect(await run(['forks'], { timeoutMs: 4000 })).toMatchObject({ ending: 'timed-out', exitCode: 137 })
  })

  it('lets a plugin end in good order at its time limit, and takes its last words', async (context) => {
    const { run } = need(context, lab)
    const observation = await run(['term'], { timeoutMs: 3000, mayRunOn: true })
    expect(observation).toMatchObject({ ending: 'timed-out', exitCode: 0, total: 3 })
    expect(judgeTrial(makeTrialPlan({ mayRunOn: true }), observation).outcome).toBe('passed')
  })

  it('keeps 10,000 messages and counts the rest, in bounded memory', async (context) => {
    const { run } = need(context, lab)
    const before = process.memoryUsage().rss
    const observation = await run(['flood', '100000'], { timeoutMs: 300_000 })
    expect(observation).toMatchObject({ ending: 'exited', total: 100_000, names: [{ name: 'env.flood', count: 100_000 }] })
    expect(observation.messages).toHaveLength(10_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20)
    const many = await run(['names', '2000'])
    expect(many).toMatchObject({ total: 2000 })
    expect(many.names).toHaveLength(1000)
  })

  it('keeps 10 MiB of a log and its end', async (context) => {
    const { run } = need(context, lab)
    const { logs } = await run(['chatter', '30'])
    expect(logs.stdoutFile.bytes).toBe(10 * 2 ** 20)
    expect(logs.stdout).toHaveLength(64 * 1024)
  })

  it('cancels a trial at once and leaves nothing of it', async (context) => {
    const { run, docker, image, runId, folder } = need(context, lab)
    const controller = new AbortController()
    const trial = run(['never'], {}, controller.signal)
    await pluginStarted({ docker, image, platform: '' }, runId)
    controller.abort()
    await expect(trial).rejects.toMatchObject({ code: 'cancelled' })
    expect(await docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${runId}`], ancestor: [image] } })).toEqual([])
    expect(await readdir(join(folder, `ctss-virtual-${runId}`))).toEqual([])
  })
})

describe('the Virtual Waggle when things go wrong around it', () => {
  it('ends a flood', async (context) => {
    const plugins = need(context, await prepared)
    await using lab = await openLab(plugins, { flood: { messages: 20_000, bytes: 2 ** 30 } })
    const observation = await lab.run(['flood', '1000000'], { timeoutMs: 300_000 })
    expect(observation.ending).toBe('flooded')
    expect(observation.total).toBeGreaterThanOrEqual(20_000)
    expect(judgeTrial(makeTrialPlan(), observation).problems).toMatchObject([{ code: 'flooded', message: expect.stringContaining('20000 messages') }])
  })

  it('fails when the broker is killed mid-trial, and has a new one for the next trial', async (context) => {
    const plugins = need(context, await prepared)
    await using lab = await openLab(plugins)
    const trial = lab.run(['slow'])
    await pluginStarted(plugins, lab.runId)
    await sleep(1500)
    await (await brokerOf(plugins, lab.runId)).kill()
    await expect(trial).rejects.toMatchObject({
      code: 'broker-unavailable',
      message: expect.stringMatching(/the message broker ended during trial slow on .* after \d+ messages/),
    })
    expect(await lab.run(['crash', '3'])).toMatchObject({ total: 3 })
  })

  it('fails when the broker freezes mid-trial', async (context) => {
    const plugins = need(context, await prepared)
    await using lab = await openLab(plugins)
    const trial = lab.run(['slow'])
    await pluginStarted(plugins, lab.runId)
    await sleep(1500)
    await (await brokerOf(plugins, lab.runId)).pause()
    await expect(trial).rejects.toMatchObject({ code: 'broker-unavailable', message: expect.stringContaining('stopped answering') })
  })

  it('fails when the broker process is stopped, which only its silence tells', async (context) => {
    const plugins = need(context, await prepared)
    await using lab = await openLab(plugins)
    const trial = lab.run(['slow', '10000'], { timeoutMs: 240_000 })
    await pluginStarted(plugins, lab.runId)
    const stop = await (await brokerOf(plugins, lab.runId)).exec({ Cmd: ['sh', '-c', 'kill -STOP $(cat /run/ctss/pid)'] })
    await stop.start({})
    await expect(trial).rejects.toMatchObject({ code: 'broker-unavailable' })
  })

  it('leaves nothing when it is done', async (context) => {
    const plugins = need(context, await prepared)
    const lab = await openLab(plugins)
    await lab.run(['silent'])
    await lab[Symbol.asyncDispose]()
    expect(await remains(plugins, lab.runId)).toEqual([])
    expect(await readdir(lab.folder).catch(() => [])).toEqual([])
    expect(await cgroupsOf(lab.runId)).toEqual([])
  })

  it('sweeps what a killed process left, and nothing else', async (context) => {
    const plugins = need(context, await prepared)
    await using living = await openLab(plugins)
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../support/plugins/session-process.ts'), plugins.image, plugins.platform, living.folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [runId] = (await once(child.stdout, 'data')).map(String).map((text) => text.trim())
    await pluginStarted(plugins, runId ?? '')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await remains(plugins, runId ?? '')).not.toEqual([])
    await sweepLeftovers({ docker: plugins.docker, workParent: living.folder })
    expect(await remains(plugins, runId ?? '')).toEqual([])
    expect(await cgroupsOf(runId ?? '')).toEqual([])
    expect(await readdir(living.folder)).not.toContain(`ctss-virtual-${runId}`)
    expect(await remains(plugins, living.runId)).not.toEqual([])
  })
})

async function cgroupsOf(runId: string): Promise<readonly string[]> {
  return new Promise((resolve) => execFile('find', ['/sys/fs/cgroup', '-name', `*${runId}*`], (_error, stdout) => resolve(stdout.split('\n').filter(Boolean))))
}
