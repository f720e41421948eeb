import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openIsolatedJudge, type IsolatedJudge, type JudgedReading } from '../../adapters/judge-process/isolated-judge.ts'
import { openFolder } from '../../adapters/repository-tree/open.ts'
import { Failure } from '../../pipeline/failure.ts'
import { makeRunPlan, type RunPlanRequest } from '../../pipeline/plan/make-run-plan.ts'
import { planningPorts } from '../../pipeline/plan/planning-ports.ts'
import { recordVerdict } from '../../pipeline/plan/record-verdict.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import { DEFAULT_RUNNERS } from '../../pipeline/runner-classes.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { digestOf } from '../../pipeline/digest.ts'
import { memoryCatalogue } from '../support/memory-catalogue.ts'
import { memoryRecords } from '../support/memory-records.ts'
import { memoryRegistry } from '../support/memory-registry.ts'
import { memoryTree, type MemoryFile } from '../support/memory-tree.ts'
import { HEALTHY_PLUGIN } from '../support/healthy-plugin.ts'

const never = new AbortController().signal
const ROOT = new URL('../../', import.meta.url)
const STUBBORN = { file: new URL('../support/judge-process/stubborn-process.ts', import.meta.url), folder: ROOT }
const EXAMPLES = join(import.meta.dirname, '../../examples')

let opened: IsolatedJudge[] = []
afterEach(async () => {
  await Promise.all(opened.map(async (judge) => judge[Symbol.asyncDispose]()))
  opened = []
})

function open(...[limits, entry]: Parameters<typeof openIsolatedJudge>): IsolatedJudge {
  const judge = openIsolatedJudge(limits, entry)
  opened.push(judge)
  return judge
}

/** A judgement without its function, and the places that are asked for later. */
async function comparable(tree: RepositoryTree, judged: JudgedReading): Promise<unknown> {
  const reading = judged.kind === 'judged' ? judged.reading : undefined
  return { pipeline: reading?.pipeline, problems: reading?.problems, inputs: reading?.inputs, subject: await tree.subject() }
}

const BROKEN: Readonly<Record<string, MemoryFile>> = {
  ...HEALTHY_PLUGIN,
  'sage.yaml': 'name: Cloud Counter\nversion: 1.2\nsource:\n  architectures: [linux/amd64, linux/arm]\n',
}

describe('a judgement in a process of its own', () => {
  const trees: readonly (readonly [string, () => Promise<RepositoryTree>])[] = [
    ['a healthy plugin', async () => memoryTree(HEALTHY_PLUGIN)],
    ['a broken manifest', async () => memoryTree(BROKEN)],
    ['no YAML', async () => memoryTree({ 'sage.yaml': '[' })],
    ['nothing', async () => memoryTree({})],
    ['a link out of the repository', async () => memoryTree({ 'sage.yaml': { link: '/etc/passwd' } })],
    ...readdirSync(EXAMPLES, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => [`the example ${name}`, async () => openFolder(join(EXAMPLES, name), { signal: never })] as const),
  ]

  it.each(trees)('is the one that there is without: %s', async (_, makeTree) => {
    const tree = await makeTree()
    const reading = await readPipeline(tree)
    const judged = await open().judge(tree, {}, never)

    expect(await comparable(tree, judged)).toEqual({ ...reading, placeOf: undefined, subject: await tree.subject() })
  })

  it('knows the owners’ users at Sage', async () => {
    const tree = memoryTree(HEALTHY_PLUGIN, { repository: 'https://github.com/sky-lab/cloud-counter' })
    const judged = await open().judge(tree, { users: new Map([['sky-lab', 'skylab']]) }, never)

    expect(judged).toMatchObject({ reading: { pipeline: { manifest: { namespace: 'skylab' } } } })
  })

  it('keeps the places of gates and data sets', async () => {
    const tree = await openFolder(join(EXAMPLES, 'smoke-detector'), { signal: never })
    const { placeOf, pipeline } = await readPipeline(tree)
    const judged = await open().judge(tree, {}, never)
    const placeInProcess = judged.kind === 'judged' ? judged.reading.placeOf : undefined

    expect(pipeline?.training?.gates.length).toBeGreaterThan(0)
    for (const path of [
      ['training', 'gates', 0],
      ['training', 'datasets', 0, 'uri'],
      ['training', 'datasets', 0, 'sha256'],
    ])
      expect(placeInProcess?.(path)).toEqual(placeOf(path))
  })

  it('suggests what would mend the lines', async () => {
    const judged = await open().judge(memoryTree({ ...HEALTHY_PLUGIN, 'sage.yaml': HEALTHY_PLUGIN['sage.yaml'].replace('linux/arm64', 'arm64') }), {}, never)

    expect(judged).toMatchObject({ kind: 'judged', fixes: [{ file: 'sage.yaml', replacement: expect.stringContaining('linux/arm64') }] })
  })

  it('is made fifty times at once by two processes', async () => {
    const judge = open({ processes: 2 })
    const judged = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        judge.judge(memoryTree({ ...HEALTHY_PLUGIN, 'sage.yaml': HEALTHY_PLUGIN['sage.yaml'].replace('cloud-counter', `cloud-${index}`) }), {}, never),
      ),
    )

    expect(judged.map((one) => (one.kind === 'judged' ? one.reading.pipeline?.manifest.name : one.kind))).toEqual(
      Array.from({ length: 50 }, (_, index) => `cloud-${index}`),
    )
  })
})

