import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BuildLog, reportedSteps } from '../../../../adapters/buildx/build-log.ts'
import { locateSteps } from '../../../../pipeline/build/slow-dockerfile.ts'
import { adviseOnSlowSteps } from '../../../../pipeline/build/slow-steps.ts'
import type { BuildDetails, BuildStep } from '../../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../../schemas/generated/validators.js'
import { makeBuildDetails } from '../../../support/records.ts'
import { makeRecord } from '../../../support/stage-record.ts'

type Platforms = BuildDetails['platforms']

const RECORDED = join(import.meta.dirname, 'slow-steps')

/**
 * What BuildKit printed while it built a Dockerfile (regex, ephem, netifaces and docopt from PyPI; a page by npm; the sources of binutils) without a cache, on two cores
 * of amd64, arm64 and arm/v7 emulated, all three at once. Left out of it: progress bars, and the output of all steps but pip's.
 */
function replay(recording: 'before' | 'after'): Platforms {
  const seconds = { before: [93.5, 397.7, 659.8], after: [105.5, 272.8, 567.8] }[recording]
  const folder = join(RECORDED, recording)
  const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8')
  return ['linux/amd64', 'linux/arm64', 'linux/arm/v7'].map((platform, index) => {
    const log = new BuildLog({ step: () => undefined, output: () => undefined })
    for (const line of readFileSync(join(folder, `${platform.replaceAll('/', '-')}.rawjson`), 'utf8').split('\n')) log.line(line)
    return makePlatform(platform, locateSteps(reportedSteps(log.steps), dockerfile, platform), { seconds: seconds[index] ?? 0 })
  })
}

function makePlatform(platform: string, steps: BuildStep[], overrides: Partial<Platforms[number]> = {}): Platforms[number] {
  return {
    platform,
    outcome: 'passed',
    seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    emulated: platform !== 'linux/amd64',
    steps,
    ...overrides,
  }
}

describe('advice on a real build', () => {
  const platforms = replay('before')
  const advice = adviseOnSlowSteps({ platforms })

  it('comes from a record that the schema takes', () => {
    validateStageRecord(makeRecord('build', { details: makeBuildDetails({ platforms }) }))
    expect(validateStageRecord.errors).toBeNull()
  })

  it('has the machine first that would emulate nothing, then the largest saving', () => {
    expect(
      advice.map(({ kind, line, platforms: where, estimatedSavingSeconds, seconds }) => [
        kind,
        line,
        where,
        Math.round(estimatedSavingSeconds),
        Math.round(seconds),
      ]),
    ).toEqual([
      ['native-machine', undefined, ['linux/arm64'], 323, 398],
      ['native-stage', 2, ['linux/arm64', 'linux/arm/v7'], 483, 593],
      ['emulated-step', 20, ['linux/arm64', 'linux/arm/v7'], 437, 556],
      ['copied-early', 25, ['linux/arm/v7'], 384, 384],
      ['compiled-packages', 25, ['linux/arm64', 'linux/arm/v7'], 361, 484],
      ['native-stage', 12, ['linux/arm64', 'linux/arm/v7'], 219, 266],
      ['emulated-step', 25, ['linux/arm64', 'linux/arm/v7'], 99, 123],
    ])
  })

  it('says what each figure is estimated from', () => {
    for (const { sentence } of advice) expect(sentence).toMatch(/about .* estimated from /)
  })

  it('names the stage to move, with what emulating it costs', () => {
    expect(advice.find(({ line }) => line === 2)).toMatchObject({
      sentence:
        'The stage that begins in line 2, most of it line 10 (RUN npm ci --no-audit --no-fund && npm run build), takes 5 min 16 s on linux/arm64 and 4 min 37 s on linux/arm/v7, both emulated, and 55 s on linux/amd64. What it makes looks the same for every platform: about 8 min 3 s of 9 min 53 s would be saved, estimated from the same steps on linux/amd64 in this run.',
      suggestion:
        'Begin it with FROM --platform=$BUILDPLATFORM: it runs without emulation, once for all platforms, if no program of the platform is copied out of it.',
    })
  })

  it('names the packages that had no wheel, where, and how long each took; docopt, which is Python alone, was not compiled', () => {
    expect(advice.find(({ kind }) => kind === 'compiled-packages')?.sentence).toBe(
      "In line 25 (RUN pip3 install --no-cache-dir --break-system-packages -r requirements.txt), pip found no wheels and compiled netifaces (50 s) for linux/arm64; ephem (3 min 10 s), regex (1 min 27 s) and netifaces (33 s) for linux/arm/v7: wheels would save about 6 min 1 s of 8 min 4 s, estimated from the times in this run's log.",
    )
  })

  it('tells what runs again too often', () => {
    expect(advice.find(({ kind }) => kind === 'copied-early')).toMatchObject({
      sentence: expect.stringContaining('comes after line 24 (COPY . .), so it runs again whenever any file has changed'),
      suggestion: 'Copy requirements.txt alone, install, and copy everything else after it: then it comes out of the cache.',
    })
  })

  it('tells of the machine that would emulate nothing', () => {
    expect(advice[0]).toMatchObject({
      sentence:
        'linux/arm64 was built under emulation, in 6 min 38 s: a machine that runs it itself would save about 5 min 23 s of it, estimated from the same steps on linux/amd64 in this run.',
      suggestion: expect.stringContaining('ubuntu-24.04-arm'),
    })
  })
})

