/**
 * bench:virtual: from the start of a plugin to its first captured message, in a Virtual Waggle against `docker run` on a network with a running
 * broker and a consumer that stands ready. Both brokers are the same image, both plugins too.
 * `npm run bench:virtual -- [REPETITIONS]`
 */
import { connect } from 'amqplib'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderBlobs } from '../../adapters/blob-store/folder-blobs.ts'
import { makeRunId, RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { readTestbedImage } from '../../adapters/virtual-waggle/testbed-image.ts'
import { openVirtualWaggle } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import { makeTrialRequest, NEVER, preparePlugins, QUIET } from '../support/plugins/trials.ts'
import { machineFacts, median } from './measure.ts'

const [repetitions = '15'] = process.argv.slice(2)
const plugins = await preparePlugins()
if (typeof plugins === 'string') throw new Error(plugins)
const scratch = await mkdtemp(join(tmpdir(), 'ctss-bench-'))
const label = `${RUN_LABEL}=${makeRunId()}`
const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim()

await using session = await openVirtualWaggle({ docker: plugins.docker, blobs: folderBlobs(scratch) }).open(QUIET, NEVER)
const byHand = await openByHand()

const direct: number[] = []
const fromStart: number[] = []
const fromRequest: number[] = []
// The first of each warms the caches and does not count.
for (let repetition = 0; repetition <= Number(repetitions); repetition += 1) {
  const hand = await byHand.run()
  const { firstMessageMs, requestedMs } = await inWaggle()
  if (repetition === 0) continue
  direct.push(hand)
  fromStart.push(firstMessageMs)
  fromRequest.push(requestedMs)
  process.stderr.write(
    `${repetition}: by hand ${hand.toFixed(0)} ms, in a Virtual Waggle ${firstMessageMs.toFixed(0)} ms (from the request ${requestedMs.toFixed(0)} ms)\n`,
  )
}
await byHand.close()
await rm(scratch, { recursive: true, force: true })

const ratio = median(fromRequest) / median(direct)
process.stdout.write(`${machineFacts()}
start → first message, medians of ${direct.length}, interleaved
  by hand (docker run, broker running)      ${median(direct).toFixed(0)} ms
  Virtual Waggle, from asking for the trial ${median(fromRequest).toFixed(0)} ms
  Virtual Waggle, from the container's start ${median(fromStart).toFixed(0)} ms
ratio ${ratio.toFixed(2)} (goal ≤ 1.10): ${ratio <= 1.1 ? 'met' : 'missed'}; what a trial needs besides the plugin is made ready between trials
`)

async function inWaggle(): Promise<{ firstMessageMs: number; requestedMs: number }> {
  if (typeof plugins === 'string') throw new TypeError(plugins)
  const asked = performance.now()
  let started = Number.NaN
  const progress = { ...QUIET, step: (line: string) => void (line.startsWith('running') && (started = performance.now() - asked)) }
  const { firstMessageMs } = await session.run(makeTrialRequest(plugins, ['crash', '1']), progress, NEVER)
  if (firstMessageMs === null) throw new Error('the plugin published nothing')
  return { firstMessageMs, requestedMs: started + firstMessageMs }
}

/** A broker, a network and a consumer, as a person would set them up once. */
async function openByHand(): Promise<{ run(): Promise<number>; close(): Promise<void> }> {
  const network = docker('network', 'create', '--internal', '--label', label, `ctss-bench-${process.pid}`)
  const broker = docker(
    'run',
    '--detach',
    '--label',
    label,
    '--publish',
    '127.0.0.1::5672',
    '--user',
    'rabbitmq',
    '--tmpfs',
    '/run/ctss:mode=1777',
    '--env',
    'SERVICE_PASSWORD=bench',
    readTestbedImage().reference,
    'sh',
    '/usr/local/lib/ctss/broker',
  )
  docker('network', 'connect', '--alias', 'rabbitmq', network, broker)
  const port = Number(docker('port', broker, '5672/tcp').split(':').at(-1))
  const connection = await untilReady(port)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'to-validator', '')
  let onMessage: () => void = () => undefined
  await channel.consume(queue, () => onMessage(), { noAck: true })
  return {
    async run() {
      const started = performance.now()
      const captured = new Promise<number>((resolve) => (onMessage = () => resolve(performance.now() - started)))
      const ended = new Promise<void>((resolve) =>
        execFile(
          'docker',
          [
            'run',
            '--rm',
            '--label',
            label,
            '--network',
            network,
            '--env',
            'WAGGLE_PLUGIN_HOST=rabbitmq',
            '--env',
            'WAGGLE_APP_ID=bench',
            imageOf(),
            'crash',
            '1',
          ],
          () => resolve(),
        ),
      )
      const milliseconds = await captured
      await ended
      return milliseconds
    },
    async close() {
      await connection.close()
      docker('rm', '--force', '--volumes', broker)
      docker('network', 'rm', network)
    },
  }
}

function imageOf(): string {
  return typeof plugins === 'string' ? '' : plugins.image
}

async function untilReady(port: number): ReturnType<typeof connect> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await connect({ hostname: '127.0.0.1', port, username: 'ctss', password: 'bench' })
    } catch (error) {
      if (attempt > 300) throw error
      await sleep(200)
    }
  }
}
