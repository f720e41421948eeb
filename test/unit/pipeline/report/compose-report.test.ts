import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { error, warning } from '../../../../pipeline/problem.ts'
import { composeReport } from '../../../../pipeline/report/compose-report.ts'
import type { Report, ReportInput, ReportSection } from '../../../../pipeline/report/report.ts'
import { decideGates } from '../../../../pipeline/train/gates.ts'
import {
  makeBareInput,
  makeBaseline,
  makeBuildDetails,
  makeBundle,
  makeFailingInput,
  makeProfile,
  makeRecord,
  makeRichInput,
  makeRun,
  makeSkip,
  makeSubject,
  makeSummary,
  makeTrainDetails,
  makeTrial,
} from '../../../support/records.ts'

function section<Kind extends ReportSection['kind']>(report: Report, kind: Kind): Extract<ReportSection, { kind: Kind }> | undefined {
  return report.sections.find((one): one is Extract<ReportSection, { kind: Kind }> => one.kind === kind)
}

const reservations = (input: ReportInput) => section(composeReport(input), 'reservations')?.rows.map(({ text }) => text) ?? []
const trialRun = (...trials: ReturnType<typeof makeTrial>[]) => makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials })

describe('the verdict', () => {
  const verdict = (overrides: Partial<ReportInput>) => composeReport(makeBareInput(overrides)).verdict

  it.each<[string, Partial<ReportInput>, { outcome: string; sentence: string; next: string }]>([
    [
      'a candidate',
      { ...makeRichInput() },
      {
        outcome: 'passed',
        sentence: 'Passed: waggle/smoke-detector 0.3.0 on linux/amd64, linux/arm64 and linux/arm/v7, ready to release',
        next: 'Tag the commit v0.3.0 to release it.',
      },
    ],
    [
      'a release',
      { bundle: makeBundle({ state: 'release', reference: 'r.example/a@sha256:1' }) },
      { outcome: 'passed', sentence: 'Released waggle/smoke-detector:0.3.0', next: 'Pull it with: docker pull r.example/a@sha256:1' },
    ],
    [
      'a part of the stages',
      { stages: [makeSummary('validate'), makeSkip('train', 'it comes after --to validate')] },
      { outcome: 'passed', sentence: 'Passed: plugin-smoke-detector through validate', next: 'Run all stages with: ctss run' },
    ],
    [
      'nothing at all',
      { stages: [makeSkip('validate', 'x')] },
      { outcome: 'passed', sentence: 'Nothing was run for plugin-smoke-detector', next: 'Run all stages with: ctss run' },
    ],
    [
      'a problem with a place and a suggestion',
      {
        stages: [
          makeSummary('validate', {
            outcome: 'failed',
            problems: [
              warning('w', 'a warning'),
              error('e', 'name has a space.', { place: { file: 'sage.yaml', line: 3 }, suggestion: 'Write it without.' }),
              error('f', 'two'),
            ],
          }),
        ],
      },
      { outcome: 'failed', sentence: 'Failed in validate at sage.yaml:3: name has a space (and 1 more problem)', next: 'Write it without.' },
    ],
    [
      'a problem with a file alone',
      { stages: [makeSummary('build', { outcome: 'failed', problems: [error('e', 'no Dockerfile', { place: { file: 'Dockerfile' } })] })] },
      {
        outcome: 'failed',
        sentence: 'Failed in build at Dockerfile: no Dockerfile',
        next: 'Correct the Dockerfile or what it copies, and try it alone with: ctss build',
      },
    ],
    [
      'no problem that says why',
      { stages: [makeSummary('train', { outcome: 'failed' })] },
      { outcome: 'failed', sentence: 'Failed in train', next: 'Look at the gates and the evaluation, then train again.' },
    ],
    [
      'an error of the world',
      { stages: [makeSummary('build', { outcome: 'error', reason: 'the registry is down. Start it.' })] },
      {
        outcome: 'error',
        sentence: 'Could not finish build: the registry is down. Start it',
        next: 'This is not a fault of the repository: run it again. What is missing on this machine shows: ctss doctor',
      },
    ],
    [
      'an error without a reason',
      { stages: [makeSummary('build', { outcome: 'error' })] },
      {
        outcome: 'error',
        sentence: 'Could not finish build',
        next: 'This is not a fault of the repository: run it again. What is missing on this machine shows: ctss doctor',
      },
    ],
    [
      'one stage alone',
      { part: { plugin: 'waggle/smoke-detector' }, stages: [makeRun('build', makeBuildDetails())] },
      {
        outcome: 'passed',
        sentence: 'Passed: build of waggle/smoke-detector on linux/amd64, linux/arm64 and linux/arm/v7',
        next: 'Nothing to do here: the report of the run shows all of its stages.',
      },
    ],
    [
      'one stage alone that was skipped',
      { part: { plugin: undefined }, stages: [makeSkip('node', 'no Waggle node')] },
      {
        outcome: 'passed',
        sentence: 'Skipped: node of plugin-smoke-detector',
        next: 'Nothing to do here: the report of the run shows all of its stages.',
      },
    ],
    [
      'an error of the world in one stage alone',
      { part: { plugin: undefined }, stages: [makeSummary('build', { outcome: 'error', reason: 'no answer' })] },
      { outcome: 'error', sentence: 'Could not finish build: no answer', next: 'This is not a fault of the repository: run the failed jobs again.' },
    ],
  ])('of %s', (_, input, expected) => {
    expect(verdict(input)).toMatchObject(expected)
  })

  it('cuts long messages and file names', () => {
    const { sentence } = verdict({
      stages: [makeSummary('validate', { outcome: 'failed', problems: [error('e', 'x'.repeat(5000), { place: { file: 'y'.repeat(5000) } })] })],
    })
    expect(sentence.length).toBeLessThan(500)
  })
})

