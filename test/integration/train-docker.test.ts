import Docker from 'dockerode'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DockerTrainer } from '../../adapters/docker-trainer/docker-trainer.ts'
import { handOver } from '../../adapters/docker-trainer/hand-over.ts'
import { RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { machineClock } from '../../adapters/machine/clock.ts'
import { FolderReader } from '../../adapters/untrusted-folder/folder-reader.ts'
import type { Training } from '../../pipeline/pipeline.ts'
import type { TrainingRequest } from '../../pipeline/ports/trainer.ts'
import { decideGates } from '../../pipeline/train/gates.ts'
import { runTrain } from '../../pipeline/train/train.ts'
import { DEADLINE_MARGIN_MS, type TrainingJob } from '../../pipeline/train/training-job.ts'
import type { TrainDetails } from '../../schemas/generated/types.ts'
import { describeTrainerContract } from '../contract/trainer.ts'
import { makeTraining } from '../support/pipeline.ts'
import { makeStageContext } from '../support/train-stage.ts'

const IMAGE = 'debian:bookworm-slim'
const PLATFORM = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'

function makeRequest(folder: string, command: readonly string[], overrides: Partial<TrainingRequest> = {}): TrainingRequest {
  return {
    image: IMAGE,
    platform: PLATFORM,
    command,
    env: {},
    hyperparameters: {},
    datasets: [],
    checkpoints: join(folder, 'checkpoints'),
    results: join(folder, 'results'),
    gpu: false,
    network: 'none',
    timeoutMs: 60_000,
    limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, pids: 64 },
    attempt: 1,
    runId: 'run',
    seed: 1,
    ...overrides,
  }
}

describeTrainerContract('a Docker Engine', () => ({ trainer: new DockerTrainer(new Docker(), { graceMs: 1000 }), image: IMAGE, platform: PLATFORM }))

const SAVE = `
printf weights > /opt/ml/model/model.bin
sum=$(sha256sum /opt/ml/model/model.bin | cut -c1-64)
echo "[{\\"path\\": \\"model.bin\\", \\"bytes\\": 7, \\"sha256\\": \\"$sum\\"}]" > /opt/ml/model/manifest.json
echo '{"schema": "ctss.result/v1", "metrics": {"accuracy": {"value": 0.91}, "loss": {"value": NaN, "better": "lower"}}}' > /opt/ml/output/result.json
echo '[{"slice": "night", "metric": "accuracy", "value": 0.8, "n": 20}]' > /opt/ml/output/eval/slices.json
echo '<testsuite><testcase classname="invariance" name="mirror"/></testsuite>' > /opt/ml/output/eval/junit.xml
`

