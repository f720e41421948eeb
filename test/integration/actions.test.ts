import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS } from '../../actions/definitions.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { validateRunPlan, validateStageRecord } from '../../schemas/generated/validators.js'
import { makeMachine, makeRelease, TOKEN, type ActionMachine, type MachineOptions } from '../support/actions/action-machine.ts'
import { checkOut } from '../support/actions/check-out.ts'
import { remainsOf } from '../support/actions/remains.ts'
import { readCommand } from '../support/actions/runner-command.ts'
import type { FinishedStep } from '../support/actions/step-process.ts'
import { makeTestRegistry, type TestRegistry } from '../support/actions/test-registry.ts'
import { pullRequest } from '../support/mini-runner/trigger.ts'
import { MANIFEST, NATIVE, withoutTraining } from '../support/tiny-plugin.ts'

type ActionName = (typeof ACTIONS)[number]['name']
type Finished = FinishedStep & { readonly post: FinishedStep | undefined }

const resources = new AsyncDisposableStack()
let release = ''
let registry: TestRegistry
beforeAll(async () => {
  release = resources.use(await makeRelease()).folder
  registry = resources.use(await makeTestRegistry())
})
afterAll(async () => resources.disposeAsync())

const machines: ActionMachine[] = []
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine[Symbol.asyncDispose]()
})

async function openMachine(options: Partial<MachineOptions> = {}): Promise<ActionMachine> {
  const machine = await makeMachine({ release, inputs: { registry: registry.root }, ...options })
  machines.push(machine)
  return machine
}

/** What our actions tell the runner. */
const OURS = ['add-mask', 'group', 'endgroup', 'error', 'warning', 'notice']
/** GitHub's documentation of job summaries. */
const SUMMARY_BYTES = 2 ** 20

/** What is true of every step that a cancellation did not end, whatever its outcome. */
async function expectSound(machine: ActionMachine, name: ActionName, { outputs, summary, commands, shown, masks, state, post }: Finished): Promise<void> {
  const action = ACTIONS.find((candidate) => candidate.name === name)
  expect(Object.keys(outputs).toSorted()).toEqual(Object.keys(action?.outputs ?? {}).toSorted())
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(SUMMARY_BYTES)
  expect(commands.filter((command) => !OURS.includes(command.name))).toEqual([])
  const groups = commands.filter((command) => command.name.endsWith('group')).map((command) => command.name)
  expect(groups).toEqual(groups.map((_, index) => (index % 2 === 0 ? 'group' : 'endgroup')))
  // Nothing else is secret in these tests.
  expect(masks).toEqual(action !== undefined && 'token' in action.inputs ? [TOKEN] : [])
  for (const text of [shown, summary, JSON.stringify(outputs), JSON.stringify(state), post?.raw ?? '']) expect(text).not.toContain(TOKEN)
  expect([post?.exitCode ?? 0, post?.commands ?? []]).toEqual([0, []])
  if (post !== undefined) expect(await remainsOf(machine, [TOKEN])).toEqual([])
}

/** Runs a step that passes. */
async function pass(machine: ActionMachine, name: ActionName, inputs: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const step = await machine.run(name, { inputs })
  expect(step.exitCode, step.raw).toBe(0)
  expect([...step.errors, ...step.warnings]).toEqual([])
  await expectSound(machine, name, step)
  return step
}

function recordOf({ outputs }: FinishedStep): { readonly stage: string; readonly outcome: string; readonly details: object } {
  const record: unknown = JSON.parse(outputs['record'] ?? '')
  if (!validateStageRecord(record)) throw new Error(JSON.stringify(validateStageRecord.errors))
  expect(JSON.parse(readFileSync(outputs['record-file'] ?? '', 'utf8'))).toEqual(record)
  expect(outputs).toMatchObject({ outcome: record.outcome, key: record.key, 'record-file': join(outputs['folder'] ?? '', 'record.json') })
  return record
}

