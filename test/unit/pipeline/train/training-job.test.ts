import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../../pipeline/ports/clock.ts'
import { DEADLINE_MARGIN_MS, type TrainingJob } from '../../../../pipeline/train/training-job.ts'
import { trainScripted, write, type Attempt, type Scripted } from './scripted-training.ts'

const NOW = Date.parse('2026-11-21T12:00:00.000Z')
const GOOD = { 'output/result.json': JSON.stringify({ schema: 'ctss.result/v1', metrics: {} }), 'model/model.npz': 'weights' }
const STOPPED = { exitCode: 75, seconds: 10, log: 'saved\n' }
const AT_DEADLINE = { ...STOPPED, ending: 'out-of-time' } as const

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const keep = (): string => join(folder, 'keep')
const earlier = (): string => join(folder, 'earlier')
/** A machine whose time ends so long after the last moment at which a training is stopped. */
const endsIn = (seconds: number): string => new Date(NOW + DEADLINE_MARGIN_MS + seconds * 1000).toISOString()

async function train(attempts: readonly Attempt[], job: Partial<TrainingJob> = {}, options: Scripted = {}) {
  await mkdir(join(folder, 'work'), { recursive: true })
  return trainScripted(join(folder, 'work'), attempts, { ...options, job: { keep: keep(), attemptsBefore: 0, jobsLeft: 2, ...job } })
}

describe('a training in a job', () => {
  it('ends as elsewhere when it is finished', async () => {
    const { result, details, requests } = await train([{ files: GOOD }])

    expect(result).toMatchObject({ outcome: 'passed', problems: [] })
    expect(details).not.toHaveProperty('resumable')
    expect(requests[0]).not.toHaveProperty('deadline')
  })

  it('leaves its checkpoints to another job when its attempts are used up', async () => {
    const { result, details, codes, messages, requests, context } = await train(['a', 'bb', 'ccc'].map((checkpoint) => ({ checkpoint, observation: STOPPED })))

    expect(codes).toEqual(['training-resumable'])
    expect(messages).toBe('the training is not finished: it stopped after 3 attempts, and its checkpoints are kept. Another job goes on from them; 2 more may')
    expect(result).toMatchObject({ outcome: 'failed', problems: [{ detail: 'saved\n' }], metrics: { attempts: 3, trainSeconds: 30, checkpointBytes: 3 } })
    expect(details).toMatchObject({ attempts: 3, exitCode: 75, resumable: true })
    expect(await readFile(join(keep(), 'last'), 'utf8')).toBe('ccc')
    expect(requests.map(({ checkpoints }) => checkpoints)).toEqual([keep(), keep(), keep()])
    expect(context.steps).toEqual(['training', 'training, attempt 2 of 3 in this job', 'training, attempt 3 of 3 in this job'])
  })

  it.each([
    [1, 'Another job goes on from them; it is the last one that may', undefined],
    [0, 'No job goes on from them by itself any more', 'run it again with the folder of its checkpoints as `checkpoints`, or with more `attempts-left`'],
  ])('says what happens next when %i more jobs may go on', async (jobsLeft, sentence, suggestion) => {
    const { result, details } = await train(
      ['a', 'bb', 'ccc'].map((checkpoint) => ({ checkpoint, observation: STOPPED })),
      { jobsLeft },
    )

    expect(result.problems[0]?.message.split('. ')[1]).toBe(sentence)
    expect(result.problems[0]?.suggestion).toBe(suggestion)
    expect(details.resumable).toBe(true)
  })

  it('goes on from the checkpoints of an earlier job, under the same name, and counts on', async () => {
    await write(join(earlier(), 'epochs', 'last'), 'epoch 3')
    const seen: string[] = []
    const { details, requests, context } = await train(
      [
        {
          act: async ({ checkpoints }) => {
            seen.push(await readFile(join(checkpoints, 'epochs', 'last'), 'utf8'))
            await write(join(checkpoints, 'epochs', 'last'), 'epoch 4!')
          },
          observation: STOPPED,
        },
        { files: GOOD },
      ],
      { restore: earlier(), attemptsBefore: 3, jobsLeft: 1, runName: 'smoke-abc-train' },
    )

    expect(seen).toEqual(['epoch 3'])
    expect(await readFile(join(earlier(), 'epochs', 'last'), 'utf8')).toBe('epoch 3')
    expect(requests.map(({ attempt, runId }) => [attempt, runId])).toEqual([
      [4, 'smoke-abc-train'],
      [5, 'smoke-abc-train'],
    ])
    expect(details).toMatchObject({ attempts: 5, exitCode: 0 })
    expect(context.steps).toEqual(['training, going on after 3 attempts in other jobs', 'training, attempt 2 of 3 in this job'])
  })

  it('is given up when the whole job has changed no checkpoint', async () => {
    await write(join(earlier(), 'last'), 'epoch 3')
    const { codes, messages, details } = await train([{ observation: STOPPED }], { restore: earlier(), attemptsBefore: 1 })

    expect(codes).toEqual(['training-not-resumed'])
    expect(messages).toContain('without a new checkpoint')
    expect(details).not.toHaveProperty('resumable')
  })

  it('may go on elsewhere when only its last attempt has changed none', async () => {
    const { codes, details } = await train([{ checkpoint: 'a', observation: STOPPED }, { observation: STOPPED }])

    expect(codes).toEqual(['training-resumable'])
    expect(details.attempts).toBe(2)
  })
})