describe('the stages of a report', () => {
  it('tell where a reused record comes from, and how long it took then', () => {
    const record = makeRecord('train', { subject: makeSubject({ commit: 'b'.repeat(40) }) })
    const [row] = section(composeReport(makeBareInput({ stages: [makeSummary('train', { ran: false, seconds: 0.07, record })] })), 'stages')?.rows ?? []
    expect(row).toMatchObject({ ran: false, seconds: 0, reusedFrom: { commit: 'b'.repeat(40), started: '2026-11-21T12:00:00.000Z', seconds: 41 } })
  })

  it('make the same report when nothing has changed, however long it took to find out', () => {
    const reused = (seconds: number) => makeBareInput({ stages: [makeSummary('train', { ran: false, seconds, record: makeRecord('train') })] })
    expect(composeReport(reused(0.1))).toEqual(composeReport(reused(0.2)))
  })
})

describe('the title of a report', () => {
  it.each<[string, Partial<ReportInput>, string]>([
    ['the manifest', { ...makeRichInput() }, 'waggle/smoke-detector'],
    ['the bundle', { bundle: makeBundle() }, 'waggle/smoke-detector'],
    ['the plugin, of one stage alone', { part: { plugin: 'waggle/smoke-detector' } }, 'waggle/smoke-detector'],
    ['the repository, while there is no manifest', { stages: [makeRun('validate', { kind: 'validate', manifest: null })] }, 'plugin-smoke-detector'],
    ['a folder', { subject: makeSubject({ repository: '/home/me/plugin/' }) }, 'plugin'],
    ['nothing', { subject: makeSubject({ repository: '/' }) }, 'plugin'],
  ])('comes from %s', (_, overrides, name) => {
    expect(composeReport(makeBareInput(overrides)).name).toBe(name)
  })
})

describe('the problems of a report', () => {
  const url = (place: { file: string; line?: number; endLine?: number }, overrides: Partial<ReportInput> = {}) =>
    section(composeReport(makeBareInput({ stages: [makeSummary('validate', { problems: [warning('w', 'x', { place })] })], ...overrides })), 'problems')
      ?.rows[0]?.url
  const base = `https://github.com/waggle-sensor/plugin-smoke-detector/blob/${makeSubject().commit}`

  it('come with errors first, each with its stage', () => {
    const problems = section(composeReport(makeFailingInput()), 'problems')?.rows ?? []
    expect(problems.map(({ severity, stage }) => [severity, stage])).toEqual([
      ['error', 'virtual'],
      ['error', 'virtual'],
      ['warning', 'validate'],
    ])
  })

  it.each([
    [{ file: 'sage.yaml', line: 3 }, `${base}/sage.yaml#L3`],
    [{ file: 'sage.yaml', line: 3, endLine: 3 }, `${base}/sage.yaml#L3`],
    [{ file: 'a b/ü(1)?#.py', line: 3, endLine: 5 }, `${base}/a%20b/%C3%BC%281%29%3F%23.py#L3-L5`],
    [{ file: 'Dockerfile' }, `${base}/Dockerfile`],
  ])('link %j to the line at the commit', (place, expected) => {
    expect(url(place)).toBe(expected)
  })

  it.each([
    ['https://github.com/o/r', 'https://github.com/o/r/'],
    ['git@github.com:o/r.git', 'https://github.com/o/r/'],
    ['https://github.com/o/r.git/', 'https://github.com/o/r/'],
    ['https://gitlab.com/o/r', undefined],
    ['https://github.com.evil.example/o/r', undefined],
    ['https://github.com/o/..', undefined],
    ['https://github.com/o/r/../../x', undefined],
    ['javascript:alert(1)//github.com/o/r', undefined],
    ['/home/me/plugin', undefined],
  ])('of the repository %s are linked to %s', (repository, expected) => {
    const [start] = url({ file: 'x' }, { subject: makeSubject({ repository }) })?.split('blob') ?? []
    expect(start).toBe(expected)
  })

  it('are not linked when the commit need not have that line', () => {
    expect(url({ file: 'x' }, { subject: makeSubject({ dirty: true }) })).toBeUndefined()
    expect(url({ file: 'x' }, { subject: makeSubject({ commit: null }) })).toBeUndefined()
  })

  it('link to another repository where one is given', () => {
    expect(url({ file: 'x' }, { subject: makeSubject({ repository: '/tmp/clone' }), repositoryUrl: 'https://github.com/o/r' })).toMatch(
      /^https:\/\/github\.com\/o\/r\/blob\//,
    )
  })
})

