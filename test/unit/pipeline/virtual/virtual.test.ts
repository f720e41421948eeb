import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../../../pipeline/failure.ts'
import { keyOf } from '../../../../pipeline/key.ts'
import type { Pipeline, TrialPlan } from '../../../../pipeline/pipeline.ts'
import type { Testbed, TrialRequest } from '../../../../pipeline/ports/testbed.ts'
import { readMessages, recordGoldens, runVirtual, virtualInputs } from '../../../../pipeline/virtual/virtual.ts'
import type { BuildDetails } from '../../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../../schemas/generated/validators.js'
import { memoryTestbed, type MemoryTestbedOptions } from '../../../support/memory-testbed.ts'
import { makePipeline, makeTrialPlan } from '../../../support/pipeline.ts'
import { makeRecord } from '../../../support/stage-record.ts'
import { makeStageContext, memoryBlobs, memoryTree } from '../../../support/train-stage.ts'

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const
const BUILD: BuildDetails = {
  kind: 'build',
  repository: '127.0.0.1:5055/staging/local/zelda/clouds',
  index: digest('1'),
  platforms: [
    { platform: 'linux/arm64', outcome: 'passed', digest: digest('2'), bytes: 200, seconds: 1, emulated: true, steps: [] },
    { platform: 'linux/amd64', outcome: 'passed', digest: digest('3'), bytes: 300, seconds: 1, emulated: false, steps: [] },
    { platform: 'linux/arm/v7', outcome: 'failed', seconds: 1, emulated: true, steps: [] },
  ],
}
const FILES = {
  'tests/inputs/a.png': 'A',
  'tests/inputs/b.png': 'B',
  'tests/cam/1.jpg': '1',
  'tests/cam/0.jpg': '0',
  'tests/golden.ndjson': '{"name":"env.test","value":1.5,"meta":{"sensor":"bme680"}}\n',
  'app/main.py': '',
}

