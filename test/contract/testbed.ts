import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Testbed, TestbedSession, TrialObservation, TrialRequest } from '../../pipeline/ports/testbed.ts'
import { readBeehive } from '../../pipeline/virtual/beehive-ndjson.ts'
import { need, NEVER, QUIET } from '../support/plugins/trials.ts'

export interface TestbedUnderTest {
  readonly testbed: Testbed
  /** Where the testbed leaves what it captures. */
  readonly blobs: BlobStore
  /** A trial of one of the plugins in test/support/plugins. */
  makeTrial(args: readonly string[], overrides?: Partial<TrialRequest>): TrialRequest
}

/** Every testbed passes this; its plugins are `good`, `silent`, `crash` and `never` of test/support/plugins. `make` may say why it cannot be tested here. */
export function describeTestbedContract(name: string, make: () => Promise<TestbedUnderTest | string>): void {
  describe(`${name}, as a testbed`, () => {
    let under: TestbedUnderTest | string
    let session: TestbedSession | undefined
    beforeAll(async () => {
      under = await make()
      if (typeof under !== 'string') session = await under.testbed.open(QUIET, NEVER)
    })
    afterAll(async () => session?.[Symbol.asyncDispose]())

    const opened = (): TestbedSession => session ?? expect.unreachable()
    const run = async (there: TestbedUnderTest, args: readonly string[], overrides?: Partial<TrialRequest>): Promise<TrialObservation> =>
      opened().run(there.makeTrial(args, overrides), QUIET, NEVER)

    it('captures what a good plugin publishes, in order, as the Beehive gets it', async (context) => {
      const there = need(context, under)
      const { blobs } = there
      const observation = await run(there, ['good'])
      expect(observation).toMatchObject({ exitCode: 0, ending: 'exited', emulated: false })
      const measured = observation.messages.filter((message) => message.name === 'env.test')
      expect(measured.map(({ value }) => value)).toEqual([1.5, 2.5, 3.5])
      expect(measured[0]?.meta).toMatchObject({ sensor: 'bme680', plugin: 'registry.sagecontinuum.org/test/plugins:1.2.3', task: 'plugins' })
      expect(Object.keys(measured[0]?.meta ?? {}).toSorted()).toEqual(['host', 'job', 'node', 'plugin', 'sensor', 'task', 'vsn'])
      for (const { timestamp } of observation.messages) expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
      expect(observation.total).toBe(observation.messages.length)
      expect(observation.arrivalMs).toHaveLength(observation.total)
      expect(observation.arrivalMs).toEqual(observation.arrivalMs.toSorted((a, b) => a - b))
      expect(observation.firstMessageMs).toBe(observation.arrivalMs[0])
      const ndjson = await blobs.get(observation.beehive.digest)
      expect(ndjson).toHaveLength(observation.beehive.bytes)
      expect(readBeehive(String(ndjson), 1000)).toEqual(observation.messages)
    })

    it('captures uploads with their labels, and the logs apart', async (context) => {
      const there = need(context, under)
      const { blobs } = there
      const { uploads, logs } = await run(there, ['good'])
      expect(uploads).toMatchObject([
        { name: 'a picture.jpg', timestamp: '2023-11-14T22:13:20.500000000Z', labels: { camera: 'top', filename: 'a picture.jpg' } },
      ])
      expect(await blobs.get(logs.stderrFile.digest)).toEqual(Buffer.from('a line on stderr\n'))
      expect(logs.stdout).not.toContain('a line on stderr')
    })

    it('profiles the trial, and says of each figure where it comes from', async (context) => {
      const there = need(context, under)
      const { makeTrial } = there
      const { profile, seconds } = await run(there, ['good'])
      expect(profile).toMatchObject({
        schema: 'ecr.profile/v1',
        platform: makeTrial([]).platform,
        metrics: { wall_seconds: { unit: 's', value: seconds, source: 'clock' } },
      })
    })

    it('observes a plugin that says nothing', async (context) => {
      const there = need(context, under)
      expect(await run(there, ['silent'])).toMatchObject({
        exitCode: 0,
        ending: 'exited',
        total: 0,
        messages: [],
        firstMessageMs: null,
        names: [],
        uploads: [],
        logs: { stdout: 'nothing to say\n' },
      })
    })

    it('observes a crash with the messages before it and its traceback', async (context) => {
      const there = need(context, under)
      const { logs, ...observation } = await run(there, ['crash', '24'])
      expect(observation).toMatchObject({ exitCode: 1, ending: 'exited', total: 24, names: [{ name: 'env.test', count: 24 }] })
      expect(logs.stderr).toContain('Traceback (most recent call last):')
      expect(logs.stderr).toContain('ValueError: the sensor is gone')
    })

    it('stops a plugin at its time limit', async (context) => {
      const there = need(context, under)
      expect(await run(there, ['never'], { timeoutMs: 2000 })).toMatchObject({ ending: 'timed-out', total: 2 })
    })

    it('fails when the image cannot be had', async (context) => {
      const there = need(context, under)
      await expect(run(there, ['good'], { image: `127.0.0.1:9/no-such-image@sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
        code: 'registry-unavailable',
      })
    })

    it('starts no trial that is cancelled already', async (context) => {
      const { makeTrial } = need(context, under)
      await expect(opened().run(makeTrial(['good']), QUIET, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    })
  })
}
