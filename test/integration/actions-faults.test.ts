import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS } from '../../actions/definitions.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { makeMachine, makeRelease, TOKEN, type ActionMachine, type MachineOptions } from '../support/actions/action-machine.ts'
import { checkOut } from '../support/actions/check-out.ts'
import { remainsOf } from '../support/actions/remains.ts'
import type { FinishedStep } from '../support/actions/step-process.ts'
import { makeTestRegistry, type TestRegistry } from '../support/actions/test-registry.ts'
import { git } from '../support/layout.ts'
import { pullRequest, push } from '../support/mini-runner/trigger.ts'
import { withoutTraining } from '../support/tiny-plugin.ts'

const ZEROS = '0'.repeat(40)
const NAMES = ACTIONS.map(({ name }) => name)
/** Why no disk of a few bytes can be had here; undefined: it can. */
const noSmallDisk = process.getuid?.() === 0 && process.platform === 'linux' ? undefined : 'mounting a small disk needs root on Linux'

const shared = new AsyncDisposableStack()
let release = ''
let registry: TestRegistry
beforeAll(async () => {
  release = shared.use(await makeRelease()).folder
  registry = shared.use(await makeTestRegistry())
})
afterAll(async () => shared.disposeAsync())

let resources = new AsyncDisposableStack()
afterEach(async () => {
  await resources.disposeAsync()
  resources = new AsyncDisposableStack()
})

/** A machine with the tiny plugin, which trains nothing. */
async function openMachine(options: Partial<MachineOptions> = {}, files: Parameters<typeof checkOut>[1] = {}): Promise<ActionMachine> {
  const machine = resources.use(await makeMachine({ release, inputs: { registry: registry.root }, ...options }))
  await checkOut(machine, { ...withoutTraining(), ...files })
  return machine
}

/** A server on this machine; answers its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  resources.defer(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** It is told in sentences, and is no bug of ours. */
function expectTold({ exitCode, raw, errors }: FinishedStep, code: number, ...said: readonly (string | RegExp)[]): void {
  expect(exitCode, raw).toBe(code)
  expect(raw).not.toMatch(/This is a bug|\n {4}at /)
  for (const text of said) expect(errors.join('\n')).toMatch(text)
}