describe('gates and evaluation in a report', () => {
  it('show gates by metric and slice, and draw a gate with two bounds once', () => {
    const train = makeTrainDetails()
    const gates = decideGates(
      [
        { metric: 'accuracy', min: 0.9, max: 0.99 },
        { metric: 'accuracy', slice: 'night', min: 0.8 },
        { metric: 'accuracy', max_drop: 0.1 },
      ],
      train,
      undefined,
    )
    const found = section(composeReport(makeBareInput({ stages: [makeRun('train', train)], gates })), 'gates')
    expect(found?.rows.map(({ subject, outcome, informational }) => [subject, outcome, informational])).toEqual([
      ['accuracy', 'passed', false],
      ['accuracy', 'passed', false],
      ['accuracy on night', 'passed', false],
      ['accuracy', 'passed', true],
    ])
    expect(found?.lines).toEqual([
      { metric: 'accuracy', bound: 'min', value: 0.9 },
      { metric: 'accuracy', bound: 'max', value: 0.99 },
      { metric: 'accuracy', slice: 'night', bound: 'min', value: 0.8 },
    ])
  })

  it('group evaluation tests by category, and keep what did not pass', () => {
    const tests = [
      { name: 'a', category: 'direction', outcome: 'passed', seconds: 1 },
      { name: 'b', category: 'direction', outcome: 'failed', seconds: 2, message: 'less smoke, more probable' },
      { name: 'c', category: 'invariance', outcome: 'skipped', seconds: 0 },
    ] as const
    const found = section(composeReport(makeBareInput({ stages: [makeRun('train', makeTrainDetails({ tests: [...tests] }))] })), 'evaluation-tests')
    expect(found?.categories).toEqual([
      { category: 'direction', passed: 1, total: 2, seconds: 3, failed: [tests[1]] },
      { category: 'invariance', passed: 0, total: 1, seconds: 0, failed: [tests[2]] },
    ])
  })

  it('leaves out sections without content', () => {
    expect(composeReport(makeBareInput()).sections.map(({ kind }) => kind)).toEqual(['stages'])
    const empty = makeTrainDetails({ metrics: [], slices: [], tests: [] })
    expect(section(composeReport(makeBareInput({ stages: [makeRun('train', empty)] })), 'evaluation')).toBeUndefined()
  })
})

describe('performance in a report', () => {
  it('is never that of an emulated trial', () => {
    const report = composeReport(makeRichInput())
    expect(section(report, 'profile')?.rows.map(({ trial, platform }) => [trial, platform])).toEqual([
      ['production', 'linux/amd64'],
      ['development', 'linux/amd64'],
    ])
    expect(section(report, 'profile')?.emulated).toEqual(['linux/arm64', 'linux/arm/v7'])
  })

  it('trusts neither the trial nor its profile when one of them says emulated', () => {
    const profile = makeProfile('linux/amd64', { environment: { kind: 'virtual', emulated: true } })
    const { profile: _, ...without } = makeTrial()
    expect(section(composeReport(makeBareInput({ stages: [trialRun(makeTrial({ profile }), without)] })), 'profile')).toBeUndefined()
  })
})

