import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { prepareForAct } from '../support/act/prepare-for-act.ts'
import { runAct } from '../support/act/run-act.ts'
import { makeStandIns } from '../support/act/stand-ins/make-stand-ins.ts'
import { git } from '../support/layout.ts'
import { checkWorkflow } from '../support/mini-runner/check.ts'
import { ConcurrencyGroups } from '../support/mini-runner/concurrency.ts'
import { StartupFailure, type MiniGitHub, type WorkflowRun } from '../support/mini-runner/github.ts'
import { hostFiles, readFiles, type Files } from '../support/mini-runner/hosted-files.ts'
import { makeMiniGitHub } from '../support/mini-runner/make-github.ts'
import { readStrategy } from '../support/mini-runner/matrix.ts'
import { runWorkflow } from '../support/mini-runner/run.ts'
import { Expression } from '../support/mini-runner/template.ts'
import { dispatch, pullRequest, push, type Trigger } from '../support/mini-runner/trigger.ts'
import { provideTool } from '../support/tools.ts'

const FIXTURES = resolve('test/support/mini-runner/fixtures')
const PLUGIN = 'zelda/plugin'
const CTSS = 'sage/ctss'
const WORKFLOW = '.github/workflows/ci.yml'
const ON_PUSH = 'on: [push, pull_request]\n'

let shared = ''
let standIns: Readonly<Record<string, string>> = {}
beforeAll(async () => {
  shared = mkdtempSync(join(tmpdir(), 'ctss-stand-ins-'))
  standIns = await makeStandIns(shared)
})
afterAll(() => rmSync(shared, { recursive: true, force: true }))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctss-mini-runner-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Hosted {
  readonly github: MiniGitHub
  readonly commit: string
}

async function host(plugin: Files, ctss: Files = {}, options: Parameters<typeof makeMiniGitHub>[2] = {}): Promise<Hosted> {
  const commit = hostFiles(folder, PLUGIN, plugin)
  hostFiles(folder, CTSS, ctss)
  const folderOf = (name: string): string => join(folder, 'repositories', name)
  return { github: await makeMiniGitHub(folder, { ...standIns, [PLUGIN]: folderOf(PLUGIN), [CTSS]: folderOf(CTSS) }, options), commit }
}

/** A caller of one workflow of the other repository, and that workflow: what stands under `on:` and `jobs:` of them. */
async function runCaller(
  jobs: string,
  called = '',
  options: Parameters<typeof makeMiniGitHub>[2] = {},
  trigger?: (commit: string) => Trigger,
): Promise<WorkflowRun> {
  const { github, commit } = await host(
    { [WORKFLOW]: `${ON_PUSH}${jobs}` },
    { '.github/workflows/called.yml': called === '' ? 'on: push\njobs: {}\n' : called },
    options,
  )
  return runWorkflow(github, trigger?.(commit) ?? push(PLUGIN, commit), { workflow: WORKFLOW })
}

const CALL = 'jobs:\n  a:\n    uses: sage/ctss/.github/workflows/called.yml@v1\n'
const job = (id: string, rest: string): string => `  ${id}:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n${rest}`
const script = (text: string): string => `    steps: [{run: "${text}"}]\n`

const conclusions = ({ jobs }: WorkflowRun): Record<string, string> => Object.fromEntries(jobs.map(({ name, conclusion }) => [name, conclusion]))
const fork = (commit: string): Trigger => pullRequest(PLUGIN, { commit, head: commit, base: commit }, 'stranger/plugin')
const refusals = async (run: Promise<WorkflowRun>): Promise<readonly string[]> =>
  run.then(
    () => [],
    (error: unknown) => {
      if (error instanceof StartupFailure) return error.reasons
      throw error
    },
  )