/** A plugin that tries to give orders to the runner, in each form that it knows. */
const ORDERS = `sh -c 'printf "::add-mask::evil\\n  ::set-output name=outcome::evil\\n##[add-mask]evil\\na line ##[set-output name=outcome]evil\\n::stop-commands::evil\\r::error::evil\\n"'`
const LOUD = {
  'train/train.sh': `${ORDERS}
${ORDERS} >&2
echo 42 > /opt/ml/model/weights.txt
echo '{"schema": "ctss.result/v1", "metrics": {"accuracy": {"value": 0.91}}}' > /opt/ml/output/result.json
`,
  'main.sh': `${ORDERS}\n${ORDERS} >&2\n`,
}

describe('a line of a step', () => {
  it.each<[string, string | undefined, string?]>([
    ['::add-mask::x', 'add-mask', 'x'],
    [' \t::error file=a%2Cb,line=3::one%0Atwo%25', 'error', 'one\ntwo%'],
    ['::Set-Output name=a::x', 'set-output', 'x'],
    ['| ::add-mask::x', undefined],
    ['::add-mask:x', undefined],
    ['::unknown::x', undefined],
    ['a line ##[set-output name=a]x', 'set-output', 'x'],
    ['| ##[add-mask]x', 'add-mask', 'x'],
    ['# #[add-mask]x', undefined],
    ['##[add-mask', undefined],
  ])('%j is to the runner the command %j', (line, name, value) => {
    expect(readCommand(line)).toEqual(name === undefined ? undefined : expect.objectContaining({ name, value }))
  })
})

