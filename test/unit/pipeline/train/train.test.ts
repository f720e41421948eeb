import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderReader } from '../../../../adapters/untrusted-folder/folder-reader.ts'
import { digestOf, listingDigest } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { DatasetAnswer } from '../../../../pipeline/ports/datasets.ts'
import type { TrainingObservation } from '../../../../pipeline/ports/trainer.ts'
import { runTrain } from '../../../../pipeline/train/train.ts'
import { makeTraining } from '../../../support/pipeline.ts'
import { makeStageContext } from '../../../support/train-stage.ts'
import { EXITED, trainScripted, write, type Attempt, type Files, type Scripted } from './scripted-training.ts'

const RESULT = JSON.stringify({ schema: 'ctss.result/v1', metrics: { accuracy: { value: 0.91 } } })
const MODEL = 'weights'
const SHA = digestOf(MODEL).slice(7)
const MANIFEST = JSON.stringify([{ path: 'model.npz', bytes: MODEL.length, sha256: SHA }])
const GOOD: Files = { 'output/result.json': RESULT, 'model/model.npz': MODEL }

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const train = (attempts: readonly Attempt[], options: Scripted = {}) => trainScripted(folder, attempts, options)
const trainOnce = (files: Files, act?: Attempt['act']) => train([{ files, ...(act && { act }) }])

describe('a training that ends well', () => {
  it('leaves model, figures, tests and files in the record', async () => {
    const files: Files = {
      ...GOOD,
      'model/manifest.json': MANIFEST,
      'output/eval/slices.json': JSON.stringify([{ slice: 'day', metric: 'accuracy', value: 0.9, n: 3 }]),
      'output/eval/b.xml': '<testsuite><testcase name="b"/></testsuite>',
      'output/eval/a.xml': '<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>',
      'output/eval/notes.txt': 'ignored',
      'output/README.md': '# Card',
      'output/dataset/croissant.json': '{}',
      'output/extra.bin': 'ignored',
    }
    const { result, details, context } = await train([{ files, observation: { cpuSeconds: 2, memoryPeakBytes: 3 } }])

    expect(result).toMatchObject({ outcome: 'passed', problems: [], metrics: { trainSeconds: 1, attempts: 1, cpuSeconds: 2, memoryPeakBytes: 3 } })
    expect(details).toMatchObject({
      kind: 'train',
      image: 'image@sha256:1',
      attempts: 1,
      exitCode: 0,
      seed: 1,
      metrics: [{ name: 'accuracy', value: 0.91, better: 'higher' }],
      slices: [{ slice: 'day' }],
      tests: [
        { name: 'a', outcome: 'failed', message: 'no' },
        { name: 'b', outcome: 'passed' },
      ],
    })
    expect(details.model?.files.map(({ path }) => path)).toEqual(['manifest.json', 'model.npz'])
    expect(details.model?.digest).toBe(
      listingDigest([
        { path: 'manifest.json', digest: digestOf(MANIFEST) },
        { path: 'model.npz', digest: digestOf(MODEL) },
      ]),
    )
    expect(result.files.map(({ role, name }) => `${role} ${name}`)).toEqual([
      'result result.json',
      'slices eval/slices.json',
      'junit eval/a.xml',
      'junit eval/b.xml',
      'model-card README.md',
      'croissant dataset/croissant.json',
      'model manifest.json',
      'model model.npz',
      'log train.log',
    ])
    expect(context.blobs.read(result.files.at(-1)?.digest ?? '')).toBe('epoch 1\n')
  })

  it('needs no more than result.json and one model file', async () => {
    const { result, details } = await trainOnce(GOOD)

    expect(result.outcome).toBe('passed')
    expect(details.model?.files).toEqual([{ path: 'model.npz', digest: digestOf(MODEL), bytes: MODEL.length }])
  })

  it('hands the container what the pipeline file says, and the record the stand-ins of the image', async () => {
    const dataset = { name: 'smoke', uri: 'data/smoke', sha256: 'a'.repeat(64), license: 'CC0-1.0' }
    const { requests, details, result } = await train([{ files: GOOD }], {
      training: { datasets: [dataset], seed: 7, gpu: true, network: 'open', hyperparameters: { lr: 1 } },
      image: { kind: 'ready', reference: 'i', standIns: ['debian'] },
    })

    expect(requests).toMatchObject([
      {
        image: 'i',
        platform: 'linux/amd64',
        command: ['python3', 'train.py'],
        seed: 7,
        gpu: true,
        network: 'open',
        hyperparameters: { lr: 1 },
        attempt: 1,
        runId: 'run-1',
        datasets: [{ name: 'smoke', folder: '/data/smoke', digest: digestOf('smoke'), uri: 'data/smoke', license: 'CC0-1.0' }],
      },
    ])
    expect(details.datasets).toEqual([{ name: 'smoke', digest: digestOf('smoke'), uri: 'data/smoke', license: 'CC0-1.0' }])
    expect(result.standIns).toEqual(['debian'])
  })
})