describe('a caller, a pipeline in another repository, a workflow that that calls, and its action', () => {
  const plugin = readFiles(join(FIXTURES, 'plugin'))
  const ctss = readFiles(join(FIXTURES, 'ctss'))

  it('run through, with outputs, artifacts, annotations, summaries and post steps', async () => {
    const { github, commit } = await host(plugin, ctss, { secrets: { REGISTRY_TOKEN: 's3cret-value' } })
    const run = await runWorkflow(github, push(PLUGIN, commit), { workflow: WORKFLOW })
    const arm = run.jobs.find(({ name }) => name === 'ctss / build linux/arm64')

    expect(conclusions(run)).toEqual({
      'ctss / plan': 'success',
      'ctss / train': 'skipped',
      'ctss / build linux/amd64': 'success',
      'ctss / build linux/arm64': 'success',
      'ctss / stage / one': 'success',
      'ctss / skipped': 'skipped',
      'ctss / join': 'success',
      after: 'success',
    })
    expect(run.jobs.at(-1)?.outputs).toEqual({ said: 'hello 1.2.3 linux/amd64;hello 1.2.3 linux/arm64/hello nested loud' })
    expect(arm?.annotations).toEqual([
      { level: 'error', message: 'an error, with a line\nbreak', properties: { title: 'E', file: 'sage.yaml', line: '3', col: '5' } },
    ])
    expect(arm?.steps.map(({ id, summary }) => [id, summary])).toEqual([
      ['probe', '# hello 1.2.3 linux/arm64\n'],
      ['1', ''],
      ['Post $/actions/probe', ''],
    ])
    expect(readdirSync(run.artifacts)).toEqual(['ctss-linux-amd64', 'ctss-linux-arm64'])
    // Hidden files stay behind.
    expect(readdirSync(join(run.artifacts, 'ctss-linux-arm64'))).toEqual(['greeting.txt'])
    expect(run.log).toContain('ctss / build linux/arm64 | node 24, token given: ***, ***, ***')
    expect(run.log.join('\n')).not.toMatch(/s3cret-value|generated-secret/)
    expect(run.jobs.flatMap(({ orphans }) => orphans)).toEqual([])
  })

  it('do what they do under act, but for a job whose ancestor was skipped, which act runs', async () => {
    const { github, commit } = await host(plugin, ctss, { secrets: { REGISTRY_TOKEN: 's3cret-value' } })
    const mine = await runWorkflow(github, push(PLUGIN, commit), { workflow: WORKFLOW })
    const prepared = join(folder, 'prepared')
    await prepareForAct(CTSS, join(folder, 'repositories', CTSS), prepared)
    const theirs = await runAct(
      {
        act: await provideTool('act'),
        folder: join(folder, 'act'),
        repositories: join(folder, 'repositories'),
        references: { [`${CTSS}@v1`]: prepared, [`${CTSS}@self`]: prepared, ...pins() },
        secrets: { REGISTRY_TOKEN: 's3cret-value' },
      },
      push(PLUGIN, commit),
      WORKFLOW,
    )
    const ran = mine.jobs.filter(({ conclusion }) => conclusion !== 'skipped')

    expect(theirs.log.join('\n')).toContain('Job succeeded')
    expect(
      theirs.jobs
        .map(({ id, conclusion }) => `${id} ${conclusion}`)
        .filter((line) => line !== 'skipped success')
        .toSorted(),
    ).toEqual(ran.map(({ id, conclusion }) => `${id.split('/').at(-1)} ${conclusion}`).toSorted())
    expect(theirs.annotations).toEqual(ran.flatMap(({ annotations }) => annotations))
    expect(theirs.summaries.toSorted()).toEqual(ran.flatMap(({ steps }) => steps.map(({ summary }) => summary).filter(Boolean)).toSorted())
    expect(readFiles(theirs.artifacts)).toEqual(readFiles(mine.artifacts))
    expect(theirs.log.join('\n')).toContain(mine.jobs.at(-1)?.outputs['said'])
  })

  it('leave nothing to complain about', async () => {
    const { github } = await host(plugin, ctss, {
      needsOf: (action) => (action === 'sage/ctss/actions/probe' ? [{ scope: 'contents', access: 'read' }] : undefined),
    })

    expect(await checkWorkflow(github, github.repositories[PLUGIN]!, WORKFLOW)).toEqual({
      refusals: [],
      faults: ["sage/ctss/.github/workflows/pipeline.yml: job 'build': nothing needs 'packages: write'"],
    })
  })

  it('leave the other architecture when one fails, and skip what comes after', async () => {
    const failing = {
      ...plugin,
      [WORKFLOW]: plugin[WORKFLOW]!.toString('utf8').replace('version: 1.2.3', 'version: 1.2.3\n      fail: linux-arm64'),
    }
    const { github, commit } = await host(failing, ctss)
    const run = await runWorkflow(github, push(PLUGIN, commit), { workflow: WORKFLOW })

    expect(run.conclusion).toBe('failure')
    expect(conclusions(run)).toMatchObject({
      'ctss / build linux/amd64': 'success',
      'ctss / build linux/arm64': 'failure',
      'ctss / join': 'skipped',
      after: 'skipped',
    })
    // What a failing action has left goes up all the same, and its post step runs.
    expect(readdirSync(run.artifacts)).toEqual(['ctss-linux-amd64', 'ctss-linux-arm64'])
    expect(run.log).toContain('ctss / build linux/arm64 | post of 1.2.3 linux/arm64')
  })
})

