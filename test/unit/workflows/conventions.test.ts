import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ACTIONS } from '../../../actions/definitions.ts'
import { STAGES } from '../../../pipeline/stage.ts'
import { readJobPermissions } from '../../../scripts/workflows-page.ts'
import { askedFor, CALLERS, JOBS, ownName, STEPS, workflowNamed, WORKFLOWS } from '../../support/workflows.ts'

const PERMISSIONS = WORKFLOWS.flatMap(readJobPermissions)
const holdersOf = (scope: string) =>
  PERMISSIONS.filter((permission) => `${permission.scope}: ${permission.access}` === scope).map(({ file, job }) => `${file} ${job}`)
/** Those that run stages of a plugin. */
const STAGE_WORKFLOWS = ['pipeline.yml', 'train-attempt.yml', ...STAGES.map((stage) => `${stage}.yml`)]

describe('every workflow', () => {
  it.each(WORKFLOWS)('$file has a copy where GitHub looks, to the byte', ({ file, text }) => {
    expect(readFileSync(`.github/workflows/${file}`, 'utf8')).toBe(text)
  })

  it.each(WORKFLOWS)('$file gives nothing by itself', ({ permissions }) => {
    expect(permissions).toEqual({})
  })

  it.each(WORKFLOWS)('$file is started by no event that lends rights to strangers', ({ on }) => {
    expect(Object.keys(on).filter((event) => /^(?:pull_request_target|workflow_run|issue_comment)$/.test(event))).toEqual([])
  })

  it.each(WORKFLOWS)('$file names no secret', ({ text, on, jobs }) => {
    expect(text).not.toMatch(/\bsecrets\b/)
    expect(on.workflow_call?.secrets).toBeUndefined()
    expect(Object.values(jobs).filter(({ secrets }) => secrets !== undefined)).toEqual([])
  })

  it.each(WORKFLOWS)('$file says what its inputs and outputs are', ({ on: { workflow_call: call, workflow_dispatch: dispatch } }) => {
    const described = [call, dispatch].flatMap((event) => [...Object.values(event?.inputs ?? {}), ...Object.values(event?.outputs ?? {})])

    expect(described.filter(({ description = '' }) => !/^.{10,}\.$/.test(description))).toEqual([])
  })
})

describe('every job', () => {
  it.each(JOBS)('$title has a time-out, where it has steps', ({ job }) => {
    const limit = job['timeout-minutes']

    expect(job.steps === undefined ? limit === undefined : limit === '${{ inputs.minutes }}' || (typeof limit === 'number' && limit > 0 && limit <= 360)).toBe(
      true,
    )
  })

  it.each(PERMISSIONS)('$file $job says why it may $access $scope', ({ reason }) => {
    expect(reason).toMatch(/^to .{5,}/)
  })

  it.each([
    ...JOBS,
    ...CALLERS.flatMap((workflow) => Object.entries(workflow.jobs).map(([id, job]) => ({ workflow, id, job, title: `${workflow.file} of the example` }))),
  ])('$title has just the rights that its steps, or the jobs that it calls, ask for', ({ job }) => {
    const [, called] = /^sagecontinuum\/ctss\/\.github\/workflows\/(.+)@v1$/.exec(job.uses ?? '') ?? []

    expect(job.permissions).toEqual(askedFor(called === undefined ? job : { ...job, uses: `$/.github/workflows/${called}` }))
  })

  // GitHub's implicit success() looks at all jobs further up, also at those that were skipped since their stage is reused (https://github.com/actions/runner/issues/491).
  it.each(JOBS.filter(({ workflow, id }) => STAGE_WORKFLOWS.includes(workflow.file) && `${workflow.file} ${id}` !== 'pipeline.yml plan'))(
    '$title stands on a condition of its own',
    ({ job }) => {
      expect(job.if).toContain('!cancelled()')
    },
  )
})

describe('rights', () => {
  it('to ask for an OIDC token have only jobs that run nothing of a plugin', () => {
    expect(holdersOf('id-token: write')).toEqual(['dispatch.yml source', 'dispatch.yml deliver', 'release.yml release', 'runner-images.yml build'])
  })

  it('to write packages have only build, index and publish, and whoever publishes our own images', () => {
    expect(holdersOf('packages: write')).toEqual(['build.yml platform', 'build.yml index', 'publish.yml publish', 'runner-images.yml build'])
  })

  it('to write contents or comments have only publish, report, and the releases of this project', () => {
    expect(holdersOf('contents: write')).toEqual(['publish.yml publish', 'release.yml release', 'runner-images.yml propose'])
    expect(holdersOf('pull-requests: write')).toEqual(['report.yml report', 'runner-images.yml propose'])
  })

  it('of jobs that run code of a plugin are to read, and to write packages', () => {
    const rights = PERMISSIONS.filter(({ runsPlugin }) => runsPlugin).map(({ file, job, scope, access }) => `${file} ${job} ${scope}: ${access}`)

    expect(rights.toSorted()).toEqual([
      'build.yml platform contents: read',
      'build.yml platform packages: write',
      'ci.yml actions contents: read',
      'ci.yml actions packages: read',
      'node.yml node contents: read',
      'node.yml node packages: read',
      'train-attempt.yml train contents: read',
      'virtual.yml virtual contents: read',
      'virtual.yml virtual packages: read',
    ])
  })
})