describe('the stage train on a Docker Engine', () => {
  const docker = new Docker()
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function train(
    script: string,
    overrides: Partial<Training> = {},
    { signal = new AbortController().signal, onLine, job, work = folder }: { signal?: AbortSignal; onLine?: () => void; job?: TrainingJob; work?: string } = {},
  ) {
    const context = makeStageContext(work, { signal, clock: machineClock })
    const result = await runTrain(onLine === undefined ? context : { ...context, progress: { step: () => undefined, output: onLine } }, {
      training: makeTraining({ command: ['sh', '-ec', script], timeoutMs: 60_000, ...overrides }),
      platform: PLATFORM,
      runId: 'run-1',
      ...(job && { job }),
      folders: new FolderReader(),
      buildImage: () => Promise.resolve({ kind: 'ready', reference: IMAGE }),
      datasets: { fetch: () => Promise.reject(new Error('there are none')) },
      trainer: new DockerTrainer(docker, { graceMs: 1000, label: folder }),
    })
    return { result, details: result.details as TrainDetails, messages: result.problems.map(({ message }) => message), context }
  }
  const leftovers = () => docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${folder}`] } })

  it('leaves a model and figures on which gates are decided', async () => {
    const { result, details } = await train(SAVE)

    expect(result).toMatchObject({ outcome: 'passed', problems: [] })
    expect(details).toMatchObject({
      attempts: 1,
      exitCode: 0,
      metrics: [
        { name: 'accuracy', value: 0.91 },
        { name: 'loss', value: 'NaN' },
      ],
      slices: [{ slice: 'night' }],
      tests: [{ category: 'standard', outcome: 'passed' }],
    })
    expect(details.model?.files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['manifest.json', expect.any(Number)],
      ['model.bin', 7],
    ])
    expect(
      decideGates(
        [
          { metric: 'accuracy', min: 0.9 },
          { metric: 'accuracy', slice: 'night', max_gap: 0.05 },
        ],
        details,
        undefined,
      ).map(({ outcome }) => outcome),
    ).toEqual(['passed', 'failed', 'passed'])
    expect(await leftovers()).toEqual([])
  })

  it('shows why a training failed', async () => {
    const { result, messages, details } = await train('echo Epoch 1; echo "ValueError: the data have no labels" > /opt/ml/output/failure; exit 1')

    expect(messages).toEqual(['the training ended with exit code 1: ValueError: the data have no labels'])
    expect(result.problems[0]?.detail).toContain('Epoch 1')
    expect(details.exitCode).toBe(1)
  })

  it('goes on from the checkpoints of a training that stopped with 75', async () => {
    const { result, details, context } = await train(
      `if [ $CTSS_ATTEMPT = 1 ]; then echo step 40 > /opt/ml/checkpoints/last; exit 75; fi; cat /opt/ml/checkpoints/last; ${SAVE}`,
    )

    expect(result).toMatchObject({ outcome: 'passed', metrics: { attempts: 2 } })
    expect(details).toMatchObject({ attempts: 2, exitCode: 0 })
    expect(context.lines).toContain('step 40')
  })

  it('goes on in another job, under the same name, from what an earlier one has left', async () => {
    const count = 'n=$(cat /opt/ml/checkpoints/last 2>/dev/null || echo 0); echo "$CTSS_RUN_ID attempt $CTSS_ATTEMPT at epoch $n"'
    const script = `${count}; [ $n -lt 4 ] || { ${SAVE} exit 0; }; echo $((n + 1)) > /opt/ml/checkpoints/last; exit 75`
    const job = { attemptsBefore: 0, jobsLeft: 1, runName: 'smoke-abc-train' }
    const first = await train(script, {}, { job: { ...job, keep: join(folder, 'first') }, work: join(folder, 'work-1') })

    expect(first.messages[0]).toMatch(/^the training is not finished: it stopped after 3 attempts/)
    expect(first.details).toMatchObject({ attempts: 3, exitCode: 75, resumable: true })

    const second = await train(
      script,
      {},
      { job: { ...job, restore: join(folder, 'first'), keep: join(folder, 'second'), attemptsBefore: 3, jobsLeft: 0 }, work: join(folder, 'work-2') },
    )

    expect(second.result).toMatchObject({ outcome: 'passed', problems: [] })
    expect(second.details).toMatchObject({ attempts: 5, exitCode: 0 })
    expect([...first.context.lines, ...second.context.lines]).toEqual([0, 1, 2, 3, 4].map((epoch) => `smoke-abc-train attempt ${epoch + 1} at epoch ${epoch}`))
    expect(await readFile(join(folder, 'first', 'last'), 'utf8')).toBe('3\n')
    expect(await leftovers()).toEqual([])
  })

  it('saves a checkpoint and stops before the time of its machine is over', async () => {
    const deadline = new Date(Date.now() + DEADLINE_MARGIN_MS + 12_000).toISOString()
    const job = { keep: join(folder, 'keep'), attemptsBefore: 0, jobsLeft: 1, deadline }
    const { messages, details } = await train('trap "echo $CTSS_DEADLINE > /opt/ml/checkpoints/last; exit 75" TERM; sleep 60 & wait', {}, { job })

    expect(messages).toEqual([
      `the training is not finished: it stopped as this machine's time ends at ${deadline}, and its checkpoints are kept. Another job goes on from them; it is the last one that may`,
    ])
    expect(details).toMatchObject({ attempts: 1, exitCode: 75, resumable: true })
    expect(await readFile(join(folder, 'keep', 'last'), 'utf8')).toBe(`${deadline}\n`)
    expect(await leftovers()).toEqual([])
  })

  it('leaves nothing to another job that is a link to files of the machine', async () => {
    const job = { keep: join(folder, 'keep'), attemptsBefore: 0, jobsLeft: 1 }
    const { messages, details } = await train(
      'echo x > /opt/ml/checkpoints/step-$CTSS_ATTEMPT; ln -sf /etc/shadow /opt/ml/checkpoints/newest; exit 75',
      {},
      { job },
    )

    expect(messages[0]).toMatch(/no other job can go on from what lies in \/opt\/ml\/checkpoints: newest is a symbolic link/)
    expect(details).not.toHaveProperty('resumable')
  })

  it('shows metrics while it runs, and keeps them', async () => {
    const file = '/opt/ml/output/metrics.ndjson'
    const { result, context } = await train(
      `echo '{"metric": "loss", "step": 1, "value": 0.75}' > ${file}; sleep 5; echo '{"metric": "loss", "step": 2, "value": NaN}' >> ${file}; ${SAVE}`,
    )

    expect(context.steps).toEqual(['training', 'step 1: loss 0.75', 'step 2: loss NaN'])
    expect(context.blobs.read(result.files.find(({ role }) => role === 'metrics')?.digest ?? '')).toBe(
      '{"metric":"loss","step":1,"value":0.75}\n{"metric":"loss","step":2,"value":"NaN"}\n',
    )
  })

  it('stops at its time limit', async () => {
    const { messages } = await train('sleep 60', { timeoutMs: 1500 })

    expect(messages).toEqual(['the training was stopped at its time limit of 1.5 s'])
    expect(await leftovers()).toEqual([])
  })

  it('tells that memory was short', async () => {
    const { messages } = await train('tail /dev/zero', { limits: { memoryBytes: 2 ** 25, diskBytes: 2 ** 28, pids: 64 } })

    expect(messages).toEqual(['the training needed more than its 33554432 bytes of memory'])
  })

  it('keeps no link and no device that a training leaves as its model', async () => {
    const { messages, result, context } = await train(
      `${SAVE} ln -s /etc/shadow /opt/ml/model/weights.bin; ln -sf /etc/hostname /opt/ml/output/README.md; mkfifo /opt/ml/output/eval/a.xml`,
    )

    expect(messages).toEqual(['/opt/ml/model/weights.bin is a symbolic link: a model is regular files'])
    expect(result.files.map(({ role }) => role)).toEqual(['result', 'slices', 'junit', 'log'])
    expect(context.blobs.read(result.files[0]?.digest ?? '')).toContain('accuracy')
  })

  it('is not stopped by an empty folder that nobody may read', async () => {
    const { messages } = await train(`mkdir -m 000 /opt/ml/model/closed; ${SAVE}`)

    expect(messages).toEqual([])
  })

  it('leaves no container when it is cancelled', async () => {
    const controller = new AbortController()

    await expect(train('echo ready; sleep 60', {}, { signal: controller.signal, onLine: () => controller.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(await leftovers()).toEqual([])
  })
})

it('a training whose engine goes away is a failure, not a hang', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const engine = connect('/var/run/docker.sock')
    for (const socket of [client, engine]) sockets.add(socket.on('error', () => undefined))
    client.pipe(engine).pipe(client)
  })
  await new Promise<void>((resolve) => proxy.listen(join(folder, 'engine.sock'), resolve))
  const breakOff = (): void => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  }
  const trainer = new DockerTrainer(new Docker({ socketPath: join(folder, 'engine.sock') }), { label: folder })
  const training = trainer.train(
    makeRequest(folder, ['sh', '-c', 'echo ready; sleep 60']),
    { step: () => undefined, output: breakOff },
    new AbortController().signal,
  )

  await expect(training).rejects.toMatchObject({ code: 'engine-unavailable' })
  const docker = new Docker()
  const [left] = await docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${folder}`] } })
  await docker.getContainer(left?.Id ?? '').remove({ force: true })
  await rm(folder, { recursive: true, force: true })
})

describe('what a training wrote as another user', () => {
  const docker = new Docker()
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const modeOf = async (path: string): Promise<string> => ((await stat(join(folder, path))).mode & 0o7777).toString(8)

  it('is opened to whoever runs us, so that it can be read and removed without root', async () => {
    const script =
      'umask 077; mkdir /opt/ml/model/closed /opt/ml/checkpoints/sticky; chmod 1700 /opt/ml/checkpoints/sticky; echo x > /opt/ml/model/closed/weights'
    const texts: string[] = []
    await new DockerTrainer(docker, { handsOver: true }).train(
      makeRequest(folder, ['sh', '-ec', `${script}; echo one > /opt/ml/output/metrics.ndjson`], { onMetrics: (text) => void texts.push(text) }),
      { step: () => undefined, output: () => undefined },
      new AbortController().signal,
    )

    expect(await Promise.all(['results/model/closed', 'results/model/closed/weights', 'checkpoints/sticky'].map(modeOf))).toEqual(['777', '666', '777'])
    expect(texts).toEqual(['one\n'])
  })

  it('stays as it is where the image has no `chmod`, or is gone', async () => {
    await mkdir(join(folder, 'model'), { mode: 0o700 })
    await writeFile(join(folder, 'model', 'weights'), 'x', { mode: 0o600 })
    const layout = { mounts: [{ source: join(folder, 'model'), target: '/bin', readOnly: false }], env: {}, writable: [], metricsFile: '' }
    await handOver(docker, { image: IMAGE }, layout, folder)
    await handOver(docker, { image: '127.0.0.1:1/nobody/nothing:1' }, layout, folder)

    expect(await Promise.all(['model', 'model/weights'].map(modeOf))).toEqual(['700', '600'])
    expect(await docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${folder}`] } })).toEqual([])
  })
})