describe('advice that was followed', () => {
  it('is not given again: the stages ran once, for all platforms, and nothing else is said of them', () => {
    const advice = adviseOnSlowSteps({ platforms: replay('after') })
    expect(advice.map(({ kind, line, estimatedSavingSeconds }) => [kind, line, Math.round(estimatedSavingSeconds)])).toEqual([
      ['native-machine', undefined, 129],
      ['copied-early', 25, 377],
      ['compiled-packages', 25, 371],
      ['emulated-step', 25, 57],
    ])
  })
})

/** The seconds of one step on each platform; `c`: out of the cache. */
interface Timing {
  readonly name: string
  readonly amd64?: number | 'c'
  readonly arm64?: number | 'c'
  readonly armv7?: number | 'c'
  readonly step?: Partial<BuildStep>
}

function makePlatforms(timings: readonly Timing[]): Platforms {
  const steps = (key: 'amd64' | 'arm64' | 'armv7') =>
    timings.flatMap(({ name, step, [key]: seconds }): BuildStep[] =>
      seconds === undefined ? [] : [{ name, ...(seconds === 'c' ? { seconds: 100, cached: true } : { seconds, cached: false }), ...step }],
    )
  return [makePlatform('linux/amd64', steps('amd64')), makePlatform('linux/arm64', steps('arm64')), makePlatform('linux/arm/v7', steps('armv7'))]
}

const adviceOn = (...timings: readonly Timing[]) => adviseOnSlowSteps({ platforms: makePlatforms(timings) })
const kindsOf = (...timings: readonly Timing[]) => adviceOn(...timings).map(({ kind, platforms }) => `${kind} ${platforms.join(' ')}`)

const MAKE = '[2/3] RUN make'