/** References of the stand-ins as our workflows name them. */
function pins(): Readonly<Record<string, string>> {
  const commits: Readonly<Record<string, string>> = {
    'actions/checkout': '3d3c42e5aac5ba805825da76410c181273ba90b1',
    'actions/upload-artifact': 'bbbca2ddaa5d8feaa63e36b76fdaad77386f024f',
    'actions/download-artifact': '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c',
  }
  return Object.fromEntries(Object.entries(commits).map(([name, commit]) => [`${name}@${commit}`, standIns[name] ?? '']))
}

describe('what GitHub refuses to start', () => {
  const called = (inputs: string): string => `on:\n  workflow_call:\n${inputs}jobs:\n${job('b', script('true'))}`

  it.each([
    ['a required input that is missing', CALL, called('    inputs: {who: {type: string, required: true}}\n'), "input 'who' is required, but not provided"],
    [
      'an input that nobody knows',
      `${CALL}    with: {whom: Ada}\n`,
      called('    inputs: {who: {type: string}}\n'),
      "input 'whom' is not defined in the called workflow",
    ],
    ['an input of another type', `${CALL}    with: {loud: "yes"}\n`, called('    inputs: {loud: {type: boolean}}\n'), "input 'loud' must be a boolean"],
    ['a required secret that is missing', CALL, called('    secrets: {KEY: {required: true}}\n'), "secret 'KEY' is required, but not provided"],
    ['a secret that nobody knows', `${CALL}    secrets: {KEY: x}\n`, called('    inputs: {}\n'), "secret 'KEY' is not defined in the called workflow"],
    [
      'rights beyond those of the caller',
      `${CALL}    permissions: {packages: read}\n`,
      `${called('    inputs: {}\n')}    permissions: {packages: write}\n`,
      "The nested job 'b' is requesting 'packages: write', but is only allowed 'packages: read'.",
    ],
    [
      'rights beyond those that a repository gives by itself',
      CALL,
      `${called('    inputs: {}\n')}    permissions: {contents: write}\n`,
      "The nested job 'b' is requesting 'contents: write', but is only allowed 'contents: read'.",
    ],
    ['a workflow that may not be called', CALL, '', 'is not for workflow_call'],
    ['a workflow that calls itself', CALL, 'on: workflow_call\njobs:\n  b:\n    uses: $/.github/workflows/called.yml\n', 'calls itself'],
    ['a version of the own repository', CALL, 'on: workflow_call\njobs:\n  b:\n    uses: $/.github/workflows/called.yml@v1\n', 'called.yml@v1'],
    ['what its parser refuses', `jobs:\n${job('a', script('true'))}${job('c', `    needs: b\n${script('true')}`)}`, '', "Job 'c' depends on unknown job 'b'"],
  ])('%s', async (_, jobs, other, reason) => {
    expect((await refusals(runCaller(jobs, other))).join('\n')).toContain(reason)
  })

  it('an event that the workflow does not run on', async () => {
    expect(await refusals(runCaller(`jobs:\n${job('a', script('true'))}`, '', {}, (commit) => dispatch(PLUGIN, commit)))).toEqual([
      `${WORKFLOW} does not run on workflow_dispatch`,
    ])
  })
})

