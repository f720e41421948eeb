import { describe, expect, it } from 'vitest'
import { annotateProblems, pathInRepository } from '../../../../pipeline/service/check-annotations.ts'
import { externalIdOf, readExternalId, releaseCheckName, stageCheckName, stageOfCheck } from '../../../../pipeline/service/check-identity.ts'
import { BUTTONS } from '../../../../pipeline/service/stage-check.ts'
import { decideRef } from '../../../../pipeline/service/decide-ref.ts'
import type { WantedCheck } from '../../../../pipeline/service/action.ts'
import { readProgress } from '../../../../pipeline/service/stage-progress.ts'
import type { RefWorld } from '../../../../pipeline/service/world.ts'
import { hostileTexts } from '../report/hostile-texts.ts'
import {
  makeEndedRun,
  makeForkWorld,
  makeJob,
  makePlan,
  makePlugin,
  makeProblem,
  makeReusePlan,
  makeRun,
  makeStages,
  makeTagWorld,
  makeWorkflow,
  makeWorld,
  NOW,
  passedStages,
  reusedStages,
} from '../../../support/ref-world.ts'

function checksOf(world: RefWorld): readonly WantedCheck[] {
  return decideRef(world).actions.flatMap((action) => (action.kind === 'put-check' ? [action.check] : []))
}

function checkOf(world: RefWorld, name: string): WantedCheck {
  const check = checksOf(world).find((candidate) => candidate.name === name)
  if (check === undefined) throw new Error(`there is no check ${name}`)
  return check
}

describe('an annotation', () => {
  it('stands at the path that the repository has, with columns on one line alone', () => {
    const problems = [
      makeProblem({ place: { file: 'app/main.py', line: 4, column: 2, endLine: 4, endColumn: 9 } }),
      makeProblem({ place: { file: 'app/main.py', line: 5, column: 2, endLine: 7, endColumn: 1 } }),
      makeProblem({ place: { file: 'app/main.py', line: 9, column: 5, endColumn: 2 } }),
      makeProblem({ place: { file: 'app/main.py', line: 12, endLine: 3 } }),
      makeProblem({ place: { file: 'app/main.py', line: 1.5 } }),
    ]
    expect(
      annotateProblems(problems, 'plugins/bird').annotations.map(({ path, startLine, endLine, startColumn, endColumn }) => [
        path,
        startLine,
        endLine,
        startColumn,
        endColumn,
      ]),
    ).toEqual([
      ['plugins/bird/app/main.py', 1, 1, undefined, undefined],
      ['plugins/bird/app/main.py', 4, 4, 2, 9],
      ['plugins/bird/app/main.py', 5, 7, undefined, undefined],
      ['plugins/bird/app/main.py', 9, 9, 5, 5],
      ['plugins/bird/app/main.py', 12, 12, undefined, undefined],
    ])
  })

  it('of importance comes first, and those beyond the limit are counted', () => {
    const problems = Array.from({ length: 260 }, (_, index) =>
      makeProblem({ severity: index < 100 ? 'hint' : index < 200 ? 'warning' : 'error', place: { file: 'a.py', line: index + 1 } }),
    )
    const { annotations, rest } = annotateProblems(problems, '')
    expect(annotations.map(({ level }) => level).filter((level, index, all) => level !== all[index - 1])).toEqual(['failure', 'warning', 'notice'])
    expect([annotations.length, rest]).toEqual([200, 60])
  })

  it('keeps to GitHub’s limits, whatever it says', () => {
    const problem = makeProblem({ code: 'x'.repeat(1000), message: '\u{1f40d}'.repeat(40_000), suggestion: 'é'.repeat(40_000), detail: 'x'.repeat(8192) })
    const [annotation] = annotateProblems([problem], '').annotations
    expect(Buffer.byteLength(annotation?.message ?? '')).toBeLessThan(64_000)
    expect(annotation?.message.isWellFormed()).toBe(true)
    expect(annotation?.title.length).toBeLessThanOrEqual(255)
    expect(annotateProblems([makeProblem({ message: '\u200b', suggestion: '' })], '').annotations[0]?.message).toBe('(no message)')
  })

  it.each(['../secret', '/etc/passwd', 'a/../b', 'a//b', './a', '', 'a\\b', 'a\nb', 'a\u202eb', 'x'.repeat(1025)])('at %j stands nowhere', (file) => {
    expect(pathInRepository('', file)).toBeUndefined()
    expect(annotateProblems([makeProblem({ place: { file, line: 1 } })], '').unplaced).toHaveLength(1)
  })

  it('of a rule has its name', () => {
    expect(annotateProblems([makeProblem()], '').annotations[0]?.title).toMatch(/^CTSS-M012 [a-z-]+$/)
    expect(annotateProblems([makeProblem({ code: 'gate' })], '').annotations[0]?.title).toBe('gate')
  })
})