describe('inputs that are wrong', () => {
  it('are told all at once, each with what was meant', async () => {
    const machine = await openMachine()
    const step = await machine.run('build', {
      inputs: { platform: 'linux/amd64\nlinux/arm64', staging: 'regstry', cache: 'yes', force: '', plattform: 'linux/amd64', registy: 'ghcr.io/x' },
    })

    expectTold(step, 1)
    expect(step.errors.toSorted()).toEqual([
      'input `cache`: `yes` is neither true nor false',
      'input `platform`: `linux/amd64\nlinux/arm64` is not a platform; one looks like linux/arm64 or linux/arm/v7',
      'input `staging`: `regstry` is not a choice: did you mean `registry`?',
      'there is no input `plattform`: did you mean `platform`?',
      'there is no input `registy`: did you mean `registry`?',
    ])
  })

  it.each(NAMES)('%s: texts that a shell or the runner would obey are texts', async (name) => {
    const machine = resources.use(await makeMachine({ release }))
    mkdirSync(machine.workspace)
    const trap = join(machine.folder, 'trap')
    const evil = `$(touch ${trap}); \`touch ${trap}\`\n::set-output name=outcome::passed\n::add-mask::e\n##[add-mask]e\n::stop-commands::x`
    const inputs = Object.entries(ACTIONS.find((action) => action.name === name)?.inputs ?? {})
    const step = await machine.run(name, { inputs: Object.fromEntries(inputs.map(([input]) => [input, evil])) })

    expectTold(step, 1)
    expect(existsSync(trap)).toBe(false)
    expect(step.commands.filter((command) => command.name !== 'error').map((command) => command.name)).toEqual(step.masks.map(() => 'add-mask'))
    // Secrets are masked line by line; what a text orders to mask is not.
    expect(step.masks.filter((mask) => mask === 'e' || mask.length < 3)).toEqual([])
  })

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['validate', { path: '/etc' }, 'input `path`: /etc leaves the workspace'],
    ['validate', { path: '..' }, 'input `path`: .. leaves the workspace'],
    ['validate', { path: 'link' }, 'input `path`: link leaves the workspace'],
    ['validate', { path: 'nowhere' }, 'input `path`: there is no nowhere'],
    ['validate', { path: 'a\0b' }, ''],
    ['train', { checkpoints: '/etc' }, 'input `checkpoints`: /etc leaves the workspace'],
    ['train', { checkpoints: 'link' }, 'input `checkpoints`: link leaves the workspace'],
    ['report', { records: '/etc' }, 'input `records`: /etc leaves the workspace'],
    ['build', { platform: 'linux/amd64,linux/arm64' }, 'one platform a job'],
    ['build', { registry: 'https://ghcr.io/x' }, 'is no registry; one looks like ghcr.io/sage'],
    ['setup', { runners: '{linux/arm64: [' }, 'input `runners` is not YAML'],
    ['setup', { runners: '{linux/sparc: x, train: 7}' }, 'input `runners`:'],
    ['setup', { plan: 'x' }, 'inputs `plan` and `app` belong together'],
    ['setup', { plan: '../x', app: 'https://app.example' }, 'input `plan` is no reference of a plan'],
    ['setup', { plan: 'x', app: 'http://app.example' }, 'input `app` is no https address'],
  ])('%s: %j', async (name, inputs, message) => {
    const machine = await openMachine()
    symlinkSync('/etc', join(machine.workspace, 'link'))
    // The runner itself takes no NUL.
    if (message === '') return expect(machine.run(name, { inputs })).rejects.toThrow('null bytes')
    const step = await machine.run(name, { inputs })

    expectTold(step, 1)
    expect(step.errors.join('\n')).toContain(message)
  })

  it('may all be empty', async () => {
    const machine = await openMachine()
    const step = await machine.run('validate', { inputs: { path: '', strict: '', user: '', 'sage-users': '' } })
    expect([step.exitCode, step.errors], step.raw).toEqual([0, []])
  })
})

