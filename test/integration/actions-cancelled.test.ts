import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { makeMachine, makeRelease, TOKEN, type ActionMachine, type RunningStep } from '../support/actions/action-machine.ts'
import { checkOut } from '../support/actions/check-out.ts'
import { BUILDX_FOLDER, remainsOf } from '../support/actions/remains.ts'
import type { FinishedStep } from '../support/actions/step-process.ts'
import { makeTestRegistry, removeImages } from '../support/actions/test-registry.ts'
import { PASSWORD_USER, startPasswordRegistry } from '../support/registry-process.ts'
import { slowFiles } from '../support/tiny-plugin.ts'
import { Random } from '../oracle/random.ts'

/** How long the runner leaves a step after SIGINT, and after SIGTERM (actions/runner, ProcessInvoker.cs). */
const [AFTER_INTERRUPT_MS, AFTER_TERMINATE_MS] = [7500, 2500]
/** The next run of a test has the same delays. */
const SEED = 20_261_121

type How = 'cancelled' | 'cancelled twice' | 'killed'

/** Ends a step as the runner does when its job is cancelled, in haste, or as a machine that runs out of memory does. */
async function end(step: RunningStep, how: How): Promise<FinishedStep> {
  if (how === 'killed') step.kill('SIGKILL')
  else {
    step.kill('SIGINT')
    const timers = [
      setTimeout(() => step.kill('SIGTERM'), how === 'cancelled' ? AFTER_INTERRUPT_MS : 100),
      setTimeout(() => step.kill('SIGKILL'), AFTER_INTERRUPT_MS + AFTER_TERMINATE_MS),
    ]
    void step.finished.then(() => timers.forEach(clearTimeout))
  }
  return step.finished
}

const resources = new AsyncDisposableStack()
const secrets: string[] = [TOKEN]
/** One machine, as of an organisation's own: what a run has left there, the next one finds. */
let machine: ActionMachine
let registry = ''
beforeAll(async () => {
  const release = resources.use(await makeRelease()).folder
  const guarded = await startPasswordRegistry()
  registry = guarded === undefined ? resources.use(await makeTestRegistry()).root : `${resources.use(guarded).host}/zelda`
  resources.defer(() => removeImages(registry))
  const { username, password } = PASSWORD_USER
  // Where there is no registry with a password, none is given, and none can be left behind.
  if (guarded !== undefined) secrets.push(password, Buffer.from(`${username}:${password}`).toString('base64'))
  const inputs = { registry, ...(guarded !== undefined && { 'registry-username': username, 'registry-password': password }) }
  machine = resources.use(await makeMachine({ release, inputs }))
  await checkOut(machine, slowFiles(randomBytes(4).toString('hex')))
})
afterAll(async () => resources.disposeAsync())

/** Where a stage is ended: when its log says this, and up to so many milliseconds later. In an order in which the builder does not know yet what the next one builds. */
const POINTS: readonly (readonly [string, readonly (readonly [string | RegExp, number, How])[]])[] = [
  [
    'train',
    [
      ['::add-mask::', 300, 'killed'],
      ['starting a registry for this job', 200, 'cancelled'],
      ['starting a registry for this job', 700, 'killed'],
      [/^train: training$/m, 300, 'killed'],
      [/^\| training$/m, 1500, 'cancelled'],
      [/^\| training$/m, 1500, 'cancelled twice'],
      [/^\| training$/m, 1500, 'killed'],
    ],
  ],
  [
    'build',
    [
      ['::add-mask::', 300, 'cancelled'],
      ['writing the build context', 100, 'killed'],
      ['writing the build context', 600, 'cancelled'],
      [/^build: .* RUN echo building/m, 1500, 'cancelled twice'],
      [/^build: .* RUN echo building/m, 1500, 'cancelled'],
      [/^build: .* RUN echo building/m, 1500, 'killed'],
      ['exporting to image', 300, 'killed'],
    ],
  ],
  [
    'index',
    [
      ['::add-mask::', 300, 'killed'],
      ['joining the images', 50, 'cancelled'],
      ['joining the images', 50, 'killed'],
    ],
  ],
  [
    'virtual',
    [
      ['opening the Virtual Waggle', 300, 'cancelled'],
      ['starting the message broker', 1000, 'killed'],
      [/^\| running$/m, 1500, 'killed'],
    ],
  ],
]