describe('a machine whose time ends', () => {
  it('tells the training when, and stops it five minutes before', async () => {
    const { requests } = await train([{ files: GOOD }], { deadline: '2026-11-21T20:00:00+01:00' })

    expect(requests).toMatchObject([{ deadline: { end: '2026-11-21T20:00:00+01:00', stop: '2026-11-21T18:55:00.000Z' }, timeoutMs: 3_600_000 }])
  })

  it('does not change the time that the training has', async () => {
    const { messages } = await train([{ observation: { exitCode: 75, ending: 'timed-out' }, checkpoint: 'a' }], { deadline: endsIn(7200) })

    expect(messages).toBe('the training was stopped at its time limit of 3600 s')
  })

  it('makes it resumable when it saves a checkpoint and ends with 75', async () => {
    const deadline = endsIn(600)
    const { codes, messages, details } = await train([{ checkpoint: 'a', observation: AT_DEADLINE }], { deadline })

    expect(codes).toEqual(['training-resumable'])
    expect(messages).toContain(`it stopped as this machine's time ends at ${deadline}, and its checkpoints are kept`)
    expect(details).toMatchObject({ attempts: 1, exitCode: 75, resumable: true })
  })

  it.each([
    ['is killed', { ...AT_DEADLINE, exitCode: 137 }, 'training-out-of-time', /did not end with 75$/],
    ['ends with 0, finished or not', { ...AT_DEADLINE, exitCode: 0 }, 'training-out-of-time', /time ends at .*, and did not end with 75$/],
    ['ends with 75 and no checkpoint', AT_DEADLINE, 'training-not-resumed', /without a new checkpoint/],
  ])('fails it when it %s', async (_name, observation, code, message) => {
    const { result, codes, messages } = await train([{ observation, files: GOOD }], { deadline: endsIn(600) })

    expect(codes).toEqual([code])
    expect(messages).toMatch(message)
    expect(result.files.map(({ role }) => role)).toEqual(['log'])
  })

  it('leaves no further attempt to a training that stops by itself shortly before', async () => {
    let now = NOW
    const clock: Clock = { now: () => new Date(now).toISOString(), monotonicMs: () => 0 }
    const act = (): void => void (now += 595_000)
    const { codes, requests } = await train([{ checkpoint: 'a', act, observation: STOPPED }], { deadline: endsIn(600) }, { clock })

    expect(requests).toHaveLength(1)
    expect(codes).toEqual(['training-resumable'])
  })

  it('is a failure when too little is left to begin, before anything is fetched', async () => {
    const fetched: string[] = []
    const trainer = {
      requireGpu() {
        fetched.push('gpu')
        return Promise.resolve([])
      },
    }

    await expect(train([], { deadline: endsIn(9) }, { trainer, training: { gpu: true } })).rejects.toMatchObject({ code: 'trainer-unavailable' })
    expect(fetched).toEqual([])
  })

  it('is a failure when the image has taken all of it', async () => {
    let now = NOW
    const clock: Clock = { now: () => new Date((now += 400_000)).toISOString(), monotonicMs: () => 0 }

    await expect(train([], { deadline: endsIn(600) }, { clock })).rejects.toMatchObject({ code: 'trainer-unavailable' })
  })

  it('is a failure when its end is no time', async () => {
    await expect(train([], { deadline: 'tomorrow' })).rejects.toMatchObject({
      code: 'trainer-unavailable',
      message: 'the end of this machine\'s time is "tomorrow", which is no time',
    })
  })
})

describe('checkpoints of strangers', () => {
  const lay: readonly [string, (at: string) => Promise<void>, RegExp][] = [
    ['a link', (at) => symlink('/etc/shadow', join(at, 'newest')), /newest is a symbolic link, and only regular files travel/],
    ['a linked folder', (at) => symlink('/etc', join(at, 'epochs')), /epochs is a symbolic link/],
    ['a pipe', async (at) => void execFileSync('mkfifo', [join(at, 'pipe')]), /pipe is not a regular file/],
    ['a name that a terminal would obey', (at) => write(join(at, '\u001b[31m'), 'x'), /not a regular file with a plain name/],
    [
      'more bytes than the disk limit',
      (at) => write(join(at, 'a'), 'x').then(() => truncate(join(at, 'a'), 2 ** 40)),
      /they have \d{13} bytes, more than the training's disk limit of 1073741824/,
    ],
    ['a huge count', async (at) => void execFileSync('sh', ['-c', 'seq 10001 | xargs touch'], { cwd: at }), /they are more than 10000 files/],
  ]

  it.each([...lay, ['nothing', () => Promise.resolve(), /there are none/] as const])(
    'are refused before anything is fetched: %s',
    async (_name, act, message) => {
      await mkdir(earlier(), { recursive: true })
      await act(earlier())
      const { result, calls } = await train([], { restore: earlier() })

      expect(result).toMatchObject({ outcome: 'failed', problems: [{ code: 'checkpoints-refused' }], details: { kind: 'none' } })
      expect(result.problems[0]?.message).toMatch(message)
      expect(calls).toEqual([])
    },
  )

  it('are refused when the folder is a link, or is not there', async () => {
    await symlink('/etc', earlier())

    expect((await train([], { restore: earlier() })).codes).toEqual(['checkpoints-refused'])
    expect((await train([], { restore: join(folder, 'missing') })).codes).toEqual(['checkpoints-refused'])
  })

  it.each(lay)('are not left to another job: %s', async (_name, act, message) => {
    const { codes, messages, details } = await train([{ checkpoint: 'a', observation: AT_DEADLINE, act: ({ checkpoints }) => act(checkpoints) }], {
      deadline: endsIn(600),
    })

    expect(codes).toEqual(['training-not-resumed'])
    expect(messages).toContain('and no other job can go on from what lies in /opt/ml/checkpoints: ')
    expect(messages).toMatch(message)
    expect(details).not.toHaveProperty('resumable')
  })
})