describe('an environment that is not as GitHub makes it', () => {
  it.each(NAMES)('%s: names every variable that is missing', async (name) => {
    const machine = resources.use(await makeMachine({ release }))
    const bare = await machine.run(name, { environment: { GITHUB_WORKSPACE: undefined, RUNNER_TEMP: 'relative', GITHUB_REPOSITORY: '' } })
    expectTold(bare, 2, /^this is not a job of GitHub Actions: GITHUB_WORKSPACE, RUNNER_TEMP, GITHUB_REPOSITORY are missing\n/)
  })

  // What jobs have left is delivered from artifacts alone.
  it.each(NAMES.filter((name) => name !== 'deliver'))('%s: says that nothing is checked out', async (name) => {
    const machine = resources.use(await makeMachine({ release }))
    expectTold(await machine.run(name), 1, /the workspace .* is not there: check the repository out first, with actions\/checkout/)
  })

  it('finds no manifest in a workspace that is empty', async () => {
    const machine = resources.use(await makeMachine({ release }))
    mkdirSync(machine.workspace)
    expectTold(await machine.run('validate'), 1, /no sage\.yaml/)
  })

  it.each([...NAMES.map((name) => [name, 'pull_request_target'] as const), ['setup', 'workflow_run'], ['setup', 'issue_comment']] as const)(
    '%s: refuses the event %s',
    async (name, event) => {
      const machine = resources.use(await makeMachine({ release, trigger: { ...push('sage/tiny-plugin', ZEROS), event } }))
      mkdirSync(machine.workspace)

      expectTold(
        await machine.run(name),
        2,
        new RegExp(`the event ${event} gives a run rights that code of a pull request must not have\\n +Start the workflow on`),
      )
    },
  )

  it.each([
    ['is missing', { GITHUB_EVENT_PATH: '/nowhere' }],
    ['is empty', { GITHUB_EVENT_PATH: '/dev/null' }],
    ['is a folder', { GITHUB_EVENT_PATH: '/tmp' }],
  ])('trusts no pull request whose event %s', async (_, environment) => {
    const machine = await openMachine({ trigger: pullRequest('sage/tiny-plugin', { commit: ZEROS, head: ZEROS, base: ZEROS }) })
    const step = await machine.run('setup', { environment })

    expect(step.exitCode, step.raw).toBe(0)
    expect(step.outputs).toMatchObject({ trust: 'untrusted', staging: 'archive', publish: 'skip' })
  })

  it.each([
    ['is full', '/dev/full', /no space left/i],
    ['is not there', '/nowhere/output', /\/nowhere\/output/],
    ['is a folder', '/tmp', /./],
  ])('says that its outputs are lost where their file %s', async (_, file, message) => {
    const machine = await openMachine()
    expectTold(await machine.run('validate', { environment: { GITHUB_OUTPUT: file } }), 2, message)
  })

  it.each([
    ['is full', '/dev/full'],
    ['is not there', '/nowhere/state'],
  ])('starts nothing that its post step could not find, where the file for its state %s', async (_, file) => {
    const machine = await openMachine()
    await machine.run('validate')
    const step = await machine.run('build', { environment: { GITHUB_STATE: file } })

    expectTold(step, 2, /state/)
    expect(await remainsOf(machine)).toEqual([])
  })

  it.each(['/dev/full', '/nowhere/summary', '/tmp'])('loses only the summary where its file is %s', async (file) => {
    const machine = await openMachine()
    const step = await machine.run('validate', { environment: { GITHUB_STEP_SUMMARY: file } })

    expect(step.exitCode, step.raw).toBe(0)
    expect(step.warnings).toEqual([expect.stringMatching(/^the job summary could not be written: /)])
  })

  it.for([
    ['full', 'size=16k', /no space left|is full/i],
    ['read-only', 'ro', /ctss-machine-/],
  ] as const)('says that the disk is %s', async ([, options, message], test) => {
    if (noSmallDisk !== undefined) return test.skip(noSmallDisk)
    const machine = await openMachine()
    test.expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'ctss-test', machine.temporary]).status).toBe(0)
    resources.defer(() => void spawnSync('umount', [machine.temporary]))
    if (options !== 'ro') writeFileSync(join(machine.temporary, 'filler'), Buffer.alloc(16_384))
    for (const name of ['validate', 'setup', 'train', 'build', 'report'] as const) expectTold(await machine.run(name), 2, message)
  })
})

