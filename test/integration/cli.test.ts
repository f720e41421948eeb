import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import { runProgram } from '../../cli/program.ts'
import { digestOf, listingDigest } from '../../pipeline/digest.ts'
import type { RunOutput, TestOutput } from '../../schemas/generated/types.ts'
import { Workplace } from '../support/ctss-process.ts'
import { NATIVE, withoutTraining, writeTinyPlugin } from '../support/tiny-plugin.ts'

/** The commands in this process, on the real workstation. */
describe('the commands', () => {
  let place: Workplace
  let stdout: MockInstance<typeof process.stdout.write>
  let stderr: MockInstance<typeof process.stdout.write>
  const ctss = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    stdout.mockClear()
    stderr.mockClear()
    const code = await runProgram(['node', 'ctss', ...args], '0.0.0')
    const text = (spy: typeof stdout): string => spy.mock.calls.map(([chunk]) => String(chunk)).join('')
    return { code, out: text(stdout), err: text(stderr) }
  }
  const json = <T>(text: string): T => JSON.parse(text) as T

  beforeEach(async () => {
    place = await Workplace.make()
    vi.stubEnv('XDG_STATE_HOME', join(place.folder, 'state'))
    vi.stubEnv('CI', 'true')
    stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    await place[Symbol.asyncDispose]()
  })

  it('run: every stage, then nothing, then only what is forced', async () => {
    const plugin = await writeTinyPlugin(place)
    const first = await ctss('run', plugin)
    const again = json<RunOutput>((await ctss('run', plugin, '--json', '--quiet')).out)
    const forced = json<RunOutput>((await ctss('run', plugin, '--json', '--force=virtual,report')).out)

    expect(first.code, first.err).toBe(0)
    expect(first.out).toContain('✔ publish')
    expect(first.err).toContain('train: passed')
    expect(again.stages.filter(({ ran }) => ran)).toEqual([])
    expect(forced.stages.filter(({ ran }) => ran).map(({ stage }) => stage)).toEqual(['virtual', 'report'])
    expect(forced.bundle?.name).toBe('faults/tiny-plugin')
  })

  it('train, build, publish and report: a part of it', async () => {
    const plugin = await writeTinyPlugin(place)
    const trained = json<RunOutput>((await ctss('train', plugin, '--json')).out)
    const built = json<RunOutput>((await ctss('build', plugin, '--json')).out)
    const unpublished = json<RunOutput>((await ctss('publish', plugin, '--json')).out)
    const reported = json<RunOutput>((await ctss('report', plugin, '--json')).out)

    expect(trained.stages.map(({ stage, outcome }) => `${stage} ${outcome}`)).toContain('build skipped')
    expect(built.stages.find(({ stage }) => stage === 'build')).toMatchObject({ outcome: 'passed', ran: true })
    expect(unpublished.stages.find(({ stage }) => stage === 'publish')?.outcome).toBe('skipped')
    expect(await readFile(reported.report?.markdown ?? '', 'utf8')).toContain('faults/tiny-plugin')
  })

  it('train: in an image that is named, not built', async () => {
    const command = `[sh, -c, "echo 42 > /opt/ml/model/weights.txt; echo '{\\"schema\\": \\"ctss.result/v1\\", \\"metrics\\": {}}' > /opt/ml/output/result.json"]`
    const plugin = await writeTinyPlugin(place, {
      'ctss.yaml': `training:\n  image: debian:bookworm-slim\n  command: ${command}\nmodel: {path: model, from: train}\n`,
    })
    const trained = json<RunOutput>((await ctss('train', plugin, '--json')).out)
    const again = json<RunOutput>((await ctss('train', plugin, '--json')).out)

    expect(trained.stages.find(({ stage }) => stage === 'train')).toMatchObject({ outcome: 'passed', ran: true })
    expect(again.stages.filter(({ ran }) => ran)).toEqual([])
  })

  it('train: says what is wrong when its Dockerfile is not there', async () => {
    const plugin = await writeTinyPlugin(place, { 'train/Dockerfile': null })
    const { stages } = json<RunOutput>((await ctss('train', plugin, '--json', '--keep-going')).out)

    expect(stages.find(({ stage }) => stage === 'train')?.problems.map(({ code }) => code)).toEqual(['dockerfile-missing'])
  })

  it('build: with a model that is fetched, and only with the one that was meant', async () => {
    const digest = listingDigest([{ path: 'weights.txt', digest: digestOf('42\n') }]).slice('sha256:'.length)
    const pipeline = (sha256: string): string => `model: {path: model, uri: weights, sha256: "${sha256}"}\n`
    const files = { 'weights/weights.txt': '42\n', 'train/Dockerfile': null, 'train/train.sh': null }
    const built = json<RunOutput>((await ctss('build', await writeTinyPlugin(place, { ...files, 'ctss.yaml': pipeline(digest) }), '--json')).out)
    const other = json<RunOutput>((await ctss('build', await writeTinyPlugin(place, { ...files, 'ctss.yaml': pipeline('0'.repeat(64)) }), '--json')).out)

    expect(built.stages.find(({ stage }) => stage === 'build')?.outcome).toBe('passed')
    expect(other.stages.find(({ stage }) => stage === 'build')).toMatchObject({ outcome: 'failed', problems: [{ message: expect.stringContaining(digest) }] })
  })

  it('test: the trials, one trial, arguments, recording', async () => {
    const plugin = await writeTinyPlugin(place, withoutTraining('{name: quiet, golden: golden.ndjson, expect: [{name: env.nothing, count: 0}]}'))
    const tried = json<TestOutput>((await ctss('test', plugin, '--json')).out)
    const recorded = await ctss('test', plugin, '--record', '--trial', 'quiet')
    const unknown = await ctss('test', plugin, '--trial', 'loud')
    const byHand = await ctss('test', plugin, '--', '--verbose')

    expect(tried.trials).toMatchObject([{ name: 'quiet', platform: NATIVE }])
    expect(recorded.err).toContain('recorded golden.ndjson')
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("There is no trial 'loud'") })
    expect(byHand.code).toBe(1)
    expect(byHand.out).toContain('published-nothing')
  })

  it('test: without a manifest, and what it cannot do', async () => {
    const plugin = await writeTinyPlugin(place, { ...withoutTraining(), 'sage.yaml': null, 'ctss.yaml': null })
    expect((await ctss('test', plugin)).out).toContain(`default on ${NATIVE}`)
    expect((await ctss('test', plugin, '--record')).err).toContain('No trial names a golden file')

    await rm(join(plugin, 'Dockerfile'))
    expect(await ctss('test', plugin)).toMatchObject({ code: 2, err: expect.stringContaining('neither a manifest nor a Dockerfile') })
  })

  it('validate: for a person and for an editor', async () => {
    const plugin = await writeTinyPlugin(place, { 'sage.yaml': 'name: Bad Name\n' })
    const told = await ctss('validate', plugin)

    expect(told.code).toBe(1)
    expect(told.out).toMatch(/sage\.yaml:1:7: error: .*\n[^]*not valid: \d+ errors/)
    expect(json<{ manifests: { problems: unknown[] }[] }>((await ctss('validate', plugin, '--json')).out).manifests[0]?.problems.length).toBeGreaterThan(1)
    expect((await ctss('validate', plugin, '--quiet')).out).toBe('')
  })

  it('reads a Git URL', async () => {
    const plugin = await writeTinyPlugin(place)
    await place.git(plugin, 'init', '--quiet')
    await place.commit(plugin)

    expect((await ctss('validate', `file://${plugin}`)).out).toContain('valid: 0 errors')
    expect((await ctss('test', `file://${plugin}`, '--record', '--quiet')).err).toContain('it needs a folder, not a URL')
    expect((await ctss('validate', `file://${place.folder}/nowhere`)).code).toBe(2)
  })

  it('up and doctor: find everything there', async () => {
    expect((await ctss('up')).out).toMatch(/^Ready: Docker Engine/)
    expect((await ctss('up', '--quiet')).out).toBe('')
    const doctor = await ctss('doctor')
    expect(doctor.out).toContain('✔')
    expect(json<{ findings: { ok: boolean }[] }>((await ctss('doctor', '--json')).out).findings.length).toBeGreaterThan(4)
  })
})