describe('before the training', () => {
  it('every wrong data set is a problem, and nothing is built', async () => {
    const datasets = ['a', 'b', 'c'].map((name) => ({ name, uri: name, sha256: 'a'.repeat(64) }))
    const refused = (name: string): DatasetAnswer => ({ kind: 'refused', problem: { code: 'dataset-mismatch', severity: 'error', message: name } })
    const { result, requests, calls } = await train([], { training: { datasets }, answers: { a: refused('a'), c: refused('c') } })

    expect(result).toMatchObject({ outcome: 'failed', problems: [{ message: 'a' }, { message: 'c' }], details: { kind: 'none' } })
    expect(requests).toEqual([])
    expect(calls).toEqual(['data', 'data', 'data'])
  })

  it('a GPU that is not to be had is a failure, and nothing is fetched or built', async () => {
    const calls: string[] = []
    const trainer = {
      requireGpu(gpu: unknown) {
        calls.push(JSON.stringify(gpu))
        return Promise.reject(new Failure('trainer-unavailable', 'no GPU'))
      },
    }
    const gpu = { type: 'gpu_a100', count: 2 }
    const training = train([], { training: { gpu, datasets: [{ name: 'a', uri: 'a', sha256: 'a'.repeat(64) }] }, trainer })

    await expect(training).rejects.toMatchObject({ code: 'trainer-unavailable' })
    expect(calls).toEqual(['{"type":"gpu_a100","count":2}'])
  })

  it('what GPUs the machine has is recorded, where one was asked for and they are known', async () => {
    const trainer = { requireGpu: () => Promise.resolve(['NVIDIA A100-SXM4-40GB']) }
    const gpusOf = async (options: Scripted) => (await train([{ files: GOOD }], options)).details.gpus

    expect(await gpusOf({ training: { gpu: true }, trainer })).toEqual(['NVIDIA A100-SXM4-40GB'])
    expect(await gpusOf({ training: { gpu: true } })).toBeUndefined()
    expect(await gpusOf({ trainer })).toBeUndefined()
  })

  it('an engine that is not the one of this machine is a failure', async () => {
    await expect(train([], { training: { engine: 'ray' } })).rejects.toMatchObject({
      code: 'trainer-unavailable',
      message: 'training.engine is ray, and this machine trains with docker',
    })
  })

  it('a training image that cannot be built is the problem of its build', async () => {
    const { result, requests } = await train([], { image: { kind: 'refused', problems: [{ code: 'build-failed', severity: 'error', message: 'RUN false' }] } })

    expect(result).toMatchObject({ outcome: 'failed', problems: [{ code: 'build-failed' }] })
    expect(requests).toEqual([])
  })
})