describe('what GitHub starts, and should not have to', () => {
  const faults = async (jobs: string, ctss: Files, needsOf: MiniGitHub['needsOf'] = () => undefined): Promise<readonly string[]> => {
    const { github } = await host({ [WORKFLOW]: `${ON_PUSH}${jobs}` }, ctss, { needsOf })
    return (await checkWorkflow(github, github.repositories[PLUGIN]!, WORKFLOW)).faults.map((fault) => fault.replace(/^.*?job 'a': /, ''))
  }
  const action = 'name: x\ndescription: x\ninputs: {who: {description: x, required: true}}\nruns: {using: node24, main: main.mjs}\n'
  const ctss = { 'actions/x/action.yml': action, 'actions/x/main.mjs': '' }
  const uses = (rest: string): string => `jobs:\n${job('a', `    permissions: {contents: read}\n    steps:\n      - uses: sage/ctss/actions/x@v1\n${rest}`)}`

  it.each([
    ['an input of an action that is missing', uses(''), "sage/ctss/actions/x@v1: input 'who' is required, but not provided"],
    [
      'an input that the action does not know',
      uses('        with: {who: Ada, whom: Bob}\n'),
      "sage/ctss/actions/x@v1: input 'whom' is not defined in the action",
    ],
    [
      'an action that is not there',
      `jobs:\n${job('a', '    permissions: {}\n    steps:\n      - uses: nobody/nothing@v1\n')}`,
      'nobody/nothing@v1: there is no repository nobody/nothing',
    ],
    ['a job without a time limit', 'jobs:\n  a:\n    runs-on: x\n    steps: [{run: "true"}]\n', 'no timeout-minutes'],
    ['rights that nothing needs', uses('        with: {who: Ada}\n'), "nothing needs 'contents: read'"],
  ])('%s', async (_, jobs, fault) => {
    expect(await faults(jobs, ctss)).toContain(fault)
  })

  it('rights that an action lacks', async () => {
    expect(await faults(uses('        with: {who: Ada}\n'), ctss, () => [{ scope: 'contents', access: 'write' }])).toEqual([
      "sage/ctss/actions/x needs 'contents: write'",
    ])
  })
})

describe('rights of the token', () => {
  it('are handed down, and only shrink', async () => {
    const run = await runCaller(
      `permissions: {contents: write, packages: write}\n${CALL}    permissions: {contents: read, packages: write}\n  own:\n${job('own', script('true')).split('\n').slice(1).join('\n')}`,
      `on: workflow_call\njobs:\n${job('all', script('true'))}${job('less', `    permissions: {packages: read}\n${script('true')}`)}`,
    )
    expect(Object.fromEntries(run.jobs.map(({ id, permissions }) => [id, permissions]))).toEqual({
      'a/all': { contents: 'read', packages: 'write' },
      'a/less': { packages: 'read' },
      own: { contents: 'write', packages: 'write' },
    })
  })

  it('only read in a run for a fork, which gets no secrets and no OIDC token', async () => {
    const jobs = `permissions: {contents: write, id-token: write}\njobs:\n${job('a', '    steps:\n      - run: echo "secret=[${{ secrets.KEY }}] oidc=[$ACTIONS_ID_TOKEN_REQUEST_URL]"\n')}`
    const options = { secrets: { KEY: 'the-key' }, tokenService: { url: 'http://127.0.0.1:9/t', token: 't' } }
    const own = await runCaller(jobs, '', options)
    const theirs = await runCaller(jobs, '', options, fork)

    expect(own.log).toContain('a | secret=[***] oidc=[http://127.0.0.1:9/t]')
    expect(theirs.log).toContain('a | secret=[] oidc=[]')
    expect(theirs.jobs[0]?.permissions).toEqual({ contents: 'read' })
  })
})

describe('two runs at once', () => {
  const jobs = (cancels: boolean): string =>
    `concurrency: {group: "\${{ github.ref }}", cancel-in-progress: ${cancels}}\njobs:\n${job('a', script('sleep 1; echo done'))}`

  it.each([
    ['the newer one waits', false, ['success', 'success']],
    ['the newer one takes the place of the other', true, ['cancelled', 'success']],
  ])('%s', async (_, cancels, expected) => {
    const { github, commit } = await host({ [WORKFLOW]: `${ON_PUSH}${jobs(cancels)}` }, {}, { concurrency: new ConcurrencyGroups() })
    const runs = [push(PLUGIN, commit), push(PLUGIN, commit)].map(async (trigger) => runWorkflow(github, trigger, { workflow: WORKFLOW }))

    expect((await Promise.all(runs)).map(({ conclusion }) => conclusion).toSorted()).toEqual(expected)
  })

  it('one that waits is cancelled by one that comes', async () => {
    const groups = new ConcurrencyGroups()
    const cancelled: string[] = []
    const enter = async (name: string): Promise<(() => void) | undefined> => groups.enter(name, 'g', false, () => cancelled.push(name))
    const first = await enter('first')
    const [second, third] = [enter('second'), enter('third')]
    first?.()

    expect([first, await second, await third].map((leave) => typeof leave)).toEqual(['function', 'undefined', 'function'])
    expect(cancelled).toEqual(['second'])
  })
})