describe('the stage virtual', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-virtual-stage-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function run(
    trials: readonly Partial<TrialPlan>[],
    options: Partial<MemoryTestbedOptions> & { testbed?: Testbed; build?: BuildDetails; files?: Record<string, string> } = {},
  ) {
    const blobs = memoryBlobs()
    const context = { ...makeStageContext(folder), tree: memoryTree(options.files ?? FILES), blobs }
    const pipeline = makePipeline({ trials: trials.map((trial) => makeTrialPlan(trial)) })
    const testbed = options.testbed ?? memoryTestbed({ blobs, ...options })
    return { blobs, context, ...(await runVirtual(context, { pipeline, build: options.build ?? BUILD, nativePlatform: 'linux/amd64', testbed })) }
  }

  it('runs every trial on every platform that was built, the native one first', async () => {
    const seen: TrialRequest[] = []
    const { result, trials } = await run(
      [
        { name: 'production', args: ['good'] },
        { name: 'development', args: ['good'], platforms: ['linux/amd64'] },
      ],
      { seen },
    )
    expect(seen.map(({ name, platform, image }) => [name, platform, image])).toEqual([
      ['production', 'linux/amd64', `${BUILD.repository}@${digest('3')}`],
      ['development', 'linux/amd64', `${BUILD.repository}@${digest('3')}`],
      ['production', 'linux/arm64', `${BUILD.repository}@${digest('2')}`],
    ])
    expect(seen.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000, 60_000, 300_000])
    expect(trials).toHaveLength(3)
    expect(result).toMatchObject({ outcome: 'passed', problems: [], metrics: { trials: 3, trialsPassed: 3, messages: 9, uploads: 3 } })
    expect(result.details).toMatchObject({
      kind: 'virtual',
      testbed: 'memory',
      trials: [{ name: 'production', profile: { metrics: { image_bytes: { value: 300, source: 'registry' } } } }, {}, {}],
    })
  })

  it('leaves a record that the schema takes, and its files', async () => {
    const { result, blobs } = await run([{ name: 'production', args: ['good'] }])
    const record = makeRecord('virtual', {
      outcome: result.outcome,
      problems: [...result.problems],
      files: [...result.files],
      metrics: result.metrics,
      details: result.details,
    })
    validateStageRecord(record)
    expect(validateStageRecord.errors).toBeNull()
    expect(result.files.map(({ role, name }) => `${role} ${name}`)).toEqual([
      'messages production/linux-amd64/beehive.ndjson',
      'log production/linux-amd64/stdout.log',
      'log production/linux-amd64/stderr.log',
      'profile production/linux-amd64/profile.json',
      'upload production/linux-amd64/2023-11-14T22:13:20.500000000Z-a picture.jpg',
      'messages production/linux-arm64/beehive.ndjson',
      'log production/linux-arm64/stdout.log',
      'log production/linux-arm64/stderr.log',
      'profile production/linux-arm64/profile.json',
      'upload production/linux-arm64/2023-11-14T22:13:20.500000000Z-a picture.jpg',
    ])
    const [messages] = result.files
    expect((await readMessages({ blobs }, messages ?? expect.unreachable()))?.map(({ value }) => value)).toEqual([1.5, 2.5, 3.5])
    expect(await readMessages({ blobs }, messages ?? expect.unreachable(), 1)).toHaveLength(1)
    expect(await readMessages({ blobs }, { digest: digest('9') })).toBeUndefined()
  })

  it('hands the inputs and cameras of a trial to the testbed, from the repository', async () => {
    const seen: TrialRequest[] = []
    await run(
      [
        { name: 'a', args: ['good'], inputs: './tests/inputs/', cameras: { top: 'tests/cam' } },
        { name: 'b', args: ['good'], inputs: 'tests/inputs/b.png' },
        { name: 'c', args: ['good'], inputs: '.' },
      ],
      { seen },
    )
    expect(seen[0]?.inputs).toBe(`${folder}/inputs/tests/inputs`)
    expect(seen[0]?.cameras).toEqual({ top: [`${folder}/inputs/tests/cam/0.jpg`, `${folder}/inputs/tests/cam/1.jpg`] })
    expect(seen[1]?.inputs).toBe(`${folder}/inputs/tests/inputs/b.png`)
    expect(seen[2]?.inputs).toBe(`${folder}/inputs`)
    expect(await readFile(`${folder}/inputs/tests/inputs/b.png`, 'utf8')).toBe('B')
  })

  it('refuses a trial whose files are not there, before anything is started', async () => {
    const seen: TrialRequest[] = []
    const { result } = await run([{ name: 'a', inputs: 'tests/nowhere', cameras: { top: 'tests/cam' } }], { seen })
    expect(result).toMatchObject({
      outcome: 'failed',
      problems: [{ code: 'inputs-missing', message: 'trial a: expected files at tests/nowhere, found none in the repository' }],
    })
    expect(seen).toEqual([])
  })

  it('keeps what was dropped in its details', async () => {
    const dropped = [{ reason: 'bad name', count: 2, example: '{}' }]
    const { result } = await run([{ name: 'a', args: ['good'] }], { observe: (_trial, usual) => ({ ...usual, dropped }) })
    expect(result.details).toMatchObject({ trials: [{ dropped }, { dropped }] })
  })

  it('goes on after a trial that fails', async () => {
    const { result } = await run([
      { name: 'a', args: ['silent'] },
      { name: 'b', args: ['crash', '24'] },
      { name: 'c', args: ['good'] },
    ])
    expect(result.outcome).toBe('failed')
    expect(result.problems.map(({ code }) => code)).toEqual(['published-nothing', 'exit-code', 'published-nothing', 'exit-code'])
    expect(result.metrics).toMatchObject({ trials: 6, trialsPassed: 2 })
  })

  it('compares with golden files, and records them', async () => {
    const { result, trials } = await run([
      { name: 'a', args: ['good'], golden: 'tests/golden.ndjson' },
      { name: 'b', args: ['good'], golden: 'tests/new.ndjson' },
      { name: 'c', args: ['good'] },
    ])
    expect(result.problems.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
      'error golden-differs',
      'warning golden-missing',
      'error golden-differs',
      'warning golden-missing',
    ])
    const recorded = recordGoldens(trials)
    expect([...recorded.keys()]).toEqual(['tests/golden.ndjson', 'tests/new.ndjson'])
    const again = await run([{ name: 'a', args: ['good'], golden: 'tests/golden.ndjson' }], {
      files: { ...FILES, 'tests/golden.ndjson': recorded.get('tests/golden.ndjson') ?? '' },
    })
    expect(again.result.outcome).toBe('passed')
  })

  it('keeps the profile as it is when the size of the image is not known', async () => {
    const { trials } = await run([{ name: 'a', args: ['good'] }], {
      build: { ...BUILD, platforms: BUILD.platforms.map(({ bytes: _bytes, ...platform }) => platform) },
    })
    expect(trials[0]?.observation.profile.metrics['image_bytes']).toBeUndefined()
  })

  it('runs the other platforms when the world fails one of them, and fails then', async () => {
    const seen: TrialRequest[] = []
    const observe: MemoryTestbedOptions['observe'] = (trial, usual) => {
      if (trial.platform === 'linux/amd64') throw new Failure('broker-unavailable', `no broker for ${trial.name}`)
      return usual
    }
    await expect(
      run(
        [
          { name: 'a', args: ['good'] },
          { name: 'b', args: ['good'] },
        ],
        { seen, observe },
      ),
    ).rejects.toMatchObject({ code: 'broker-unavailable', message: 'no broker for a' })
    expect(seen).toHaveLength(4)
  })

  it.each([new Failure('engine-unavailable', 'gone'), new Failure('cancelled', 'stop'), new TypeError('a bug')])('stops at once at %s', async (failure) => {
    const seen: TrialRequest[] = []
    const observe = () => {
      throw failure
    }
    await expect(
      run(
        [
          { name: 'a', args: ['good'] },
          { name: 'b', args: ['good'] },
        ],
        { seen, observe },
      ),
    ).rejects.toBe(failure)
    expect(seen).toHaveLength(1)
  })
})

