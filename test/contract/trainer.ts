import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import type { Failure } from '../../pipeline/failure.ts'
import type { Trainer, TrainingRequest } from '../../pipeline/ports/trainer.ts'

export interface TrainerUnderTest {
  readonly trainer: Trainer
  /** An image with a POSIX shell. */
  readonly image: string
  readonly platform: string
}

/** Every trainer passes this. Its trainings are shell scripts. */
export function describeTrainerContract(name: string, make: () => TrainerUnderTest): void {
  describe(`${name}, as a trainer`, () => {
    let folder = ''
    let under: TrainerUnderTest
    const lines: string[] = []
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ctss-trainer-'))
      under = make()
      lines.length = 0
    })
    afterEach(() => rm(folder, { recursive: true, force: true }))

    const request = (script: string, overrides: Partial<TrainingRequest> = {}): TrainingRequest => ({
      image: under.image,
      platform: under.platform,
      command: ['sh', '-c', script],
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
      runId: 'contract',
      seed: 7,
      ...overrides,
    })
    const train = (script: string, overrides: Partial<TrainingRequest> = {}, signal = new AbortController().signal) =>
      under.trainer.train(request(script, overrides), { step: () => undefined, output: (line) => void lines.push(line) }, signal)
    const result = (path: string): Promise<string> => readFile(join(folder, 'results', path), 'utf8')

    it('runs the command, shows both streams while they come, and tells the exit code', async () => {
      const observation = await train('echo out; echo err >&2; printf "no end"; exit 3')

      expect(observation).toMatchObject({ exitCode: 3, ending: 'exited' })
      expect(observation.seconds).toBeGreaterThan(0)
      expect(lines.toSorted()).toEqual(['err', 'no end', 'out'])
      expect(observation.log).toContain('out\n')
      expect(observation.log).toContain('err\n')
    })

    it('waits for a training that has closed its output', async () => {
      const observation = await train('exec >&- 2>&-; sleep 2; exec touch /opt/ml/model/done')

      expect(observation).toMatchObject({ exitCode: 0, ending: 'exited' })
      expect(await result('model/done')).toBe('')
    })

    it('keeps the end of a long log, 64 KiB of it', async () => {
      const observation = await train('head -c 300000 /dev/zero | tr "\\0" x; echo; echo the end')

      expect(Buffer.byteLength(observation.log)).toBe(65_536)
      expect(observation.log).toMatch(/x\nthe end\n$/)
    })

    it('keeps what is written to model, output and checkpoints', async () => {
      await train(
        'for f in model output checkpoints; do echo $f > /opt/ml/$f/file; done; mkdir -p $CTSS_OUTPUT_DIR/eval && echo row > /opt/ml/output/eval/slices.json',
      )

      expect(
        await Promise.all([
          result('model/file'),
          result('output/file'),
          result('output/eval/slices.json'),
          readFile(join(folder, 'checkpoints', 'file'), 'utf8'),
        ]),
      ).toEqual(['model\n', 'output\n', 'row\n', 'checkpoints\n'])
    })

    it('hands over configuration, seed, attempt and what the data sets are', async () => {
      await mkdir(join(folder, 'smoke'))
      await writeFile(join(folder, 'smoke', 'labels.csv'), 'a,b\n')
      const datasets = [{ name: 'smoke', folder: join(folder, 'smoke'), digest: digestOf('smoke'), uri: 'data/smoke', license: 'CC0-1.0' }]
      await train(
        'cat /opt/ml/input/config/hyperparameters.json $CTSS_DATASET_MANIFEST /opt/ml/input/data/smoke/labels.csv; echo $CTSS_SEED $CTSS_ATTEMPT $CTSS_RUN_ID $CTSS_CHECKPOINT_URI $MORE',
        { datasets, hyperparameters: { lr: 0.1 }, attempt: 2, env: { MORE: 'more', CTSS_SEED: '9' } },
      )

      const text = lines.join('\n')
      expect(text).toContain('"lr": 0.1')
      expect(text).toContain('"path": "/opt/ml/input/data/smoke"')
      expect(text).toContain(`"digest": "${digestOf('smoke')}"`)
      expect(text).toContain('a,b')
      expect(text).toContain('7 2 contract file:///opt/ml/checkpoints more')
    })

    it('tells a training when the time of the machine ends, where it does', async () => {
      await train('echo "ends ${CTSS_DEADLINE-never}"')
      await train('echo "ends ${CTSS_DEADLINE-never}"', { deadline: { end: '2099-11-21T18:00:00Z', stop: '2099-11-21T17:55:00Z' } })

      expect(lines).toEqual(['ends never', 'ends 2099-11-21T18:00:00Z'])
    })

    it('asks a training to stop before the time of the machine ends, where that comes before its time limit', async () => {
      const script = 'trap "exit 75" TERM; sleep 60 & wait'
      const inMs = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString()

      expect(await train(script, { deadline: { end: inMs(60_000), stop: inMs(1500) } })).toMatchObject({ exitCode: 75, ending: 'out-of-time' })
      expect(await train(script, { deadline: { end: inMs(60_000), stop: inMs(30_000) }, timeoutMs: 1500 })).toMatchObject({ exitCode: 75, ending: 'timed-out' })
      expect(await train('sleep 60', { deadline: { end: inMs(0), stop: inMs(-60_000) } })).toMatchObject({ ending: 'out-of-time' })
    })

    it('passes on what is appended to metrics.ndjson, while it runs and to its end', async () => {
      const texts: string[] = []
      await train('echo one >> /opt/ml/output/metrics.ndjson; sleep 5; echo two >> /opt/ml/output/metrics.ndjson', {
        onMetrics: (text) => void texts.push(text),
      })

      expect(texts).toEqual(['one\n', 'two\n'])
    })

    it('restores checkpoints, which a training can change whoever it runs as', async () => {
      await mkdir(join(folder, 'earlier', 'epochs'), { recursive: true, mode: 0o700 })
      await writeFile(join(folder, 'earlier', 'epochs', 'last'), 'epoch 3\n', { mode: 0o600 })
      await under.trainer.restoreCheckpoints(join(folder, 'earlier'), join(folder, 'checkpoints'), ['epochs/last'])
      const observation = await train('cd /opt/ml/checkpoints/epochs && cat last && echo epoch 4 > last && mv last newest')

      expect(observation.exitCode).toBe(0)
      expect(lines).toEqual(['epoch 3'])
      expect(await readFile(join(folder, 'checkpoints', 'epochs', 'newest'), 'utf8')).toBe('epoch 4\n')
      expect(await readFile(join(folder, 'earlier', 'epochs', 'last'), 'utf8')).toBe('epoch 3\n')
    })

    it('gives data and configuration to read only', async () => {
      await mkdir(join(folder, 'data'))
      const datasets = [{ name: 'data', folder: join(folder, 'data'), digest: digestOf('data'), uri: 'data' }]
      const observation = await train('touch /opt/ml/input/data/data/x || touch /opt/ml/input/config/x || exit 9', { datasets })

      expect(observation.exitCode).toBe(9)
      expect(await readdir(join(folder, 'data'))).toEqual([])
    })

    it('has no network unless it is open', async () => {
      const count = 'exit $(grep -c : /proc/net/dev)'

      expect((await train(count)).exitCode).toBe(1)
      expect((await train(count, { network: 'open' })).exitCode).toBeGreaterThan(1)
    })

    it('has no capabilities and cannot gain any', async () => {
      await train('grep -E "CapEff|NoNewPrivs" /proc/self/status')

      expect(lines).toEqual(['CapEff:\t0000000000000000', 'NoNewPrivs:\t1'])
    })

    it('tells a training that needed too much memory', async () => {
      const observation = await train('tail /dev/zero', { limits: { memoryBytes: 2 ** 25, diskBytes: 2 ** 28, pids: 64 } })

      expect(observation.ending).toBe('out-of-memory')
    })

    it('does not call it that when the training went on without the process that was killed', async () => {
      const observation = await train('tail /dev/zero; exit 0', { limits: { memoryBytes: 2 ** 25, diskBytes: 2 ** 28, pids: 64 } })

      expect(observation).toMatchObject({ exitCode: 0, ending: 'exited' })
    })

    it('ends a training that writes too much', async () => {
      const observation = await train('cat /dev/zero > /opt/ml/model/big', { limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 24, pids: 64 } })

      expect(observation.ending).toBe('disk-limit')
    })

    it('cannot be flooded with processes', async () => {
      const observation = await train('for i in $(seq 100); do sleep 30 & done; wait', {
        limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, pids: 16 },
        timeoutMs: 2000,
      })

      expect(observation.log).toMatch(/fork|[Rr]esource/)
    })

    it('asks a training to stop at its time limit, so that it can write a checkpoint', async () => {
      const observation = await train('trap "echo saved > /opt/ml/checkpoints/last; exit 75" TERM; sleep 60 & wait', { timeoutMs: 1500 })

      expect(observation).toMatchObject({ exitCode: 75, ending: 'timed-out' })
      expect(await readFile(join(folder, 'checkpoints', 'last'), 'utf8')).toBe('saved\n')
    })

    it('lets a training run that may take months', async () => {
      expect(await train('sleep 1', { timeoutMs: 999_999 * 3_600_000 })).toMatchObject({ exitCode: 0, ending: 'exited' })
    })

    it('kills a training that does not stop', async () => {
      const observation = await train('trap "" TERM; while :; do sleep 1; done', { timeoutMs: 1500 })

      expect(observation).toMatchObject({ exitCode: 137, ending: 'timed-out' })
    })

    it('tells why a command cannot start', async () => {
      const observation = await train('', { command: ['/no/such/program'] })

      expect(observation).toMatchObject({ exitCode: null, ending: 'not-started', seconds: 0 })
      expect(observation.endingDetail).toContain('/no/such/program')
    })

    it('fails with `cancelled` before and while it runs', async () => {
      await expect(train('sleep 60', {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' } satisfies Partial<Failure>)
      const controller = new AbortController()
      const training = under.trainer.train(request('echo ready; sleep 60'), { step: () => undefined, output: () => controller.abort() }, controller.signal)
      await expect(training).rejects.toMatchObject({ code: 'cancelled' } satisfies Partial<Failure>)
    })

    it('fails with `registry-unavailable` for an image that cannot be had', async () => {
      await expect(train('true', { image: '127.0.0.1:1/nobody/nothing:1' })).rejects.toMatchObject({ code: 'registry-unavailable' })
    })
  })
}
