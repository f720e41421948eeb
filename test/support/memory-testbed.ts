import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Testbed, TrialObservation, TrialRequest } from '../../pipeline/ports/testbed.ts'
import { shareMessage } from '../../pipeline/virtual/data-sharing.ts'
import type { Message } from '../../schemas/generated/types.ts'

export interface MemoryTestbedOptions {
  readonly blobs: BlobStore
  /** What a trial leads to, instead of what its first argument says. */
  readonly observe?: (trial: TrialRequest, usual: TrialObservation) => TrialObservation
  /** Trials as they arrive. */
  readonly seen?: TrialRequest[]
}

const META = {
  host: 'h',
  job: 'virtual-waggle',
  task: 'plugins',
  plugin: 'registry.sagecontinuum.org/test/plugins:1.2.3',
  node: '0000000000000001',
  vsn: 'W000',
}
const TRACEBACK = 'Traceback (most recent call last):\n  File "/app/plugins.py", line 1, in crash\nValueError: the sensor is gone\n'

/** A testbed without containers: it knows what the plugins `good`, `silent`, `crash`, `never` of the tests do. */
export function memoryTestbed({ blobs, observe = (_, usual) => usual, seen = [] }: MemoryTestbedOptions): Testbed {
  return {
    kind: 'virtual',
    version: 'memory',
    open: (_progress, opening) => {
      opening.throwIfAborted()
      return Promise.resolve({
        async run(trial, _inner, signal) {
          seen.push(trial)
          if (signal.aborted) throw new Failure('cancelled', 'cancelled')
          if (trial.image.includes('no-such-image')) throw new Failure('registry-unavailable', 'no such image')
          return observe(trial, await usualObservation(trial, blobs))
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    },
  }
}

async function usualObservation(trial: TrialRequest, blobs: BlobStore): Promise<TrialObservation> {
  const [plugin, count = '24'] = trial.args
  const values = plugin === 'good' ? 3 : plugin === 'crash' ? Number(count) : plugin === 'never' ? 2 : 0
  const shared = Array.from({ length: values }, (_, n) => share(n))
  const stderr = plugin === 'crash' ? TRACEBACK : plugin === 'good' ? 'a line on stderr\n' : ''
  const stdout = plugin === 'silent' ? 'nothing to say\n' : ''
  const put = async (text: string) => ({ digest: await blobs.put(Buffer.from(text)), bytes: Buffer.byteLength(text) })
  const isKnown = plugin === 'good' || plugin === 'silent' || plugin === 'crash' || plugin === 'never'
  return {
    exitCode: isKnown ? (plugin === 'crash' ? 1 : plugin === 'never' ? 137 : 0) : null,
    ending: isKnown ? (plugin === 'never' ? 'timed-out' : 'exited') : 'not-started',
    emulated: false,
    seconds: 1.5,
    firstMessageMs: values > 0 ? 400 : null,
    messages: shared.map(({ message }) => message),
    total: values,
    arrivalMs: shared.map((_, index) => 400 + index * 100),
    names: values > 0 ? [{ name: 'env.test', count: values }] : [],
    dropped: [],
    uploads:
      plugin === 'good'
        ? [
            {
              name: 'a picture.jpg',
              timestamp: '2023-11-14T22:13:20.500000000Z',
              ...(await put('\u00ff')),
              labels: { camera: 'top', filename: 'a picture.jpg' },
            },
          ]
        : [],
    beehive: await put(shared.map(({ line }) => `${line}\n`).join('')),
    logs: { stdout, stderr, stdoutFile: await put(stdout), stderrFile: await put(stderr) },
    profile: {
      schema: 'ecr.profile/v1',
      platform: trial.platform,
      environment: { kind: 'virtual', emulated: false },
      metrics: { wall_seconds: { unit: 's', value: 1.5, source: 'clock' } },
    },
  }
}

function share(n: number): { readonly message: Message; readonly line: string } {
  const body = Buffer.from(`{"name":"env.test","ts":${1_795_256_839_323_525_551n + BigInt(n)},"meta":{"sensor":"bme680"},"val":${1.5 + n}}`)
  const shared = shareMessage({ body, appId: 'app', userId: 'plugin', scope: 'all' }, { appId: 'app', meta: META })
  if (shared.kind !== 'beehive') throw new TypeError('the message is a good one')
  return shared
}