describe('what changed against the newest release', () => {
  const rows = (input: ReportInput) => section(composeReport(input), 'changes')?.rows ?? []
  const find = (input: ReportInput, figure: string, where: string) => rows(input).find((row) => row.figure === figure && row.where === where)

  it('is told in the better direction of each figure', () => {
    const input = makeRichInput()
    expect(find(input, 'accuracy', 'overall')).toMatchObject({ before: 0.9406, after: 0.9531, direction: 'better' })
    expect(find(input, 'log_loss', 'overall')).toMatchObject({ before: 0.1501, after: 0.1382, direction: 'better' })
    expect(find(input, 'accuracy', 'night')).toMatchObject({ direction: 'worse' })
    expect(find(input, 'image_bytes', 'linux/amd64')).toMatchObject({ direction: 'worse' })
    expect(find(input, 'image_bytes', 'linux/arm/v7')).toMatchObject({ direction: 'same' })
  })

  it('compares performance trial by trial, and takes small changes for none', () => {
    const input = makeRichInput()
    expect(find(input, 'cpu_seconds', 'production, linux/amd64')).toMatchObject({ before: 1.71, after: 1.92, direction: 'worse' })
    expect(find(input, 'memory_peak_bytes', 'production, linux/amd64')).toMatchObject({ direction: 'same' })
    expect(find(input, 'wall_seconds', 'production, linux/amd64')).toMatchObject({ direction: 'same' })
  })

  it('compares no performance with another processor, other trials, or none', () => {
    const elsewhere = makeProfile('linux/amd64', { environment: { kind: 'virtual', emulated: false, cpu: 'another' } })
    const withProfiles = (profiles: ReturnType<typeof makeProfile>[]) => makeRichInput({ baseline: makeBaseline({ profiles }) })
    expect(reservations(withProfiles([elsewhere, elsewhere]))).toContain(
      'Performance is not compared on linux/amd64: the release was measured on another processor.',
    )
    expect(reservations(withProfiles([elsewhere]))).toContain('Performance is not compared on linux/amd64: the release has other trials of it.')
    expect(reservations(withProfiles([]))).toContain('Performance is not compared on linux/amd64: the release has no profile of it.')
  })

  it('compares only what both have, in the same unit, and numbers', () => {
    const metrics = { cpu_seconds: { unit: 'ms' as const, value: 1, source: 'counter' as const } }
    const input = makeRichInput({
      baseline: makeBaseline({
        metrics: [{ name: 'accuracy', value: 'NaN', better: 'higher', split: 'test' }],
        slices: [{ slice: 'day', metric: 'unknown', value: 1, n: 1 }],
        profiles: [makeProfile('linux/amd64', { metrics }), makeProfile('linux/amd64', { metrics: {} })],
        imageBytes: {},
      }),
    })
    expect(rows(input)).toEqual([])
  })

  it('takes a metric of which only slices are known for better when higher', () => {
    const train = makeTrainDetails({ metrics: [], slices: [{ slice: 'day', metric: 'f1', value: 0.5, n: 1 }] })
    const baseline = makeBaseline({ slices: [{ slice: 'day', metric: 'f1', value: 0.4, n: 1 }] })
    expect(rows(makeBareInput({ stages: [makeRun('train', train)], baseline }))).toMatchObject([{ direction: 'better' }])
  })

  it('says nothing of an image that was not built', () => {
    const [platform] = makeBuildDetails().platforms
    const { bytes: _, ...failed } = platform!
    expect(rows(makeBareInput({ stages: [makeRun('build', makeBuildDetails({ platforms: [failed] }))], baseline: makeBaseline() }))).toEqual([])
  })
})

describe('what a reader has to know', () => {
  it('is all in one place', () => {
    expect(reservations(makeRichInput({ subject: makeSubject({ dirty: true }), standIns: ['python:3.11'] }))).toEqual([
      'Trials on linux/arm64 and linux/arm/v7 ran under emulation: they show that the plugin is correct there, and nothing about its speed or memory.',
      "Stand-ins made from Debian's packages took the place of the base images python:3.11 and debian:bookworm-slim: Docker Hub did not answer.",
      'Sampled figures, where no kernel counter could be read, may miss short peaks: memory_peak_bytes.',
      'These trials could reach the internet, as a plugin on a node may not: development.',
      'The folder differs from its commit, so lines are not linked and it cannot be released.',
      'node was skipped: no Waggle node is attached',
    ])
  })

  it('is nothing when everything was real', () => {
    const profile = makeProfile('linux/amd64', { metrics: {} })
    const { profile: _, ...bare } = makeTrial()
    const { bases: __, ...build } = makeBuildDetails()
    expect(reservations(makeBareInput({ stages: [makeRun('build', build), trialRun(makeTrial({ profile }), bare)] }))).toEqual([])
  })

  it('names a folder that is no commit, stand-ins of a record, and a skip without a reason', () => {
    const record = makeRecord('train', { environment: { kind: 'laptop', standIns: ['python:3.11-slim'] } })
    const { reason: _, ...skip } = makeSkip('node', '')
    const input = makeBareInput({ subject: makeSubject({ commit: null, dirty: true }), stages: [makeSummary('train', { record }), skip] })
    expect(reservations(input)).toEqual([
      "Stand-ins made from Debian's packages took the place of the base images python:3.11-slim: Docker Hub did not answer.",
      'The folder is no Git commit, so nobody else can get the same content by name.',
      'node was skipped.',
    ])
  })
})

it('takes the newest release from its summary', () => {
  expect(section(composeReport(makeRichInput()), 'changes')?.release).toEqual({ name: 'waggle/smoke-detector', version: '0.2.1', digest: digestOf('release') })
})