describe('a slow step', () => {
  it.each<[string, Timing, readonly string[]]>([
    ['is one that takes 20 seconds and three times as long as without emulation', { name: MAKE, amd64: 6.6, arm64: 20 }, ['emulated-step linux/arm64']],
    ['on every platform where it is', { name: MAKE, amd64: 10, arm64: 40, armv7: 29 }, ['emulated-step linux/arm64']],
    ['is not one of 19 seconds', { name: MAKE, amd64: 1, arm64: 19.9 }, []],
    ['is not one that is not much slower', { name: MAKE, amd64: 10, arm64: 29.9 }, []],
    ['is not one out of the cache', { name: MAKE, amd64: 1, arm64: 'c' }, []],
    ['is not one that nothing can be compared with', { name: MAKE, arm64: 50 }, []],
    ['is not one whose other half came out of the cache', { name: MAKE, amd64: 'c', arm64: 50 }, []],
    ['is not one of a base image', { name: '[1/3] FROM docker.io/library/debian', amd64: 1, arm64: 50 }, []],
    ['is not one around the Dockerfile', { name: 'exporting to image', amd64: 1, arm64: 90 }, []],
  ])('%s', (_, timing, expected) => {
    expect(kindsOf(timing)).toEqual(expected)
  })

  it('is not one of a build that failed', () => {
    const platforms = makePlatforms([{ name: MAKE, amd64: 1, arm64: 50 }]).map((one) => (one.emulated ? { ...one, outcome: 'failed' as const } : one))
    expect(adviseOnSlowSteps({ platforms })).toEqual([])
  })

  it.each([
    ['RUN curl -f https://example.org/a.tar.xz | tar -xJ', 'native-step', /^Put it into a stage of its own/],
    ['RUN git clone https://example.org/a.git /a', 'native-step', /^Put it into a stage of its own/],
    ['RUN npm ci && npm run build', 'native-step', /^Put it into a stage of its own/],
    ['RUN go build -o /a .', 'native-step', /^Put it into a stage of its own/],
    ['RUN npm ci --omit=dev', 'emulated-step', /belongs to the platform/],
    ['RUN apt-get update && apt-get install -y curl && curl -O https://example.org/a', 'emulated-step', /belongs to the platform/],
    ['RUN curl -O https://example.org/a-aarch64', 'emulated-step', /belongs to the platform/],
    ['RUN curl -O https://example.org/a-$(uname -m)', 'emulated-step', /belongs to the platform/],
    ['RUN tar -xf /a.tar.xz', 'emulated-step', /^If what it makes is the same/],
    ['RUN make', 'emulated-step', /^If what it makes is the same/],
    ['RUN <<EOF (make...)', 'emulated-step', /^If what it makes is the same/],
    [`RUN curl -O https://example.org/${'a'.repeat(1000)}`, 'emulated-step', /^If what it makes is the same/],
  ])('%s is told how it could be faster', (text, kind, suggestion) => {
    const [first] = adviceOn({ name: `[stage-1 2/3] ${text}`.slice(0, 1000), amd64: 5, arm64: 50, step: { line: 7, stageLine: 3, stageIsCopied: false } })
    expect(first).toMatchObject({ kind, line: 7, seconds: 50, estimatedSavingSeconds: 45, suggestion: expect.stringMatching(suggestion) })
    expect(first?.sentence).toMatch(/^Line 7 \(RUN .*\) takes 50 s on linux\/arm64, emulated, and 5\.0 s on linux\/amd64[.:] /)
  })

  it('has no line where none is known', () => {
    const [first] = adviceOn({ name: MAKE, amd64: 5, arm64: 50 })
    expect(first).not.toHaveProperty('line')
    expect(first?.sentence).toMatch(/^RUN make takes 50 s /)
  })

  it('is told of for three platforms in one sentence', () => {
    const platforms = [
      ...makePlatforms([{ name: MAKE, amd64: 5, arm64: 50, armv7: 60 }]),
      makePlatform('linux/arm/v6', [{ name: MAKE, seconds: 70, cached: false }]),
    ]
    expect(adviseOnSlowSteps({ platforms })[0]?.sentence).toContain('50 s on linux/arm64, 1 min on linux/arm/v7 and 1 min 10 s on linux/arm/v6, all emulated')
  })

  it('counts once, though the builder names it twice', () => {
    expect(adviceOn({ name: MAKE, amd64: 5, arm64: 50 }, { name: MAKE, arm64: 40 }, { name: MAKE, amd64: 'c', arm64: 'c' })).toMatchObject([{ seconds: 50 }])
  })

  it('is shortened, and shown without what a terminal or a page could take for its own', () => {
    const [first] = adviceOn({ name: `[2/3] RUN echo \u001B[31m\u202E${'x'.repeat(300)}`, amd64: 5, arm64: 50 })
    expect(first?.sentence).toMatch(/^RUN echo x{60,80}… takes/)
  })
})

