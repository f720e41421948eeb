import { describe, expect, it } from 'vitest'
import { evaluate, fillText, type Contexts } from '../../support/mini-runner/expressions.ts'
import { Expression } from '../../support/mini-runner/template.ts'
import { JOBS, workflowNamed } from '../../support/workflows.ts'

const RUNNING = { success: true, failure: false, cancelled: false }
const PIPELINE = workflowNamed('pipeline.yml').jobs

type Results = Readonly<Partial<Record<'plan' | 'train' | 'build' | 'virtual' | 'node' | 'publish', 'success' | 'failure' | 'cancelled' | 'skipped'>>>

interface Story {
  /** What becomes of the stages; those that are not named run, but for `node`. */
  readonly plan?: Readonly<Record<string, string>>
  readonly results?: Results
  readonly keepGoing?: boolean
}

/** The jobs of pipeline.yml that start, when those before end as told: `success` where nothing is said. */
function startedJobs({ plan = {}, results = {}, keepGoing = false }: Story, status = RUNNING): readonly string[] {
  const kinds = { train: 'run', build: 'run', virtual: 'run', node: 'skip', publish: 'run', report: 'run', ...plan }
  const ended: Record<string, string> = { plan: results.plan ?? 'success' }
  for (const id of ['train', 'build', 'virtual', 'node', 'publish', 'report'] as const) {
    const { if: condition, needs, with: inputs } = PIPELINE[id]!
    const contexts: Contexts = {
      inputs: { 'keep-going': keepGoing },
      needs: Object.fromEntries([needs ?? []].flat().map((need) => [need, { result: ended[need]!, outputs: need === 'plan' ? kinds : {} }])),
    }
    const starts =
      evaluate(expressionIn(condition), contexts, status) === true && (id !== 'report' || evaluate(expressionIn(inputs?.['wanted']), contexts) === true)
    ended[id] = starts ? (results[id as keyof Results] ?? 'success') : 'skipped'
  }
  return Object.keys(ended).filter((id) => id !== 'plan' && ended[id] !== 'skipped')
}

function expressionIn(text: unknown): string {
  return /^\$\{\{(.*)\}\}$/.exec(String(text))?.[1]?.trim() ?? String(text)
}

describe('pipeline.yml', () => {
  const none = { train: 'reuse', build: 'reuse', virtual: 'reuse', publish: 'reuse', report: 'skip' }

  it.each<[string, Story, readonly string[]]>([
    ['runs every stage of the plan', {}, ['train', 'build', 'virtual', 'publish', 'report']],
    ['ends after the plan when nothing has changed', { plan: none }, []],
    ['goes on after stages that are reused', { plan: { train: 'reuse', build: 'reuse' } }, ['virtual', 'publish', 'report']],
    ['trains nothing where there is nothing to train', { plan: { train: 'skip' } }, ['build', 'virtual', 'publish', 'report']],
    ['tries on a node where the plan has one', { plan: { node: 'run' } }, ['train', 'build', 'virtual', 'node', 'publish', 'report']],
    [
      'reports problems of the manifest',
      { plan: { train: 'skip', build: 'skip', virtual: 'skip', publish: 'skip' }, results: { plan: 'failure' } },
      ['report'],
    ],
    ['builds nothing when the training fails', { results: { train: 'failure' } }, ['train', 'report']],
    ['builds nothing when the training runs out of time', { results: { train: 'cancelled' } }, ['train', 'report']],
    ['tries nothing when a platform cannot be built', { results: { build: 'failure' } }, ['train', 'build', 'report']],
    ['publishes nothing that failed its trials', { results: { virtual: 'failure' } }, ['train', 'build', 'virtual', 'report']],
    [
      'goes on after errors where that is asked for, and publishes nothing',
      { results: { train: 'failure' }, keepGoing: true },
      ['train', 'build', 'virtual', 'report'],
    ],
    ['reports a publication that failed', { results: { publish: 'failure' } }, ['train', 'build', 'virtual', 'publish', 'report']],
  ])('%s', (_, story, jobs) => {
    expect(startedJobs(story)).toEqual(jobs)
  })

  it('reports a plan that was never made, so that the required check is not green', () => {
    expect(startedJobs({ plan: { train: '', build: '', virtual: '', node: '', publish: '', report: '' }, results: { plan: 'failure' } })).toEqual(['report'])
  })

  it('starts nothing any more when the run is cancelled', () => {
    expect(startedJobs({}, { success: false, failure: false, cancelled: true })).toEqual([])
  })
})

