import type Docker from 'dockerode'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { sweepLeftovers } from '../../adapters/virtual-waggle/sweep-leftovers.ts'
import { judgeTrial } from '../../pipeline/virtual/judge.ts'
import { makeTrialPlan } from '../support/pipeline.ts'
import { openLab, pluginStarted } from '../support/plugins/lab.ts'
import { need, preparePlugins, type PluginImage } from '../support/plugins/trials.ts'

const prepared = preparePlugins()

/** One session for all tests that need no settings of their own, from the first to the last, after which nothing is left. */
const opened = prepared.then(async (plugins) => (typeof plugins === 'string' ? plugins : openLab(plugins)))
afterAll(async () => {
  const lab = await opened
  if (typeof lab !== 'string') await lab[Symbol.asyncDispose]()
})

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

describe('the Virtual Waggle, whatever a plugin does', () => {
  it('reports a kill for memory, and a plugin that survives one of its children', async (context) => {
    const { run } = need(context, await opened)
    const observation = await run(['memory', '1024'])
    expect(observation).toMatchObject({ ending: 'out-of-memory', exitCode: 137 })
    expect(judgeTrial(makeTrialPlan(), observation).problems).toMatchObject([{ code: 'out-of-memory' }])
    const child = await run(['child_memory'])
    expect(child).toMatchObject({ ending: 'exited', exitCode: 0, total: 1 })
    expect(judgeTrial(makeTrialPlan(), child)).toMatchObject({ outcome: 'passed', problems: [{ code: 'child-out-of-memory' }] })
  })

  it('stops a plugin that writes more than its disk limit, to its own layer, to a volume or as uploads', async (context) => {
    const { run, docker, image } = need(context, await opened)
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
    const { run } = need(context, await opened)
    expect(await run(['forks'], { timeoutMs: 4000 })).toMatchObject({ ending: 'timed-out', exitCode: 137 })
  })

  it('lets a plugin end in good order at its time limit, and takes its last words', async (context) => {
    const { run } = need(context, await opened)
    const observation = await run(['term'], { timeoutMs: 3000, mayRunOn: true })
    expect(observation).toMatchObject({ ending: 'timed-out', exitCode: 0, total: 3 })
    expect(judgeTrial(makeTrialPlan({ mayRunOn: true }), observation).outcome).toBe('passed')
  })

  it('keeps 10,000 messages and counts the rest, in bounded memory', async (context) => {
    const { run } = need(context, await opened)
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
    const { run } = need(context, await opened)
    const { logs } = await run(['chatter', '30'])
    expect(logs.stdoutFile.bytes).toBe(10 * 2 ** 20)
    expect(logs.stdout).toHaveLength(64 * 1024)
  })

  it('cancels a trial at once and leaves nothing of it', async (context) => {
    const { run, docker, image, runId, folder } = need(context, await opened)
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

  it('fails when the broker process is stopped, which only its silence tells', async (context) => {
    const plugins = need(context, await prepared)
    await using lab = await openLab(plugins, { heartbeatSeconds: 2 })
    const trial = lab.run(['slow', '10000'], { timeoutMs: 240_000 })
    await pluginStarted(plugins, lab.runId)
    const stop = await (await brokerOf(plugins, lab.runId)).exec({ Cmd: ['sh', '-c', 'kill -STOP $(cat /run/ctss/pid)'] })
    await stop.start({})
    await expect(trial).rejects.toMatchObject({ code: 'broker-unavailable' })
  })

  it('sweeps what a killed process left, and nothing else', async (context) => {
    const living = need(context, await opened)
    const child = spawn(process.execPath, [join(import.meta.dirname, '../support/plugins/session-process.ts'), living.image, living.platform, living.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [runId] = (await once(child.stdout, 'data')).map(String).map((text) => text.trim())
    await pluginStarted(living, runId ?? '')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await remains(living, runId ?? '')).not.toEqual([])
    await sweepLeftovers({ docker: living.docker, workParent: living.folder })
    expect(await remains(living, runId ?? '')).toEqual([])
    expect(await cgroupsOf(runId ?? '')).toEqual([])
    expect(await readdir(living.folder)).not.toContain(`ctss-virtual-${runId}`)
    expect(await remains(living, living.runId)).not.toEqual([])
  })

  it('fails when the broker is killed mid-trial, and has a new one for the next trial', async (context) => {
    const lab = need(context, await opened)
    const trial = lab.run(['slow'])
    await pluginStarted(lab, lab.runId)
    await sleep(1500)
    await (await brokerOf(lab, lab.runId)).kill()
    await expect(trial).rejects.toMatchObject({
      code: 'broker-unavailable',
      message: expect.stringMatching(/the message broker ended during trial slow on .* after \d+ messages/),
    })
    expect(await lab.run(['crash', '3'])).toMatchObject({ total: 3 })
  })

  it('fails when the broker freezes mid-trial, and has a new one for the next trial', async (context) => {
    const lab = need(context, await opened)
    const trial = lab.run(['slow'])
    await pluginStarted(lab, lab.runId)
    await sleep(1500)
    await (await brokerOf(lab, lab.runId)).pause()
    await expect(trial).rejects.toMatchObject({ code: 'broker-unavailable', message: expect.stringContaining('stopped answering') })
    expect(await lab.run(['crash', '3'])).toMatchObject({ total: 3 })
  })

  it('leaves nothing when it is done', async (context) => {
    const lab = need(context, await opened)
    await lab.run(['silent'])
    await lab[Symbol.asyncDispose]()
    expect(await remains(lab, lab.runId)).toEqual([])
    expect(await readdir(lab.folder).catch(() => [])).toEqual([])
    expect(await cgroupsOf(lab.runId)).toEqual([])
  })
})

async function cgroupsOf(runId: string): Promise<readonly string[]> {
  return new Promise((resolve) => execFile('find', ['/sys/fs/cgroup', '-name', `*${runId}*`], (_error, stdout) => resolve(stdout.split('\n').filter(Boolean))))
}