describe('texts that want to be too much', () => {
  const bomb = `a: &a [${'x,'.repeat(9)}x]\n${'bcdefghi'.replaceAll(/./g, (name) => `${name}: &${name} [${`*${String.fromCodePoint((name.codePointAt(0) ?? 0) - 1)},`.repeat(9)}1]\n`)}`

  it.each<[string, Readonly<Record<string, MemoryFile>>]>([
    ['a YAML bomb', { ...HEALTHY_PLUGIN, 'sage.yaml': bomb, 'ctss.yaml': bomb }],
    ['a deep one', { ...HEALTHY_PLUGIN, 'sage.yaml': '['.repeat(100_000), 'ctss.yaml': '{a: '.repeat(60_000) }],
    ['a huge file', { ...HEALTHY_PLUGIN, 'sage.yaml': Buffer.alloc(64 * 2 ** 20, 'a') }],
    ['a deep Dockerfile', { ...HEALTHY_PLUGIN, Dockerfile: `FROM a\nRUN ${'$('.repeat(100_000)}` }],
    ['deep Python', { ...HEALTHY_PLUGIN, 'main.py': `x = ${'('.repeat(200_000)}` }],
    ['an endless line', { ...HEALTHY_PLUGIN, 'main.py': `x = "${'\\'.repeat(250_000)}` }],
  ])('get an answer all the same: %s', async (_, files) => {
    const judged = await open({ timeoutMs: 10_000 }).judge(memoryTree(files), {}, never)

    expect(['judged', 'too-heavy']).toContain(judged.kind)
  })

  it('end no other judgement', async () => {
    const judge = open({ processes: 2, memoryMb: 64, timeoutMs: 20_000 })
    const nested = memoryTree({ 'sage.yaml': '[', 'ctss.yaml': '{a: '.repeat(60_000) })
    const judged = await Promise.all([judge.judge(nested, {}, never), judge.judge(memoryTree(HEALTHY_PLUGIN), {}, never), judge.judge(nested, {}, never)])

    expect(judged[1]).toMatchObject({ kind: 'judged', reading: { pipeline: { manifest: { name: 'cloud-counter' } } } })
  })
})