it('begins with a manifest that passes', async () => {
  expect((await machine.run('validate')).exitCode).toBe(0)
})

describe.each(POINTS)('%s', (action, points) => {
  const random = new Random(SEED)

  it.each(points)('when it says %s and up to %i ms later, %s: leaves nothing behind', async (text, delayMs, how) => {
    const step = await machine.start(action)
    await step.until(text)
    await sleep(random.integer(0, delayMs))
    const { exitCode, raw } = await end(step, how)
    // The second signal may come when everything is done but the end of the process.
    expect(how === 'killed' ? [null] : how === 'cancelled' ? [2] : [2, null], raw).toContain(exitCode)
    const post = await step.post()

    expect([post?.exitCode, post?.raw]).toEqual([0, ''])
    expect(await remainsOf(machine, secrets)).toEqual([])
  })

  it('ends right in the next run', async () => {
    const { exitCode, raw, outputs, summary, errors, warnings } = await machine.run(action)
    const read = [raw.replaceAll(/^::add-mask::.*$/gm, ''), summary, JSON.stringify(outputs)].join('\n')

    expect([exitCode, errors, warnings], raw).toEqual([0, [], []])
    expect(outputs).toMatchObject({ outcome: 'passed' })
    expect(secrets.filter((secret) => read.includes(secret))).toEqual([])
    expect(await remainsOf(machine, secrets)).toEqual([])
    // What was built before the end came is not built again.
    if (action === 'build')
      expect(JSON.parse(outputs['record'] ?? '')).toMatchObject({
        details: {
          platforms: [{ steps: expect.arrayContaining([expect.objectContaining({ name: expect.stringContaining('RUN echo building'), cached: true })]) }],
        },
      })
  })
})

describe('a builder that a job makes for itself', () => {
  it('goes with its job when that is killed', async () => {
    const environment = { BUILDX_CONFIG: join(machine.folder, BUILDX_FOLDER) }
    const step = await machine.start('train', { environment, inputs: { force: 'true' } })
    await step.until('starting BuildKit in a container')
    const { state } = await end(step, 'killed')
    // Where BuildKit's image is not to be had, no builder is made: then this one stands for it.
    const name = `ctss-${state['run']}`
    spawnSync('docker', ['buildx', 'create', '--name', name, '--driver', 'docker-container'], { env: { ...process.env, ...environment } })
    expect(await remainsOf(machine)).toContain(`builder ${name}`)

    expect((await step.post())?.exitCode).toBe(0)
    expect(await remainsOf(machine, secrets)).toEqual([])
  })
})

describe('two runs of one commit at once', () => {
  it('end right, and leave nothing', async () => {
    const runs = await Promise.all(
      ['one', 'other'].map(async () => {
        await using own = await machine.copy()
        const steps = []
        for (const action of ['build', 'index', 'publish', 'report'])
          steps.push(await own.run(action, { inputs: action === 'build' || action === 'publish' ? { force: 'true' } : {} }))
        return { steps, remains: await remainsOf(own, secrets) }
      }),
    )

    const oci = new OciRegistry({ credentials: async () => PASSWORD_USER })
    for (const { steps, remains } of runs) {
      expect(
        steps.map(({ exitCode, errors }) => [exitCode, errors]),
        steps.map(({ raw }) => raw).join('\n'),
      ).toEqual(steps.map(() => [0, []]))
      const [, index, publish] = steps
      expect((await oci.manifest(publish?.outputs['image'] ?? ''))?.digest).toBe(index?.outputs['digest'])
      expect(remains).toEqual([])
    }
  })
})