describe('a training that asks for a GPU', () => {
  it('fails with `trainer-unavailable` where the engine has none', async (context) => {
    const docker = new Docker()
    const { Runtimes } = (await docker.info()) as { Runtimes: Record<string, unknown> }
    if ('nvidia' in Runtimes) context.skip('this engine has an NVIDIA runtime')
    const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))

    await expect(
      new DockerTrainer(docker).train(
        makeRequest(folder, ['true'], { gpu: { type: 'gpu_a100', count: 1 } }),
        { step: () => undefined, output: () => undefined },
        new AbortController().signal,
      ),
    ).rejects.toMatchObject({ code: 'trainer-unavailable' })
    await rm(folder, { recursive: true, force: true })
  })

  it('fails before anything is fetched or built, and leaves nothing', async (context) => {
    const docker = new Docker()
    const { Runtimes } = (await docker.info()) as { Runtimes: Record<string, unknown> }
    if ('nvidia' in Runtimes) context.skip('this engine has an NVIDIA runtime')
    const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
    const before = await docker.listImages({ all: true })
    const training = runTrain(makeStageContext(folder), {
      training: makeTraining({ gpu: true, datasets: [{ name: 'smoke', uri: 'data/smoke', sha256: 'a'.repeat(64) }] }),
      platform: PLATFORM,
      runId: 'run-1',
      folders: new FolderReader(),
      buildImage: () => Promise.reject(new Error('an image was built')),
      datasets: { fetch: () => Promise.reject(new Error('data were fetched')) },
      trainer: new DockerTrainer(docker, { label: folder }),
    })

    await expect(training).rejects.toMatchObject({ code: 'trainer-unavailable', suggestion: expect.stringContaining('`runners`') })
    expect(await docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${folder}`] } })).toEqual([])
    expect((await docker.listImages({ all: true })).filter(({ Size, Id }) => Size === 0 && !before.some((image) => image.Id === Id))).toEqual([])
    await rm(folder, { recursive: true, force: true })
  })

  it('fails with `engine-unavailable` where there is no engine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
    const trainer = new DockerTrainer(new Docker({ socketPath: join(folder, 'no.sock') }))

    await expect(
      trainer.train(makeRequest(folder, ['true']), { step: () => undefined, output: () => undefined }, new AbortController().signal),
    ).rejects.toMatchObject({ code: 'engine-unavailable' })
    await rm(folder, { recursive: true, force: true })
  })
})