describe('the built actions, one after the other in a job', () => {
  it('take a plugin from its manifest to a release candidate and a report', async () => {
    const machine = await openMachine()
    const commit = await checkOut(machine, LOUD)

    const validated = await pass(machine, 'validate')
    expect(recordOf(validated)).toMatchObject({ stage: 'validate', outcome: 'passed' })
    expect(validated.outputs).toMatchObject({ errors: '0', warnings: '0' })
    // A hint stands at its line.
    expect(validated.commands).toContainEqual({
      name: 'notice',
      properties: { file: 'Dockerfile', line: '1', endLine: '1', col: '6', endColumn: '26', title: 'CTSS-D025' },
      value: expect.stringContaining('debian:bookworm-slim is not pinned by digest.\nPut the digest'),
    })

    const planned = await pass(machine, 'setup')
    const plan: unknown = JSON.parse(await readFile(join(planned.outputs['folder'] ?? '', 'plan.json'), 'utf8'))
    expect(validateRunPlan(plan)).toBe(true)
    expect(planned.outputs).toMatchObject({
      train: 'run',
      build: 'run',
      virtual: 'run',
      node: 'skip',
      publish: 'run',
      report: 'run',
      parts: 'run',
      trust: 'trusted',
    })
    expect(JSON.parse(planned.outputs['matrix'] ?? '')).toMatchObject({ include: [{ platform: NATIVE, name: NATIVE.replace('/', '-') }] })

    const trained = await pass(machine, 'train')
    expect(recordOf(trained)).toMatchObject({ stage: 'train', outcome: 'passed', details: { metrics: [{ name: 'accuracy', value: 0.91 }] } })
    expect(trained.outputs).toMatchObject({ model: expect.stringMatching(/^sha256:/), resumable: 'false', checkpoints: '' })
    expect(trained.summary).toContain('<b>accuracy</b> | 0.91')
    // Where the builder is not the machine's own, one is made for the job.
    expect(trained.raw).toMatch(/^::group::train: .*\n(?:set-up: .*\n)*set-up: starting a registry for this job\n/m)

    const built = await pass(machine, 'build')
    expect(recordOf(built)).toMatchObject({
      stage: 'build',
      details: { part: true, platforms: [{ platform: NATIVE, digest: built.outputs['digest'], emulated: false }] },
    })
    expect(built.outputs).toMatchObject({ image: expect.stringMatching(`^${registry.root}/staging/trusted/faults/tiny-plugin@sha256:`), emulated: 'false' })
    expect(built.outputs['folder']).toBe(join(machine.temporary, 'ctss/out', `build-${NATIVE.replace('/', '-')}`))

    const joined = await pass(machine, 'index')
    expect(recordOf(joined)).toMatchObject({ stage: 'build', details: { index: joined.outputs['digest'] } })

    const tried = await pass(machine, 'virtual')
    expect(JSON.parse(tried.outputs['trials'] ?? '')).toEqual({ passed: 1, total: 1 })
    // What a plugin prints is shown, and not obeyed.
    for (const { raw } of [trained, tried]) expect(raw).toMatch(/^\| ::add-mask::evil$/m)

    expect((await pass(machine, 'node')).outputs).toMatchObject({ outcome: 'skipped', trials: '{"passed":0,"total":0}' })

    const published = await pass(machine, 'publish')
    expect(recordOf(published)).toMatchObject({ stage: 'publish', details: { state: 'candidate' } })
    expect(published.outputs).toMatchObject({ image: `${registry.root}/faults/tiny-plugin@${joined.outputs['digest']}`, 'release-url': '' })
    expect((await new OciRegistry().manifest(published.outputs['image'] ?? ''))?.digest).toBe(joined.outputs['digest'])

    const reported = await pass(machine, 'report')
    expect(reported.outputs).toMatchObject({ outcome: 'passed', 'comment-url': '' })
    expect(readdirSync(reported.outputs['folder'] ?? '').toSorted()).toEqual(expect.arrayContaining(['report.html', 'report.json', 'report.md']))
    expect(reported.summary).toContain(commit.slice(0, 7))
    expect(reported.summary).toContain('Passed: faults/tiny-plugin 0.1.0')

    // Another job of another run on the same commit has nothing to do.
    const other = await openMachine()
    await checkOut(other, LOUD)
    expect((await other.run('setup')).outputs).toMatchObject({
      validate: 'reuse',
      train: 'reuse',
      build: 'reuse',
      virtual: 'reuse',
      publish: 'reuse',
      report: 'skip',
      parts: 'skip',
    })
  })

  it('carry the images of a pull request from a fork in archives, and write nothing to the registry', async () => {
    const zeros = '0'.repeat(40)
    const machine = await openMachine({ trigger: pullRequest('sage/tiny-plugin', { commit: zeros, head: zeros, base: zeros }, 'stranger/tiny-plugin') })
    await checkOut(machine, { 'sage.yaml': MANIFEST.replace('tiny-plugin', 'forked'), 'main.sh': 'cat /model/weights.txt\necho forked\n' })

    expect((await pass(machine, 'setup')).outputs).toMatchObject({ trust: 'untrusted', staging: 'archive', publish: 'skip' })
    await pass(machine, 'train')
    const built = await pass(machine, 'build')
    expect(built.outputs).toMatchObject({ digest: expect.stringMatching(/^sha256:/), image: '' })
    expect(readdirSync(join(built.outputs['folder'] ?? '', 'image')).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
    const joined = await pass(machine, 'index')
    expect(JSON.parse(await readFile(join(joined.outputs['folder'] ?? '', 'image/index.json'), 'utf8'))).toMatchObject({
      manifests: [{ digest: joined.outputs['digest'] }],
    })
    expect(await new OciRegistry().tags(`${registry.root}/staging/trusted/faults/forked`)).toEqual([])
  })
})

describe('what is wrong with a plugin', () => {
  it('stands at its lines, and ends the step with 1', async () => {
    const machine = await openMachine()
    await checkOut(machine, { 'sage.yaml': MANIFEST.replace('license:', 'licence:') })
    const step = await machine.run('validate')

    expect(step.exitCode).toBe(1)
    expect(step.outputs).toMatchObject({ outcome: 'failed', errors: String(step.errors.length) })
    expect(step.commands.filter(({ name }) => name === 'error').map(({ properties }) => `${properties['file']}:${properties['line']}`)).toContain('sage.yaml:5')
    expect(recordOf(step)).toMatchObject({ outcome: 'failed' })
    await expectSound(machine, 'validate', step)
    // What needs a readable manifest says so.
    const trained = await machine.run('train')
    expect([trained.exitCode, trained.outputs['outcome']], trained.raw).toEqual([1, 'skipped'])
  })

  it('is a build that fails, with what it printed, and nothing of that is obeyed', async () => {
    const machine = await openMachine()
    await checkOut(machine, {
      ...withoutTraining(),
      Dockerfile: `FROM debian:bookworm-slim\nCOPY main.sh /\nRUN ${ORDERS}; exit 3\nENTRYPOINT ["sh", "/main.sh"]\n`,
    })
    await pass(machine, 'validate')
    const step = await machine.run('build')

    expect([step.exitCode, step.outputs['outcome']], step.raw).toEqual([1, 'failed'])
    expect(step.commands.filter(({ name }) => name === 'error')).toMatchObject([
      { properties: { file: 'Dockerfile', line: '3' }, value: expect.stringContaining('add-mask') },
    ])
    expect(step.masks).toEqual([TOKEN])
    await expectSound(machine, 'build', step)
  })

  it('is told in at most 50 annotations and a summary that GitHub takes, however much it is', async () => {
    const machine = await openMachine()
    const unknown = Array.from({ length: 6000 }, (_, index) => `unknown_field_${index}: a value\n`).join('')
    await checkOut(machine, { 'sage.yaml': MANIFEST + unknown, 'ctss.yaml': unknown })
    const step = await machine.run('validate')

    expect(step.exitCode, step.raw.slice(0, 2000)).toBe(1)
    expect(step.commands.filter(({ name }) => ['error', 'warning', 'notice'].includes(name))).toHaveLength(50)
    expect(step.shown).toMatch(/\d+ more problems stand in the summary and in the record/)
    expect(recordOf(step)).toMatchObject({ outcome: 'failed' })
    await expectSound(machine, 'validate', step)
  })

  it('is a gate that fails, which the report repeats', async () => {
    const machine = await openMachine()
    await checkOut(machine, {
      'ctss.yaml':
        'training:\n  dockerfile: train/Dockerfile\n  command: [sh, /train.sh]\n  gates: [{metric: accuracy, min: 0.95}]\nmodel: {path: model, from: train}\n',
    })
    await pass(machine, 'validate')
    const trained = await machine.run('train')
    expect([trained.exitCode, trained.outputs['outcome']], trained.raw).toEqual([1, 'failed'])
    expect(trained.errors.join('\n')).toMatch(/accuracy.*0\.91.*0\.95/)
    await expectSound(machine, 'train', trained)
    const reported = await machine.run('report')
    expect([reported.exitCode, reported.outputs['outcome']]).toEqual([1, 'failed'])
    expect(reported.summary).toContain('accuracy')
  })

  it('is no reason to lose a training that needs more than one job', async () => {
    const files = {
      'train/train.sh': `echo step >> /opt/ml/checkpoints/steps
[ $(wc -l < /opt/ml/checkpoints/steps) = 4 ] || exit 75
echo 42 > /opt/ml/model/weights.txt
echo '{"schema": "ctss.result/v1", "metrics": {}}' > /opt/ml/output/result.json
`,
    }
    const first = await openMachine()
    await checkOut(first, files)
    const stopped = await first.run('train', { inputs: { 'attempts-left': '1' } })
    expect([stopped.exitCode, stopped.outputs['resumable']], stopped.raw).toEqual([0, 'true'])
    await expectSound(first, 'train', stopped)

    const second = await openMachine()
    await checkOut(second, files)
    cpSync(stopped.outputs['checkpoints'] ?? '', join(second.temporary, 'checkpoints'), { recursive: true })
    const went = await pass(second, 'train', { checkpoints: join(second.temporary, 'checkpoints') })
    expect(went.outputs).toMatchObject({ outcome: 'passed', resumable: 'false', checkpoints: '' })
    expect(recordOf(went)).toMatchObject({ details: { attempts: 4 } })
  })
})