describe('a job', () => {
  it('knows the workflow that it stands in, while `github` is that of the caller', async () => {
    const run = await runCaller(
      CALL,
      `on: workflow_call\njobs:\n${job('b', "    steps:\n      - run: echo '${{ job.workflow_repository }} ${{ job.workflow_sha }} ${{ job.workflow_file_path }} ${{ github.repository }} ${{ github.workflow_ref }}'\n")}`,
    )
    const own = git(join(folder, 'repositories', CTSS), 'rev-parse', 'HEAD')
    expect(run.log).toContain(`a / b | sage/ctss ${own} .github/workflows/called.yml zelda/plugin zelda/plugin/${WORKFLOW}@refs/heads/main`)
  })

  it('that is cancelled has its programs interrupted, and runs what always runs', async () => {
    const { github, commit } = await host({
      [WORKFLOW]: `${ON_PUSH}jobs:\n${job('a', "    steps:\n      - run: trap 'echo interrupted; exit 1' INT; echo waiting; while true; do sleep 0.1; done\n      - run: echo never\n      - if: always()\n        run: echo cleaned\n")}${job('b', `    needs: a\n    if: always()\n${script('echo after')}`)}`,
    })
    const cancel = new AbortController()
    const run = await runWorkflow({ ...github, onLine: (line) => line.endsWith('waiting') && cancel.abort() }, push(PLUGIN, commit), {
      workflow: WORKFLOW,
      signal: cancel.signal,
    })

    expect(conclusions(run)).toEqual({ a: 'cancelled', b: 'success' })
    expect(run.log).toEqual(expect.arrayContaining(['a | interrupted', 'a | cleaned', 'b | after']))
    expect(run.log).not.toContain('a | never')
  })

  it('that fails in a matrix ends the others, unless it shall not', async () => {
    const jobs = (failFast: boolean): string =>
      `jobs:\n${job('a', `    strategy: {fail-fast: ${failFast}, matrix: {code: [1, 0]}}\n    steps: [{run: "[ \${{ matrix.code }} = 0 ] || exit 1; exec sleep 1"}]\n`)}`
    expect(conclusions(await runCaller(jobs(true)))).toEqual({ 'a (1)': 'failure', 'a (0)': 'cancelled' })
    expect(conclusions(await runCaller(jobs(false)))).toEqual({ 'a (1)': 'failure', 'a (0)': 'success' })
  })

  it('may fail, and a step of it may, where that is said', async () => {
    const run = await runCaller(
      `jobs:\n${job('a', `    continue-on-error: true\n${script('exit 1')}`)}${job('b', '    needs: a\n    steps: [{id: s, run: exit 2, continue-on-error: true}, {run: "echo ${{ steps.s.outcome }} ${{ steps.s.conclusion }}"}]\n')}`,
    )
    expect(conclusions(run)).toEqual({ a: 'success', b: 'success' })
    expect(run.log).toContain('b | failure success')
  })

  it('keeps an output back that holds a secret', async () => {
    const run = await runCaller(
      `jobs:\n${job('a', '    outputs: {key: "${{ steps.s.outputs.key }}", other: "${{ steps.s.outputs.other }}"}\n    steps: [{id: s, run: "echo key=the-key-1 >> $GITHUB_OUTPUT; echo other=2 >> $GITHUB_OUTPUT"}]\n')}`,
      '',
      { secrets: { KEY: 'the-key' } },
    )
    expect(run.jobs[0]?.outputs).toEqual({ other: '2' })
    expect(run.jobs[0]?.annotations).toEqual([{ level: 'warning', message: "Skip output 'key' since it may contain secret.", properties: {} }])
  })

  it('hands its environment, its path and texts of several lines on from step to step, and nothing of this process', async () => {
    const steps = [
      'echo "A=1" >> $GITHUB_ENV; mkdir bin; printf "#!/bin/sh\\necho found\\n" > bin/tool; chmod +x bin/tool; echo $PWD/bin >> $GITHUB_PATH; printf "t<<E\\nx\\ny\\nE\\n" >> $GITHUB_OUTPUT',
      `echo "A=$A $(tool) $(echo '\${{ steps.s.outputs.t }}' | paste -sd,) [$npm_config_user_agent$VITEST]"`,
    ]
    const run = await runCaller(
      `jobs:\n${job('a', `    steps:\n      - id: s\n        run: |\n          ${steps[0]}\n      - run: |\n          ${steps[1]}\n`)}`,
    )
    expect(run.log).toContain('a | A=1 found x,y []')
  })

  it.each([
    ['a malformed output file', 'echo nonsense >> $GITHUB_OUTPUT', /Unable to process file command 'output' successfully/],
    ['a summary of more than a mebibyte', 'head -c 1100000 /dev/zero >> $GITHUB_STEP_SUMMARY', /upload aborted/],
    ['a retired command', "echo '::set-output name=a::b'; exit 1", /'set-output' command is disabled/],
  ])('fails on %s', async (_, text, message) => {
    const run = await runCaller(`jobs:\n${job('a', `    steps:\n      - run: |\n          ${text}\n`)}`)
    expect(run.conclusion).toBe('failure')
    expect(run.jobs[0]?.annotations[0]?.message).toMatch(message)
  })

  it('obeys commands in every form that the runner knows, until it is told to stop', async () => {
    const lines = [
      '  ::WARNING file=a,line=3::1%25',
      'text ##[error title=b%3B]2',
      '::nothing::3',
      '::stop-commands::Go',
      '::error::4',
      '##[go]',
      '::notice::5',
    ]
    const run = await runCaller(`jobs:\n${job('a', `    steps:\n      - run: |\n          printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}\n`)}`)
    expect(run.jobs[0]?.annotations).toEqual([
      { level: 'warning', message: '1%', properties: { file: 'a', line: '3' } },
      { level: 'error', message: '2', properties: { title: 'b;' } },
      { level: 'notice', message: '5', properties: {} },
    ])
    expect(run.log).toEqual(expect.arrayContaining(['a | ::nothing::3', 'a | ::stop-commands::Go', 'a | ::error::4', 'a | ##[go]']))
  })

  it('that leaves a program running has it killed, and told', async () => {
    const run = await runCaller(`jobs:\n${job('a', script('sleep 300 > /dev/null 2>&1 &'))}`)
    expect(run.jobs[0]?.orphans).toEqual(['sleep 300'])
  })

  it('takes too long', async () => {
    const run = await runCaller(`jobs:\n${job('a', script('exec sleep 60')).replace('timeout-minutes: 5', 'timeout-minutes: 0.02')}`)
    expect(conclusions(run)).toEqual({ a: 'cancelled' })
    expect(run.jobs[0]?.annotations.at(-1)?.message).toContain('exceeded the maximum execution time')
  })
})

describe('a matrix', () => {
  it.each([
    ['nothing', {}, [{}]],
    [
      'two axes',
      { a: [1, 2], b: ['x', 'y'] },
      [
        { a: 1, b: 'x' },
        { a: 1, b: 'y' },
        { a: 2, b: 'x' },
        { a: 2, b: 'y' },
      ],
    ],
    ['what is excluded', { a: [1, 2], b: ['x', 'y'], exclude: [{ a: 1 }, { a: 2, b: 'x' }] }, [{ a: 2, b: 'y' }]],
    ['what is included alone', { include: [{ a: 1 }, { b: 2 }] }, [{ a: 1 }, { b: 2 }]],
    [
      'what is included into the axes, and beside them',
      { a: [1, 2], include: [{ a: 1, b: 'x' }, { a: 3 }, { c: true }] },
      [{ a: 1, b: 'x', c: true }, { a: 2, c: true }, { a: 3 }],
    ],
    ['an empty list', { include: [] }, []],
  ])('of %s', (_, matrix, combinations) => {
    const template = Object.keys(matrix).length === 0 ? {} : { matrix: new Expression(`fromJSON('${JSON.stringify(matrix)}')`) }
    expect(readStrategy(template, {}).combinations).toEqual(combinations)
  })
})