describe('every step', () => {
  it.each(STEPS)('$title has no expression in its script', ({ step }) => {
    expect(step.run ?? '').not.toContain('${{')
  })

  it.each(STEPS.filter(({ step }) => step.uses !== undefined && ownName(step.uses) === undefined))(
    '$title is pinned by commit, with its version beside it',
    ({ workflow, step }) => {
      expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
      expect(workflow.text).toMatch(new RegExp(`uses: ${step.uses} # v\\d+\\.\\d+\\.\\d+\\n`))
    },
  )

  it.each(STEPS.filter(({ workflow, step }) => STAGE_WORKFLOWS.includes(workflow.file) && step.uses?.startsWith('docker/setup-qemu-action@')))(
    '$title takes the emulators, which run with all rights, by digest, and from no cache that a pull request can fill',
    ({ step }) => {
      expect(step.with).toEqual({ image: expect.stringMatching(/:qemu-v[\d.]+@sha256:[0-9a-f]{64}$/), 'cache-image': false })
    },
  )

  it.each(STEPS.filter(({ step }) => step.uses?.startsWith('actions/checkout@')))('$title keeps no credentials', ({ step }) => {
    expect(step.with).toMatchObject({ 'persist-credentials': false })
  })

  const ours = STEPS.flatMap((step) => ACTIONS.filter(({ name }) => name === ownName(step.step.uses)).map((action) => ({ ...step, action })))

  it.each(ours)('$title gives only inputs that the action has', ({ step, action }) => {
    expect(Object.keys(step.with ?? {}).filter((name) => !Object.hasOwn(action.inputs, name))).toEqual([])
  })

  it.each(ours.filter(({ step }) => step.id !== undefined))('$title has every output that is read from it', ({ workflow, step, action }) => {
    const read = [...workflow.text.matchAll(new RegExp(`steps\\.${step.id}\\.outputs\\.([\\w-]+)`, 'g'))].map(([, name = '']) => name)

    expect(read.length).toBeGreaterThan(0)
    expect(read.filter((name) => !Object.hasOwn(action.outputs, name))).toEqual([])
  })

  it.each(ours)('$title refers to this repository as its workflow must', ({ workflow, step }) => {
    // `dist` is on release commits only: CI builds the actions into its own checkout.
    expect(step.uses?.slice(0, 2)).toBe(workflow.file === 'ci.yml' ? './' : '$/')
  })

  it.each(STEPS.filter(({ workflow, step }) => STAGE_WORKFLOWS.includes(workflow.file) && step.uses?.startsWith('actions/upload-artifact@')))(
    '$title puts away what there is',
    ({ step }) => {
      expect(step.with).toMatchObject({ overwrite: true, 'retention-days': '${{ inputs.retention-days }}', 'if-no-files-found': 'ignore' })
      expect(step.if).toMatch(/^\$\{\{ !cancelled\(\) && steps\.\w+\.outputs\.\w+ != ''/)
    },
  )
})

describe('one way to do a thing', () => {
  it('the same pin of an action everywhere', () => {
    const pins = [...new Set(STEPS.map(({ step }) => step.uses ?? '').filter((uses) => /@[0-9a-f]{40}$/.test(uses)))]

    expect(pins.map((uses) => uses.split('@')[0])).toEqual([...new Set(pins.map((uses) => uses.split('@')[0]))])
  })

  it('every job of a stage gets the plugin in the same way', () => {
    const jobs = JOBS.filter(({ workflow, job }) => STAGE_WORKFLOWS.includes(workflow.file) && job.steps)
    const ways = jobs.map(({ job }) => JSON.stringify(job.steps?.filter(({ name }) => name?.endsWith('the plugin'))))

    expect(jobs.length).toBeGreaterThan(8)
    expect(new Set(ways).size).toBe(1)
  })

  it('every stage has a workflow, which can be called alone', () => {
    const called = STAGES.map((stage) => workflowNamed(`${stage}.yml`))

    for (const { on } of called) {
      const required = Object.entries(on.workflow_call?.inputs ?? {}).filter(([, input]) => input.required)
      // Which machines build is for the caller, or the plan, to say.
      expect(required.map(([name]) => name)).toEqual(on === workflowNamed('build.yml').on ? ['matrix'] : [])
    }
  })

  it('an input of the same name means the same everywhere', () => {
    const inputs = WORKFLOWS.filter(({ file }) => !['pipeline.yml', 'dispatch.yml', 'retrain.yml'].includes(file)).flatMap(({ on }) =>
      Object.entries(on.workflow_call?.inputs ?? {}),
    )
    const meanings = Map.groupBy(inputs, ([name]) => name)

    for (const [name, uses] of meanings) expect(new Set(uses.map(([, input]) => JSON.stringify(input))).size, name).toBe(name === 'platform' ? uses.length : 1)
  })

  it('the entry for the app has the same inputs when it is started and when it is called', () => {
    const { workflow_call: call, workflow_dispatch: dispatch } = workflowNamed('dispatch.yml').on

    // GitHub's limit for workflow_dispatch is 25.
    expect(Object.keys(dispatch?.inputs ?? {}).length).toBeLessThanOrEqual(25)
    expect(dispatch?.inputs).toEqual(call?.inputs)
  })
})