describe('build.yml', () => {
  const condition = (matrix: string) => evaluate(expressionIn(workflowNamed('build.yml').jobs['platform']?.if), { inputs: { matrix } }, RUNNING)

  it('starts no job for a platform when there is none to build, which GitHub would refuse as an empty matrix', () => {
    expect(condition('{"include":[]}')).toBe(false)
    expect(condition('{"include":[{"platform":"linux/amd64"}]}')).toBe(true)
  })
})

describe('train.yml', () => {
  it('goes on in a further job only where the training is resumable, and counts down to the last', () => {
    const jobs = Object.entries(workflowNamed('train.yml').jobs)
    const starts = jobs
      .slice(1)
      .map(([, job]) =>
        ['true', 'false', ''].map((resumable) => evaluate(expressionIn(job.if), { needs: { [String(job.needs)]: { outputs: { resumable } } } }, RUNNING)),
      )

    expect(jobs.map(([, job]) => [job.with?.['attempt'], job.with?.['attempts-left']])).toEqual([
      [1, 3],
      [2, 2],
      [3, 1],
      [4, 0],
    ])
    expect(jobs.slice(1).map(([, { needs }]) => needs)).toEqual(jobs.slice(0, -1).map(([id]) => id))
    expect(starts).toEqual([1, 2, 3].map(() => [true, false, false]))
  })
})

describe('dispatch.yml', () => {
  const condition = workflowNamed('dispatch.yml').jobs['deliver']?.if
  const delivers = (claimed: string, status = RUNNING) =>
    evaluate(expressionIn(condition), { needs: { source: { result: 'success', outputs: { claimed } }, pipeline: { result: 'failure' } } }, status)

  it('delivers whatever became of the stages, but nothing of a plan that another run has', () => {
    expect(delivers('true')).toBe(true)
    expect(delivers('true', { success: false, failure: true, cancelled: false })).toBe(true)
    expect(delivers('true', { success: false, failure: false, cancelled: true })).toBe(true)
    expect(delivers('false')).toBe(false)
    expect(delivers('')).toBe(false)
  })

  it('starts nothing else after a plan that another run has claimed', () => {
    const { source, pipeline } = workflowNamed('dispatch.yml').jobs

    expect(source?.steps?.[0]).toMatchObject({ id: 'plan', uses: '$/actions/setup' })
    expect([pipeline?.needs, pipeline?.if]).toEqual(['source', undefined])
  })
})

describe('concurrency', () => {
  const event = (run: number, pullRequest?: number) => ({
    workflow: 'CTSS',
    run_id: run,
    event: pullRequest === undefined ? {} : { pull_request: { number: pullRequest } },
  })
  const groupOf = (file: string, github: ReturnType<typeof event>, path = '.') => {
    const { group = '' } = workflowNamed(file).concurrency ?? {}
    return group.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) =>
      fillText(new Expression(expression.trim()), { github, inputs: { path, repository: 'o/n', plan: '' } }),
    )
  }

  it.each(['pipeline.yml', 'ci.yml'])('of %s lets nothing cancel or replace a run of a branch', (file) => {
    expect(groupOf(file, event(1))).not.toBe(groupOf(file, event(2)))
  })

  it.each(['pipeline.yml', 'ci.yml'])('of %s lets a newer push to a pull request take the place of the one before', (file) => {
    expect(workflowNamed(file).concurrency?.['cancel-in-progress']).toBe(true)
    expect(groupOf(file, event(1, 7))).toBe(groupOf(file, event(2, 7)))
    expect(groupOf(file, event(1, 7))).not.toBe(groupOf(file, event(1, 8)))
  })

  it('keeps the plugins of one repository apart', () => {
    expect(groupOf('pipeline.yml', event(1, 7), 'a')).not.toBe(groupOf('pipeline.yml', event(1, 7), 'b'))
  })

  it('cancels nothing in any other workflow', () => {
    const others = [...new Set(JOBS.map(({ workflow }) => workflow))].filter(({ file }) => !['pipeline.yml', 'ci.yml'].includes(file))

    expect(others.filter(({ concurrency }) => concurrency?.['cancel-in-progress'])).toEqual([])
  })
})