describe('a training that ends otherwise', () => {
  it('shows the first 1024 characters of output/failure, and the end of the log', async () => {
    const { result, details } = await train([
      { files: { ...GOOD, 'output/failure': `ValueError: ${'x'.repeat(5000)}` }, observation: { exitCode: 1, log: `${'l'.repeat(9000)}\nthe end` } },
    ])

    expect(result).toMatchObject({ outcome: 'failed', problems: [{ code: 'training-failed' }] })
    expect(result.problems[0]?.message).toMatch(/^the training ended with exit code 1: ValueError: x+$/)
    expect(result.problems[0]?.message.length).toBeLessThan(1100)
    expect(result.problems[0]?.detail).toMatch(/the end$/)
    expect(result.files.map(({ role }) => role)).toEqual(['log'])
    expect(details).toMatchObject({ exitCode: 1, metrics: [], tests: [] })
  })

  it.each<[string, Partial<TrainingObservation>, string, RegExp]>([
    ['a time limit', { exitCode: 137, ending: 'timed-out' }, 'training-timed-out', /time limit of 3600 s/],
    ['no memory', { exitCode: 137, ending: 'out-of-memory' }, 'training-out-of-memory', /1073741824 bytes of memory/],
    ['a full disk', { exitCode: 137, ending: 'disk-limit' }, 'training-disk-limit', /1073741824 bytes of disk/],
    ['no start', { exitCode: null, ending: 'not-started', endingDetail: 'no such file' }, 'training-not-started', /no such file/],
    ['no start without a reason', { exitCode: null, ending: 'not-started' }, 'training-not-started', /does not say why/],
    ['an exit that nobody knows', { exitCode: null }, 'training-failed', /exit code unknown/],
  ])('is a problem: %s', async (_name, observation, code, message) => {
    const { result, codes, messages } = await train([{ observation }])

    expect(codes).toEqual([code])
    expect(messages).toMatch(message)
    expect(result.outcome).toBe('failed')
  })
})

describe('a training that ends with 75', () => {
  const stopped = { exitCode: 75, seconds: 10, cpuSeconds: 4, memoryPeakBytes: 100 }

  it('runs again on its checkpoints, in a fresh results folder, with the time that is left', async () => {
    const { result, details, requests, context } = await train([
      { checkpoint: 'one', observation: stopped, files: { 'output/result.json': 'half' } },
      { checkpoint: 'two!', observation: { ...stopped, memoryPeakBytes: 70 } },
      { files: GOOD },
    ])

    expect(result).toMatchObject({ outcome: 'passed', metrics: { attempts: 3, trainSeconds: 21, cpuSeconds: 8, memoryPeakBytes: 100 } })
    expect(details).toMatchObject({ attempts: 3, exitCode: 0 })
    expect(requests.map(({ attempt, timeoutMs }) => [attempt, timeoutMs])).toEqual([
      [1, 3_600_000],
      [2, 3_590_000],
      [3, 3_580_000],
    ])
    expect(new Set(requests.map(({ results }) => results)).size).toBe(3)
    expect(new Set(requests.map(({ checkpoints }) => checkpoints)).size).toBe(1)
    expect(context.steps).toEqual(['training', 'training, attempt 2 of 3', 'training, attempt 3 of 3'])
  })

  it('is given up after three attempts', async () => {
    const { messages, requests } = await train(['a', 'bb', 'ccc'].map((checkpoint) => ({ checkpoint, observation: stopped })))

    expect(requests).toHaveLength(3)
    expect(messages).toBe('the training ended with 75 (resumable) after 3 attempts')
  })

  it.each<[string, Attempt[]]>([
    ['leaves no checkpoint', [{ observation: stopped }]],
    ['leaves an empty one', [{ checkpoint: '', observation: stopped }]],
    ['leaves the same ones', [{ checkpoint: 'a', observation: stopped }, { observation: stopped }]],
  ])('is given up as soon as it %s', async (_name, attempts) => {
    const { codes, messages, requests } = await train(attempts)

    expect(requests).toHaveLength(attempts.length)
    expect(codes).toEqual(['training-not-resumed'])
    expect(messages).toContain('without a new checkpoint')
  })

  it('is not run again once it is cancelled', async () => {
    const controller = new AbortController()
    const context = makeStageContext(folder, { signal: controller.signal })
    const training = runTrain(context, {
      training: makeTraining(),
      platform: 'linux/amd64',
      runId: 'r',
      folders: new FolderReader(),
      buildImage: () => Promise.resolve({ kind: 'ready', reference: 'i' }),
      datasets: { fetch: () => Promise.reject(new Error('unused')) },
      trainer: {
        engine: 'docker',
        requireGpu: () => Promise.reject(new Error('unused')),
        restoreCheckpoints: () => Promise.reject(new Error('unused')),
        async train(request) {
          await write(join(request.checkpoints, 'last'), 'x')
          controller.abort()
          return { ...EXITED, exitCode: 75 }
        },
      },
    })

    await expect(training).rejects.toThrow(/abort/)
  })
})