describe('the key of virtual', () => {
  const entries = Object.keys(FILES).map((path) => ({ path, mode: '100644' as const, blob: path.padEnd(40, '0'), bytes: 1 }))
  const key = (pipeline: Partial<Pipeline> = {}, overrides: Partial<Parameters<typeof virtualInputs>[0]> = {}) =>
    keyOf(
      'virtual',
      virtualInputs({
        pipeline: makePipeline({ trials: [makeTrialPlan({ inputs: 'tests/inputs', golden: 'tests/golden.ndjson' })], ...pipeline }),
        build: BUILD,
        testbedVersion: '1',
        entries,
        ...overrides,
      }),
    )
  const changed = (path: string) => entries.map((entry) => (entry.path === path ? { ...entry, blob: 'f'.repeat(40) } : entry))

  it.each<[string, boolean, string]>([
    ['the version of the testbed', true, key({}, { testbedVersion: '2' })],
    ['the image of a platform', true, key({}, { build: { ...BUILD, platforms: BUILD.platforms.slice(1) } })],
    ['an input', true, key({}, { entries: changed('tests/inputs/a.png') })],
    ['the golden file', true, key({}, { entries: changed('tests/golden.ndjson') })],
    ['an argument', true, key({ trials: [makeTrialPlan({ inputs: 'tests/inputs', golden: 'tests/golden.ndjson', args: ['--fast'] })] })],
    ['an expectation', true, key({ trials: [makeTrialPlan({ inputs: 'tests/inputs', golden: 'tests/golden.ndjson', expect: [{ name: 'a' }] })] })],
    ['the platforms of a trial', true, key({ trials: [makeTrialPlan({ inputs: 'tests/inputs', golden: 'tests/golden.ndjson', platforms: ['linux/amd64'] })] })],
    ['a file that no trial reads', false, key({}, { entries: changed('app/main.py') })],
    ['a budget', false, key({ budgets: { latency_ms: 1 } })],
    ['the time that the build took', false, key({}, { build: { ...BUILD, platforms: BUILD.platforms.map((platform) => ({ ...platform, seconds: 99 })) } })],
  ])('%s changes it: %s', (_input, changes, other) => {
    expect(other !== key()).toBe(changes)
  })

  it('is the same without inputs and golden file', () => {
    expect(key({ trials: [makeTrialPlan()] })).toBe(key({ trials: [makeTrialPlan()] }, { entries: changed('tests/inputs/a.png') }))
  })
})