describe('a process that does what it must not', () => {
  const tree = memoryTree(HEALTHY_PLUGIN)

  it.each([
    ['work for ever', 'It took more than 0.5 s.'],
    ['match for ever', 'It took more than 0.5 s.'],
    ['wait for ever', 'It took more than 0.5 s.'],
    ['fill the stack', 'Something in it is nested too deeply, or too large to be held.'],
    ['ask for all', 'It needed more than 2000 files to be read.'],
  ])('is ended, and the next has another: %s', async (deed, message) => {
    const judge = open({ processes: 1, timeoutMs: 500 }, STUBBORN)

    expect(await judge.judge(tree, { user: deed }, never)).toEqual({ kind: 'too-heavy', message })
    expect(await judge.judge(tree, { user: 'fill the stack' }, never)).toMatchObject({ kind: 'too-heavy' })
  })

  it.each(['eat memory', 'eat memory at once', 'fill a map'])('gets no more memory than it may: %s', async (deed) => {
    const judge = open({ processes: 1, memoryMb: 32, timeoutMs: 60_000 }, STUBBORN)

    expect(await judge.judge(tree, { user: deed }, never)).toEqual({ kind: 'too-heavy', message: 'It needed more than 32 MiB of memory.' })
  })

  it.each([
    ['end by itself', 'the process that judges ended by itself (3)'],
    ['fall over', 'it fell'],
    ['break', 'judging broke: no such property'],
    ['ask for what nobody has', 'nobody answers constructor'],
    ['ask for no file', 'a process asks for no file'],
    ['read a file', 'Access to this API has been restricted'],
    ['show its environment', 'judging broke: []'],
  ])('shows a bug of ours: %s', async (deed, message) => {
    await expect(open({ processes: 1 }, STUBBORN).judge(tree, { user: deed }, never)).rejects.toThrow(message)
  })

  it('is ended when nobody wants its answer any more, also one that waits for its turn', async () => {
    const judge = open({ processes: 1 }, STUBBORN)
    const [first, second] = [new AbortController(), new AbortController()]
    const reason = new Failure('cancelled', 'the branch is gone')
    const running = judge.judge(tree, { user: 'work for ever' }, first.signal)
    const waiting = judge.judge(tree, { user: 'work for ever' }, second.signal)
    const after = judge.judge(tree, { user: 'fill the stack' }, never)
    second.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    first.abort(reason)
    await expect(running).rejects.toBe(reason)

    expect(await after).toMatchObject({ kind: 'too-heavy' })
    await expect(judge.judge(tree, {}, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('says that no process could be started', async () => {
    await expect(open({}, { file: new URL('./no-such-file.mjs', import.meta.url), folder: ROOT }).judge(tree, {}, never)).rejects.toThrow(/no-such-file/)
  })
})

describe('a process that waits for tasks', () => {
  it('keeps nobody from ending, and ends with whoever started it', () => {
    const script = `
      import { openIsolatedJudge } from './adapters/judge-process/isolated-judge.ts'
      import { openFolder } from './adapters/repository-tree/open.ts'
      const never = new AbortController().signal
      const judged = await openIsolatedJudge().judge(await openFolder('examples/smoke-detector', { signal: never }), {}, never)
      console.log(judged.kind)`
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', script], { encoding: 'utf8', timeout: 60_000 })

    expect([status, stdout], stderr).toEqual([0, 'judged\n'])
  })
})

describe('a tree that cannot be read', () => {
  it('fails as it does, and the process is not the worse for it', async () => {
    const judge = open({ processes: 1 })
    const failure = new Failure('forge-unavailable', 'GitHub does not answer')
    const tree = memoryTree(HEALTHY_PLUGIN)
    const broken: RepositoryTree = { ...tree, read: async () => Promise.reject(failure) }

    await expect(judge.judge(broken, {}, never)).rejects.toBe(failure)
    await expect(judge.judge({ ...tree, entries: async () => Promise.reject(failure) }, {}, never)).rejects.toBe(failure)
    expect(await judge.judge(tree, {}, never)).toMatchObject({ kind: 'judged' })
  })

  it('may take its time, which is not the judge’s', async () => {
    const tree = memoryTree(HEALTHY_PLUGIN)
    const slow: RepositoryTree = { ...tree, read: async (path, limit) => new Promise((resolve) => void setTimeout(() => resolve(tree.read(path, limit)), 700)) }

    expect(await open({ timeoutMs: 3_000, processes: 1 }).judge(slow, {}, never)).toMatchObject({ kind: 'judged' })
  })
})

describe('a plan in a process of its own', () => {
  async function makeRequest(tree: RepositoryTree): Promise<RunPlanRequest> {
    const reading = await readPipeline(tree)
    const machine = {
      clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
      environment: { kind: 'github' as const },
      toolVersion: '0.1.0',
    }
    return {
      subject: await tree.subject(),
      tree,
      reading,
      records: memoryRecords(),
      stages: planningPorts({
        registry: memoryRegistry(),
        registryRoot: 'registry.test',
        catalogue: memoryCatalogue(),
        lookUpBase: async (image) => ({ digest: digestOf(image), standIn: false }),
      }),
      wish: { platforms: undefined, force: [], keepGoing: false, release: false, runners: DEFAULT_RUNNERS },
      trust: 'trusted',
      staging: 'registry',
      nativePlatform: 'linux/amd64',
      given: { validate: { kind: 'record', record: await recordVerdict(reading, await tree.subject(), machine), ran: true } },
      toolVersion: '0.1.0',
      runId: 'run-1',
      signal: never,
    }
  }

  it('is the one that there is without', async () => {
    const request = await makeRequest(await openFolder(join(EXAMPLES, 'smoke-detector'), { signal: never }))

    expect(await open().plan(request)).toEqual({ kind: 'planned', ...(await makeRunPlan(request)) })
  })

  it('asks for records by the same keys', async () => {
    const request = await makeRequest(memoryTree(HEALTHY_PLUGIN))
    const asked: string[] = []
    const find: RunPlanRequest['records']['find'] = async (key) => {
      asked.push(key)
      return undefined
    }
    await makeRunPlan({ ...request, records: { find } })
    const without = asked.splice(0)
    await open().plan({ ...request, records: { find } })

    expect(without.length).toBeGreaterThan(0)
    expect(asked.toSorted()).toEqual(without.toSorted())
  })

  it('is given up where patterns would be matched for ever', async () => {
    const request = await makeRequest(
      memoryTree({
        ...HEALTHY_PLUGIN,
        '.dockerignore': `${'*a'.repeat(8)}b\n`,
        [`${'a'.repeat(3000)}c`]: '',
      }),
    )

    expect(await open({ timeoutMs: 2_000 }).plan(request)).toEqual({ kind: 'too-heavy', message: 'It took more than 2 s.' })
  })
})