describe('a stage of which only files are taken', () => {
  const inStage = (text: string, amd64: number, arm64: number, line = 4): Timing => ({
    name: `[web ${line - 2}/9] ${text}`,
    amd64,
    arm64,
    step: { line, stageLine: 2, stageIsCopied: true },
  })

  it('is advised on as a whole, tools that it installs included', () => {
    const advice = adviceOn(inStage('RUN apt-get install -y nodejs npm', 4, 30, 4), inStage('RUN npm ci', 3, 10, 5), inStage('RUN npm run build', 3, 18, 6))
    expect(advice).toMatchObject([
      { kind: 'native-stage', line: 2, step: '[web 2/9] RUN apt-get install -y nodejs npm', seconds: 58, estimatedSavingSeconds: 48 },
    ])
  })

  it('that compiles is told to do so for the platform', () => {
    expect(adviceOn(inStage('RUN go build -o /a .', 4, 40))[0]).toMatchObject({
      kind: 'native-stage',
      sentence: expect.stringContaining('Its compiler can make programs for other platforms'),
      suggestion: expect.stringContaining('GOARCH'),
    })
  })

  it.each([
    ['a program that nobody knows', 'RUN ./configure'],
    ['packages that pip installs', 'RUN pip install numpy'],
    ['something for one architecture', 'RUN curl -O https://example.org/x86_64/a'],
    ['a script that the name does not tell', 'RUN <<EOF (make...)'],
  ])('is left as it is with %s in it', (_, text) => {
    expect(kindsOf(inStage('RUN npm run build', 4, 40), inStage(text, 1, 1, 5))).toEqual(['native-step linux/arm64'])
  })

  it.each([
    ['it only installs tools', 'RUN apt-get install -y ffmpeg', 'emulated-step linux/arm64'],
    ['it only installs packages of Node', 'RUN npm ci', 'emulated-step linux/arm64'],
  ])('is left as it is when %s', (_, text, expected) => {
    expect(kindsOf(inStage(text, 4, 40))).toEqual([expected])
  })

  it('is named where nobody can tell what it does', () => {
    expect(adviceOn(inStage('RUN ./configure && make', 4, 40))).toMatchObject([
      { kind: 'emulated-step', line: 4, suggestion: expect.stringContaining('begin its stage (line 2) with FROM --platform=$BUILDPLATFORM') },
    ])
  })

  it('is not worth a word while it is fast', () => {
    expect(kindsOf(inStage('RUN npm run build', 4, 19))).toEqual([])
  })
})

describe('packages without a wheel', () => {
  const pip = (compiled: NonNullable<BuildStep['compiled']>, arm64 = 60): Timing => ({
    name: '[2/3] RUN pip install -r requirements.txt',
    arm64,
    step: { compiled },
  })

  it.each<[string, Timing, readonly string[]]>([
    ['are told of', pip([{ name: 'numpy', seconds: 50 }]), ['compiled-packages linux/arm64']],
    ['are added up', pip(['a', 'b'].map((name) => ({ name, seconds: 11 }))), ['compiled-packages linux/arm64']],
    ['are not worth a word when they take seconds', pip(Array.from({ length: 9 }, (_, index) => ({ name: `p${index}`, seconds: 9 }))), []],
    ['are not worth a word when together they take little', pip([{ name: 'numpy', seconds: 19 }]), []],
    [
      'are what somebody asked for with --no-binary',
      { name: '[2/3] RUN pip install --no-binary :all: numpy', arm64: 60, step: { compiled: [{ name: 'numpy', seconds: 50 }] } },
      [],
    ],
  ])('%s', (_, timing, expected) => {
    expect(kindsOf(timing)).toEqual(expected)
  })

  it('are no cost of emulation', () => {
    const [arm64, amd64] = [
      { name: 'numpy', seconds: 50 },
      { name: 'numpy', seconds: 4 },
    ]
    const name = '[2/3] RUN pip install numpy'
    const platforms = [
      makePlatform('linux/amd64', [{ name, seconds: 10, cached: false, compiled: [amd64] }]),
      makePlatform('linux/arm64', [{ name, seconds: 66, cached: false, compiled: [arm64] }]),
    ]
    expect(adviseOnSlowSteps({ platforms }).map(({ kind }) => kind)).toEqual(['compiled-packages'])
  })
})