/** Markdown without its escapes and its code, where nothing comes alive (CommonMark 0.31, section 6.1). */
function withoutCode(text: string): string {
  return text.replaceAll(/\\[!-/:-@[-`{-~]|(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, ' ')
}

describe('every check', () => {
  const texts = hostileTexts(60)
  const problems = texts.map((text, index) =>
    makeProblem({ code: text.slice(0, 40), message: text, suggestion: text, ...(index % 2 === 0 && { place: { file: text, line: index } }) }),
  )
  const plugin = (path: string) =>
    makePlugin({
      path,
      name: texts[1],
      version: texts[2],
      stages: makeStages({
        validate: { outcome: 'failed', problems },
        train: { state: 'skipped', reason: texts.join(' ') },
        build: { state: 'ran', outcome: 'error', reason: texts.join('\n') },
        virtual: { state: 'ran', outcome: 'failed', problems },
      }),
    })
  const worlds: readonly RefWorld[] = [
    makeWorld({
      plugins: Array.from({ length: 200 }, (_, index) => plugin(`plugins/${index}`)),
      runs: [makeEndedRun('failed', { reason: texts.join(' '), path: 'plugins/1' })],
    }),
    makeWorld({
      plugins: [plugin('')],
      repository: { installation: { kind: 'installed', lacking: texts } },
      head: { pusher: { login: texts[0] ?? '', kind: 'person', access: 'read' } },
    }),
    makeWorld({ plugins: [makePlugin({ unjudged: texts.join(' ') })] }),
    makeTagWorld({ plugins: [makePlugin({ version: texts[0], plan: makePlan({ release: true }) })] }),
    makeWorld({ runs: [makeRun({ isClaimed: true, workflow: makeWorkflow({ jobs: texts.map((text, id) => makeJob({ id, runner: text, step: text })) }) })] }),
  ]

  it('keeps to GitHub’s limits, whatever strangers wrote', () => {
    for (const check of worlds.flatMap((world) => checksOf(world))) {
      expect(check.summary.length).toBeLessThan(65_535)
      expect(check.summary).not.toBe('')
      expect(check.title.length).toBeLessThanOrEqual(200)
      expect(check.title).toMatch(/^[^\p{Cc}\u200b\u202e]+$/u)
      expect(check.buttons.length).toBeLessThanOrEqual(3)
    }
  })

  it('wakes nobody and loads nothing', () => {
    for (const check of worlds.flatMap((world) => checksOf(world))) {
      const alive = withoutCode(check.summary)
      expect(alive).not.toMatch(/!\[|\]\(|<[a-z!/]|@[a-z]|https?:\/\//i)
    }
  })

  it('has buttons within GitHub’s lengths', () => {
    for (const { label, description, identifier } of Object.values(BUTTONS)) {
      expect([label.length <= 20, description.length <= 40, identifier.length <= 20]).toEqual([true, true, true])
    }
  })

  it('can be found again by what it carries', () => {
    expect(readExternalId(externalIdOf('refs/pull/7/head', 'plugins/my bird'))).toEqual({ ref: 'refs/pull/7/head', path: 'plugins/my bird' })
    expect(readExternalId(externalIdOf('refs/heads/x', ''))).toEqual({ ref: 'refs/heads/x', path: '' })
    expect(readExternalId('something else')).toBeUndefined()
    expect([stageOfCheck(stageCheckName('build', 'plugins/bird (2)')), stageOfCheck('ctss'), stageOfCheck('lint / build')]).toEqual([
      'build',
      undefined,
      undefined,
    ])
    expect(releaseCheckName('v1.0.0')).toBe('ctss / release (v1.0.0)')
  })
})

describe('the buttons', () => {
  const failed = makePlugin({
    stages: makeStages({
      train: { state: 'ran', outcome: 'passed' },
      build: { state: 'ran', outcome: 'passed' },
      virtual: { state: 'ran', outcome: 'failed', problems: [makeProblem()] },
    }),
  })
  const ids = (world: RefWorld, name: string): readonly string[] => checkOf(world, name).buttons.map(({ identifier }) => identifier)

  it.each<readonly [string, RefWorld, string, readonly string[]]>([
    ['of a test that failed', makeWorld({ plugins: [failed], runs: [makeEndedRun('failed')] }), 'ctss / virtual', ['again', 'record']],
    ['of what failed, all in all', makeWorld({ plugins: [failed], runs: [makeEndedRun('failed')] }), 'ctss', ['run']],
    ['of what nobody has approved', makeForkWorld(), 'ctss', ['approve']],
    ['of what passed', makeWorld({ plugins: [makePlugin({ stages: passedStages(), plan: makeReusePlan() })] }), 'ctss', []],
    ['of what runs', makeWorld(), 'ctss', []],
    [
      'of what only a push can mend',
      makeWorld({ plugins: [makePlugin({ stages: makeStages({ validate: { outcome: 'failed' } }), plan: undefined })] }),
      'ctss / validate',
      [],
    ],
  ])('%s', (_, world, name, expected) => {
    expect(ids(world, name)).toEqual(expected)
  })
})

describe('progress', () => {
  const stage = { stage: 'build', usualSeconds: 240 } as const

  it.each([
    ['waits', [], 'queued', 'Waits for its machine, or for a stage before'],
    ['waits for a machine', [makeJob({ status: 'queued', started: null, runner: null, step: null })], 'queued', 'Waits for its machine, or for a stage before'],
    ['names machine, step and end', [makeJob()], 'in_progress', 'Runs on GitHub Actions 3: Build, done about 12:02 UTC'],
    ['does without', [makeJob({ runner: null, step: null })], 'in_progress', 'Runs on a machine, done about 12:02 UTC'],
    [
      'counts machines',
      [makeJob(), makeJob({ id: 2, name: 'pipeline / build / linux/arm64' })],
      'in_progress',
      'Runs on 2 machines: Build, done about 12:02 UTC',
    ],
    ['is not another stage’s', [makeJob({ name: 'pipeline / rebuild' })], 'queued', 'Waits for its machine, or for a stage before'],
    ['is done', [makeJob({ status: 'completed', conclusion: 'success' })], 'in_progress', 'Done; its result comes with the end of the run'],
  ])('%s', (_, jobs, status, title) => {
    expect(readProgress(makeRun({ workflow: makeWorkflow({ jobs }) }), stage)).toMatchObject({ status, title })
  })

  it('says no end where none is known', () => {
    expect(readProgress(makeRun({ workflow: makeWorkflow({ jobs: [makeJob()] }) }), { stage: 'build' }).title).toBe('Runs on GitHub Actions 3: Build')
  })

  it.each([86_401, 1e300, Number.POSITIVE_INFINITY, Number.NaN])('says no end that cannot be told by a clock: %d s', (usualSeconds) => {
    const { title } = readProgress(makeRun({ workflow: makeWorkflow({ jobs: [makeJob()] }) }), { stage: 'build', usualSeconds })
    expect(title).toBe('Runs on GitHub Actions 3: Build')
  })
})

describe('a verdict', () => {
  it('that is used again says which commit it is from', () => {
    const world = makeWorld({
      plugins: [
        makePlugin({ stages: reusedStages({ train: { state: 'reused', outcome: 'passed', from: { commit: null, ended: NOW } } }), plan: makeReusePlan() }),
      ],
    })
    expect(checkOf(world, 'ctss / build')).toMatchObject({
      title: 'Passed, result of commit aaaaaaa',
      summary: expect.stringContaining('since commit `aaaaaaa`') as string,
    })
    expect(checkOf(world, 'ctss / train')).toMatchObject({
      title: 'Passed, result of an earlier run',
      summary: expect.stringContaining('since an earlier run') as string,
    })
    expect(decideRef(world).wakeAt).toBeUndefined()
  })

  it('of a run that did not pass, and of which nothing else is known, is no success', () => {
    const world = makeWorld({ runs: [makeEndedRun('failed')] })
    expect(checkOf(world, 'ctss').state).toEqual({ status: 'completed', conclusion: 'failure' })
  })

  it('of a run that passed for this commit stands when its inputs are others today', () => {
    expect(checkOf(makeWorld({ runs: [makeEndedRun('passed')] }), 'ctss').state).toEqual({ status: 'completed', conclusion: 'success' })
  })

  it('of two plugins is the worse one’s', () => {
    const passed = makePlugin({ stages: passedStages(), plan: makeReusePlan() })
    const failed = makePlugin({ path: 'bird', stages: makeStages({ validate: { outcome: 'failed', problems: [makeProblem()] } }), plan: undefined })
    const check = checkOf(makeWorld({ plugins: [passed, failed, { ...failed, path: 'cat' }] }), 'ctss')
    expect(check.title).toBe('bird: Failed in validate at bird/sage.yaml:3: version is the number 1.1 (and 1 more plugin)')
  })

  it('of a tag without the right to release says that it is published', () => {
    const plugins = [makePlugin({ stages: passedStages(), plan: makeReusePlan({ release: true }) })]
    const world = makeTagWorld({ plugins, repository: { installation: { kind: 'installed', lacking: ['contents: write'] } } })
    expect(checkOf(world, 'ctss / release (v1.2.0)')).toMatchObject({
      state: { status: 'completed', conclusion: 'success' },
      summary: expect.stringContaining('contents: write') as string,
    })
    expect(decideRef(world).actions.map(({ kind }) => kind)).not.toContain('complete-release')
  })
})