describe('a runner without what is needed', () => {
  /** A machine that has got as far as the build. */
  const validated = async (options: Partial<MachineOptions> = {}): Promise<ActionMachine> => {
    const machine = await openMachine(options)
    expect((await machine.run('validate')).exitCode).toBe(0)
    return machine
  }

  it('has no Docker Engine: the step says so, and the post step as well, without failing the job', async () => {
    const machine = await validated({ environment: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } })
    const { post, ...step } = await machine.run('build')

    expectTold(step, 2, /no Docker Engine answers on DOCKER_HOST=unix:\/\/\/nowhere\/docker\.sock of this runner: .*GitHub's runners/)
    expect(post?.exitCode).toBe(0)
    expect(post?.warnings).toEqual([expect.stringMatching(/^something may be left behind on this runner: the Docker Engine gave no answer/)])
  })

  it.each([
    ['no docker client', undefined, /docker cannot be run|no buildx/],
    ['no buildx', 'exit 1', /the docker client of this runner has no buildx; 0\.13 or newer is needed; put a step `uses: docker\/setup-buildx-action`/],
    ['an old buildx', 'echo github.com/docker/buildx v0.9.1 ed00243a', /docker buildx 0\.9 of this runner is too old; 0\.13 or newer is needed/],
  ])('has %s', async (_, script, message) => {
    const machine = await validated()
    const programs = join(machine.folder, 'programs')
    mkdirSync(programs)
    if (script !== undefined) writeFileSync(join(programs, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const PATH = script === undefined ? programs : `${programs}:${process.env['PATH']}`
    symlinkSync('/usr/bin/git', join(programs, 'git'))
    const { post, ...step } = await machine.run('build', { environment: { PATH } })

    expectTold(step, 2, message)
    expect(post?.exitCode, post?.raw).toBe(0)
    expect(await remainsOf(machine)).toEqual([])
  })
})

describe('a registry that', () => {
  /** Answers everything with a status. */
  const refusing = async (status: number, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    serve((request, response) => void request.resume().on('end', () => response.writeHead(status, headers).end('{"errors":[{"code":"X"}]}')))

  const patient = { 'retry-after': '0' }

  it.each([
    ['wants to be signed in at', 401, { 'www-authenticate': 'Basic realm="test"' }],
    ['forbids everything', 403, {}],
    ['has had too much for now', 429, patient],
    ['is broken', 503, patient],
  ])('%s costs a plan only what it would have reused; a build that is to go there says so', async (_, status, headers) => {
    const inputs = { registry: `${await refusing(status, headers)}/sage`, 'registry-password': 'a-wrong-one' }
    const machine = await openMachine({ inputs })
    const planned = await machine.run('setup')

    expect([planned.exitCode, planned.outputs['build']], planned.raw).toEqual([0, 'run'])
    // GitHub's own registry refuses to tell of what is not there.
    if (status > 403)
      expect(planned.warnings.join('\n')).toMatch(
        new RegExp(`records of earlier runs cannot be read, so nothing is reused: the registry .* answered ${status}`),
      )
    expectTold(await machine.run('build', { inputs: { staging: 'registry' } }), 2, new RegExp(`build could not be finished: .*${status}`))
  })

  it('lets nobody write gets nothing: the image stays in an archive', async () => {
    const machine = await openMachine({ inputs: { registry: `${await refusing(403)}/sage` } })
    await machine.run('validate')
    const built = await machine.run('build')

    expect([built.exitCode, built.outputs['outcome'], built.outputs['image']], built.raw).toEqual([0, 'passed', ''])
    expect(existsSync(join(built.outputs['folder'] ?? '', 'image/index.json'))).toBe(true)
  })

  it('is slow is waited for', async () => {
    const slow = await serve((_, response) => void setTimeout(() => response.writeHead(404).end(), 500))
    const machine = await openMachine({ inputs: { registry: `${slow}/sage` } })

    expect((await machine.run('setup')).exitCode).toBe(0)
  })

  it('never answers is not waited for once the job is cancelled', async () => {
    let asked = (): void => undefined
    const isAsked = new Promise<void>((resolve) => (asked = resolve))
    const silent = await serve(() => asked())
    const machine = await openMachine({ inputs: { registry: `${silent}/sage` } })
    const step = await machine.start('setup')
    await isAsked
    step.kill('SIGINT')

    expectTold(await step.finished, 2, /cancelled/)
  })
})

describe('a run that the app has planned', () => {
  const answers =
    (text: string, status = 200): RequestListener =>
    (_, response) =>
      void response.writeHead(status).end(text)
  const identity = answers('{"value":"identity-of-the-job"}')
  const fetchPlan = async (service: RequestListener | undefined, app: RequestListener): Promise<{ machine: ActionMachine; step: FinishedStep }> => {
    const machine = resources.use(await makeMachine({ release }))
    const environment = service && { ACTIONS_ID_TOKEN_REQUEST_URL: `http://${await serve(service)}/token?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token' }
    mkdirSync(machine.workspace)
    return { machine, step: await machine.run('setup', { inputs: { plan: 'run-1', app: `http://${await serve(app)}` }, ...(environment && { environment }) }) }
  }

  it('needs no checkout, and its token is masked', async () => {
    const planner = await openMachine()
    const plan = (await planner.run('setup')).outputs['plan'] ?? ''
    const asked: string[] = []
    const { machine, step } = await fetchPlan(identity, (request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.end(request.method === 'GET' ? plan : '{"token":"ghs_of-the-plugin"}')
    })

    expect(step.exitCode, step.raw).toBe(0)
    expect(asked).toEqual(['GET /api/v1/runs/run-1/plan Bearer identity-of-the-job', 'POST /api/v1/runs/run-1/token Bearer identity-of-the-job'])
    expect(step.outputs).toMatchObject({ token: 'ghs_of-the-plugin', build: 'run' })
    expect(step.masks).toEqual(expect.arrayContaining(['ghs_of-the-plugin', 'identity-of-the-job']))
    expect(step.shown + step.summary).not.toMatch(/ghs_of-the-plugin|identity-of-the-job/)
    expect(await remainsOf(machine, ['identity-of-the-job'])).toEqual([])
  })

  it.each<[string, RequestListener | undefined, RequestListener, RegExp]>([
    ['no right to an OIDC token', undefined, answers(''), /no OIDC token, .*\n +Give the job the permission `id-token: write`/],
    ['an OIDC token that is refused', answers('', 403), answers(''), /no OIDC token/],
    ['an app that does not know the run', identity, answers('', 404), /answered 404: it does not know this run/],
    ['an app that is broken', identity, answers('', 500), /answered 500\n +Run the job again/],
    ['an app that breaks off', identity, (request) => request.socket.destroy(), /does not answer/],
    ['an app that sends us on', identity, (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(), /does not answer/],
    ['an app that answers with no plan', identity, answers('{}'), /the plan run-1 is not a plan of this version/],
    ['an app that answers with no JSON', identity, answers('<html>'), /it is not JSON/],
    [
      'an app that gives no token',
      identity,
      (request, response) => void (request.method === 'GET' ? response.end('{}') : response.end('{"token":""}')),
      /not a plan|without a token/,
    ],
  ])('with %s ends with a sentence', async (_, service, app, message) => {
    const { step } = await fetchPlan(service, app)

    expectTold(step, 2, message)
    expect(step.outputs).toEqual({})
  })
})

describe('what other jobs are said to have left', () => {
  /** A machine with a folder of downloaded artifacts. */
  const withRecords = async (): Promise<{ readonly machine: ActionMachine; readonly records: string; put(path: string, content: string | Buffer): void }> => {
    const machine = await openMachine()
    const records = join(machine.temporary, 'ctss-records')
    const put = (path: string, content: string | Buffer): void => {
      mkdirSync(dirname(join(records, path)), { recursive: true })
      writeFileSync(join(records, path), content)
    }
    mkdirSync(records)
    return { machine, records, put }
  }

  it('is told and left alone where it is rubbish, and obeyed in nothing', async () => {
    const { machine, records, put } = await withRecords()
    // A record as it should be, to begin with.
    const validated = await machine.run('validate')
    const record = validated.outputs['record'] ?? ''
    rmSync(join(machine.temporary, 'ctss'), { recursive: true })
    put('ctss-not-json/record.json', 'not JSON')
    put('ctss-not-a-record/record.json', '{"__proto__": {"stage": "build"}}')
    put('ctss-deep/record.json', '['.repeat(500_000))
    put('ctss-long/record.json', Buffer.alloc(40 * 2 ** 20, 0x20))
    put('ctss-of-another-commit/record.json', record.replaceAll(JSON.parse(record).subject.commit, 'f'.repeat(40)))
    const hostile = '::set-output name=outcome::x\n::add-mask::evil\n##[add-mask]evil'
    put(
      'ctss-evil/record.json',
      JSON.stringify({
        ...JSON.parse(record),
        problems: [{ code: 'CTSS-X999', severity: 'error', message: hostile, suggestion: hostile, place: { file: hostile } }],
      }),
    )
    put('ctss-a-file', 'x')
    put('ctss-empty/.keep', '')
    put('::set-output name=outcome::passed\n::add-mask::evil/record.json', 'x')
    mkdirSync(join(records, 'ctss-folder/record.json'), { recursive: true })
    symlinkSync('/etc', join(records, 'ctss-link'))
    mkdirSync(join(records, 'ctss-link-inside'))
    symlinkSync('/etc/passwd', join(records, 'ctss-link-inside/record.json'))
    symlinkSync('ctss-loop', join(records, 'ctss-loop'))
    mkdirSync(join(records, 'ctss-pipe'))
    spawnSync('mkfifo', [join(records, 'ctss-pipe/record.json')])
    for (let number = 0; number < 300; number += 1) mkdirSync(join(records, `more-${number}`))

    for (const name of ['setup', 'build', 'report'] as const) {
      const step = await machine.run(name)
      expect([0, 1, 2], step.raw).toContain(step.exitCode)
      for (const folder of ['not-json', 'not-a-record', 'deep', 'long', 'of-another-commit', 'folder', 'link', 'link-inside', 'loop', 'pipe'])
        expect(step.warnings.filter((warning) => warning.includes(`/ctss-${folder} is not used: `))).toHaveLength(1)
      expect(step.warnings.filter((warning) => warning.includes('/ctss-evil is not used'))).toEqual([])
      expect(step.masks).toEqual([TOKEN])
      expect(step.commands.filter((command) => command.name === 'set-output')).toEqual([])
    }
  })

  it('with files that are not what their record says is not used', async () => {
    const { machine, put } = await withRecords()
    await checkOut(machine)
    const trained = await machine.run('train')
    expect(trained.exitCode, trained.raw).toBe(0)
    cpSync(trained.outputs['folder'] ?? '', join(machine.temporary, 'ctss-records/ctss-train'), { recursive: true })
    rmSync(join(machine.temporary, 'ctss'), { recursive: true })
    const { details } = JSON.parse(trained.outputs['record'] ?? '') as StageRecord
    const digest = (details.kind === 'train' ? details.model?.files[0]?.digest : undefined)?.slice('sha256:'.length)
    put(`ctss-train/blobs/${digest}`, '43\n')
    const built = await machine.run('build')

    expect(built.warnings).toEqual([expect.stringContaining(`ctss-train is not used: the file sha256:${digest} has another content`)])
    expect(built.outputs['outcome'], built.raw).not.toBe('passed')
  })

  it.each([
    ['of another commit', (plan: string, commit: string) => plan.replaceAll(commit, 'f'.repeat(40)), /the plan is for commit f{40}, and .* is checked out/],
    ['not JSON', () => '{', /is not a plan of this version: it is not JSON/],
    ['of another version', (plan: string) => plan.replace('ctss.run-plan/v1', 'ctss.run-plan/v9'), /is not a plan of this version: \/schema/],
    ['longer than a plan is', () => ' '.repeat(65 * 2 ** 20), /is not a plan of this version/],
  ])('is no plan where it is %s', async (_, change, message) => {
    const { machine, put } = await withRecords()
    const planned = await machine.run('setup')
    const commit = git(machine.workspace, 'rev-parse', 'HEAD')
    const plan = readFileSync(join(planned.outputs['folder'] ?? '', 'plan.json'), 'utf8')
    rmSync(join(machine.temporary, 'ctss'), { recursive: true })
    put('ctss-plan/plan.json', change(plan, commit))

    for (const name of ['setup', 'build', 'report'] as const) expectTold(await machine.run(name), 2, message)
  })

  it('gives no trust: a plan that calls a pull request from a fork trusted is not believed', async () => {
    const { machine, put } = await withRecords()
    const planned = await machine.run('setup')
    put('ctss-plan/plan.json', readFileSync(join(planned.outputs['folder'] ?? '', 'plan.json')))
    const fork = await openMachine({ trigger: pullRequest('sage/tiny-plugin', { commit: ZEROS, head: ZEROS, base: ZEROS }, 'stranger/tiny-plugin') })
    cpSync(machine.workspace, fork.workspace, { recursive: true, force: true })
    cpSync(join(machine.temporary, 'ctss-records'), join(fork.temporary, 'ctss-records'), { recursive: true })
    const built = await fork.run('build', { inputs: { staging: 'registry' } })

    expect([built.exitCode, built.outputs['image']], built.raw).toEqual([0, ''])
  })
})