describe('a machine that emulates nothing', () => {
  const others = Array.from({ length: 8 }, (_, index) => `[${index + 2}/9] RUN make part${index}`)

  it('is proposed for many small costs, too', () => {
    const advice = adviceOn(...others.map((name) => ({ name, amd64: 2, arm64: 10 })))
    expect(advice).toMatchObject([{ kind: 'native-machine', platforms: ['linux/arm64'], seconds: 80, estimatedSavingSeconds: 64 }])
    expect(advice[0]).not.toHaveProperty('step')
  })

  it('is not proposed for what its start would cost', () => {
    expect(kindsOf(...others.map((name) => ({ name, amd64: 3, arm64: 10 })))).toEqual([])
  })

  it('is not proposed for a build whose stages run side by side, so that the whole of it is short', () => {
    const platforms = makePlatforms(others.map((name) => ({ name, amd64: 2, arm64: 10 }))).map((one) => ({ ...one, seconds: 60 }))
    expect(adviseOnSlowSteps({ platforms })).toEqual([])
  })

  it('is not proposed for 32-bit Arm, which nobody offers', () => {
    expect(kindsOf(...others.map((name) => ({ name, amd64: 2, armv7: 10 })))).toEqual([])
  })

  it('is proposed for amd64 to who builds on arm64', () => {
    const steps = (seconds: number) => [{ name: MAKE, seconds, cached: false }]
    const platforms = [makePlatform('linux/amd64', steps(90), { emulated: true }), makePlatform('linux/arm64', steps(9), { emulated: false })]
    expect(adviseOnSlowSteps({ platforms }).map(({ kind, suggestion }) => [kind, /GitHub's ubuntu-24\.04\)/.test(suggestion)])).toEqual([
      ['native-machine', true],
      ['emulated-step', false],
    ])
  })
})

describe('an installation behind a COPY', () => {
  const after = (copy: string, run: string, seconds = 30, stage = 'stage-1') =>
    kindsOf({ name: `[stage-1 2/4] ${copy}`, amd64: 0.1 }, { name: `[${stage} 3/4] ${run}`, amd64: seconds })

  it.each([
    ['COPY . .', 'RUN pip install -r requirements.txt'],
    ['COPY --chown=1000 ./ /app', 'RUN pip install --no-cache-dir numpy && rm -rf /tmp/x'],
    ['COPY setup.py . /app/', 'RUN apt-get update && apt-get install -y gcc'],
  ])('of everything (%s) runs too often: %s', (copy, run) => {
    expect(after(copy, run)).toEqual(['copied-early linux/amd64'])
  })

  it.each([
    ['the files that it needs', 'COPY requirements.txt .', 'RUN pip install -r requirements.txt'],
    ['another stage', 'COPY --from=page . .', 'RUN pip install -r requirements.txt'],
  ])('of %s does not', (_, copy, run) => {
    expect(after(copy, run)).toEqual([])
  })

  it.each([
    ['that needs the files', 'RUN pip install .'],
    ['that does something else as well', 'RUN pip install numpy && python3 setup.py build'],
    ['that is no installation', 'RUN mkdir /a'],
    ['that cannot be read', 'RUN <<EOF (pip install numpy)'],
  ])('%s is left alone', (_, run) => {
    expect(after('COPY . .', run)).toEqual([])
  })

  it('is left alone when it is fast, in another stage, out of the cache, or before the COPY', () => {
    const run = 'RUN pip install numpy'
    expect(after('COPY . .', run, 19)).toEqual([])
    expect(after('COPY . .', run, 30, 'stage-0')).toEqual([])
    expect(kindsOf({ name: '[2/4] COPY . .', amd64: 0.1 }, { name: `[3/4] ${run}`, amd64: 'c' })).toEqual([])
    expect(kindsOf({ name: `[2/4] ${run}`, amd64: 30 }, { name: '[3/4] COPY . .', amd64: 0.1 })).toEqual([])
  })

  it('that reads no file is moved above it', () => {
    const [first] = adviceOn({ name: '[2/4] COPY . .', amd64: 0.1 }, { name: '[3/4] RUN pip install numpy', amd64: 30 })
    expect(first?.suggestion).toBe('Move it above that COPY: then it comes out of the cache.')
  })
})

describe('advice', () => {
  it('is as much as somebody reads', () => {
    const advice = adviceOn(...Array.from({ length: 30 }, (_, index) => ({ name: `[${index + 2}/40] RUN make part${index}`, amd64: 5, arm64: 50 + index })))
    expect(advice).toHaveLength(10)
    expect(advice[1]?.seconds).toBe(79)
  })

  it('is none where nothing is emulated and nothing is slow', () => {
    expect(adviseOnSlowSteps({ platforms: [] })).toEqual([])
    expect(adviseOnSlowSteps(makeBuildDetails())).toEqual([])
  })
})