describe('results that break the contract', () => {
  it.each<[string, Files, string, RegExp]>([
    ['no result.json', { 'model/model.npz': MODEL }, 'training-result-missing', /left no \/opt\/ml\/output\/result.json/],
    ['no model', { 'output/result.json': RESULT }, 'training-model-invalid', /left no model file in \/opt\/ml\/model/],
    ['a manifest without a model', { 'output/result.json': RESULT, 'model/manifest.json': MANIFEST }, 'training-model-invalid', /left no model file/],
    ['result.json that is none', { ...GOOD, 'output/result.json': '{' }, 'training-result-invalid', /result.json cannot be read/],
    ['50 MB of result.json', { ...GOOD, 'output/result.json': Buffer.alloc(50_000_000, ' ') }, 'training-result-invalid', /larger than 5242880 bytes/],
    ['slices of another shape', { ...GOOD, 'output/eval/slices.json': '{}' }, 'training-result-invalid', /slices.json cannot be read/],
    [
      'the billion laughs',
      { ...GOOD, 'output/eval/junit.xml': '<!DOCTYPE l [<!ENTITY a "aaaa">]><testsuite><testcase name="&a;"/></testsuite>' },
      'training-result-invalid',
      /junit.xml cannot be read: a document type/,
    ],
    [
      'too many JUnit files',
      { ...GOOD, ...Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`output/eval/${index}.xml`, '<testsuite/>'])) },
      'training-result-invalid',
      /51 JUnit files/,
    ],
    ['too many tests', { ...GOOD, 'output/eval/a.xml': `<testsuite>${'<testcase/>'.repeat(10_001)}</testsuite>` }, 'training-result-invalid', /10001 tests/],
    [
      'a model card that is no card',
      { ...GOOD, 'output/README.md': Buffer.alloc(2 ** 21, 'x') },
      'training-result-invalid',
      /README.md cannot be read: it is larger/,
    ],
    [
      'a manifest path that leaves the folder',
      { ...GOOD, 'model/manifest.json': JSON.stringify([{ path: '../output/result.json', bytes: RESULT.length, sha256: digestOf(RESULT).slice(7) }]) },
      'training-model-invalid',
      /lists \.\.\/output\/result\.json, which is no file/,
    ],
    [
      'an absolute path',
      { ...GOOD, 'model/manifest.json': JSON.stringify([{ path: '/etc/passwd', bytes: 1, sha256: SHA }]) },
      'training-model-invalid',
      /lists \/etc\/passwd/,
    ],
    [
      'a manifest that lists itself',
      { ...GOOD, 'model/manifest.json': JSON.stringify([{ path: 'manifest.json', bytes: 1, sha256: SHA }]) },
      'training-model-invalid',
      /lists manifest.json/,
    ],
    [
      'a wrong sha256',
      { ...GOOD, 'model/manifest.json': JSON.stringify([{ path: 'model.npz', bytes: MODEL.length, sha256: '0'.repeat(64) }]) },
      'training-model-invalid',
      new RegExp(`has sha256 ${SHA}, but manifest.json says 0+`),
    ],
    [
      'a wrong size',
      { ...GOOD, 'model/manifest.json': JSON.stringify([{ path: 'model.npz', bytes: 1, sha256: SHA }]) },
      'training-model-invalid',
      /has 7 bytes, but manifest.json says 1/,
    ],
    [
      'a file that is not listed',
      { ...GOOD, 'model/manifest.json': MANIFEST, 'model/backdoor.so': 'x' },
      'training-model-invalid',
      /backdoor.so is not in manifest.json/,
    ],
    [
      'a manifest that cannot be read',
      { ...GOOD, 'model/manifest.json': '{}' },
      'training-model-invalid',
      /manifest.json cannot be read: the document must be array/,
    ],
    [
      'a manifest that is too large',
      { ...GOOD, 'model/manifest.json': Buffer.alloc(6_000_000, ' ') },
      'training-model-invalid',
      /manifest.json cannot be read: it is larger/,
    ],
    [
      'too many model files',
      { ...GOOD, ...Object.fromEntries(Array.from({ length: 1002 }, (_, index) => [`model/${index}`, 'x'])) },
      'training-model-invalid',
      /more than 1001 files/,
    ],
  ])('are a problem: %s', async (_name, files, code, message) => {
    const { result, codes, messages } = await trainOnce(files)

    expect(result.outcome).toBe('failed')
    expect(codes).toEqual([code])
    expect(messages).toMatch(message)
  })

  it('are all told at once', async () => {
    const { codes } = await trainOnce({ 'output/eval/slices.json': '{', 'output/eval/a.xml': '<a' })

    expect(codes).toEqual(['training-result-missing', 'training-result-invalid', 'training-result-invalid', 'training-model-invalid'])
  })

  it('never follow a link: a model that links to /etc/passwd', async () => {
    const { messages, result, context } = await trainOnce(GOOD, ({ results }) => symlink('/etc/passwd', join(results, 'model', 'weights')))

    expect(messages).toContain('/opt/ml/model/weights is a symbolic link')
    expect(result.files.some(({ digest }) => context.blobs.read(digest)?.includes('root:'))).toBe(false)
  })

  it('never follow a link: the model card and the eval folder', async () => {
    const act: Attempt['act'] = async ({ results }) => {
      await write(join(folder, 'secret', 'a.xml'), '<testsuite><testcase name="secret"/></testsuite>')
      await symlink('/etc/passwd', join(results, 'output', 'README.md'))
      await symlink(join(folder, 'secret'), join(results, 'output', 'eval'))
    }
    const good = await trainOnce(GOOD, act)

    expect(good.details.tests).toEqual([])
    expect(good.result.files.map(({ role }) => role)).toEqual(['result', 'model', 'log'])
  })

  it('never follow a link: failure', async () => {
    const { messages } = await train([{ act: ({ results }) => symlink('/etc/passwd', join(results, 'output', 'failure')), observation: { exitCode: 1 } }])

    expect(messages).toBe('the training ended with exit code 1')
  })

  it('may be no pipe, however long one waits for it', async () => {
    const { messages } = await trainOnce(
      { 'model/model.npz': MODEL },
      async ({ results }) => void execFileSync('mkfifo', [join(results, 'output', 'result.json'), join(results, 'model', 'pipe')]),
    )

    expect(messages).toContain('left no /opt/ml/output/result.json')
    expect(messages).toContain('/opt/ml/model/pipe is not a regular file')
  })

  it('may not be larger than the disk limit, sparse or not', async () => {
    const { messages } = await trainOnce(GOOD, ({ results }) => truncate(join(results, 'model', 'model.npz'), 2 ** 40))

    expect(messages).toContain("/opt/ml/model has 1099511627776 bytes, more than the training's disk limit")
  })

  it('may have no names that a terminal would obey', async () => {
    const { messages } = await trainOnce({ ...GOOD, 'model/\u001b[31mred': 'x' })

    expect(messages).toContain('not a regular file with a plain name')
  })
})
