import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { digestOf, listingDigest } from '../../pipeline/digest.ts'
import type { RunOutput } from '../../schemas/generated/types.ts'
import { json, withCommands } from '../support/commands.ts'
import { writeTinyPlugin } from '../support/tiny-plugin.ts'

describe('the commands', () => {
  const commands = withCommands()

  it('run: every stage, then nothing, then only what is forced', async () => {
    const plugin = await writeTinyPlugin(commands.place)
    const first = await commands.ctss('run', plugin)
    const again = json<RunOutput>((await commands.ctss('run', plugin, '--json', '--quiet')).out)
    const forced = json<RunOutput>((await commands.ctss('run', plugin, '--json', '--force=virtual,report')).out)

    expect(first.code, first.err).toBe(0)
    expect(first.out).toContain('✔ publish')
    expect(first.err).toContain('train: passed')
    expect(again.stages.filter(({ ran }) => ran)).toEqual([])
    expect(forced.stages.filter(({ ran }) => ran).map(({ stage }) => stage)).toEqual(['virtual', 'report'])
    expect(forced.bundle?.name).toBe('faults/tiny-plugin')
  })

  it('train, build, publish and report: a part of it', async () => {
    const plugin = await writeTinyPlugin(commands.place)
    const trained = json<RunOutput>((await commands.ctss('train', plugin, '--json')).out)
    const built = json<RunOutput>((await commands.ctss('build', plugin, '--json')).out)
    const unpublished = json<RunOutput>((await commands.ctss('publish', plugin, '--json')).out)
    const reported = json<RunOutput>((await commands.ctss('report', plugin, '--json')).out)

    expect(trained.stages.map(({ stage, outcome }) => `${stage} ${outcome}`)).toContain('build skipped')
    expect(built.stages.find(({ stage }) => stage === 'build')).toMatchObject({ outcome: 'passed', ran: true })
    expect(unpublished.stages.find(({ stage }) => stage === 'publish')?.outcome).toBe('skipped')
    expect(await readFile(reported.report?.markdown ?? '', 'utf8')).toContain('faults/tiny-plugin')
  })

  it('train: in an image that is named, not built', async () => {
    const command = `[sh, -c, "echo 42 > /opt/ml/model/weights.txt; echo '{\\"schema\\": \\"ctss.result/v1\\", \\"metrics\\": {}}' > /opt/ml/output/result.json"]`
    const plugin = await writeTinyPlugin(commands.place, {
      'ctss.yaml': `training:\n  image: debian:bookworm-slim\n  command: ${command}\nmodel: {path: model, from: train}\n`,
    })
    const trained = json<RunOutput>((await commands.ctss('train', plugin, '--json')).out)
    const again = json<RunOutput>((await commands.ctss('train', plugin, '--json')).out)

    expect(trained.stages.find(({ stage }) => stage === 'train')).toMatchObject({ outcome: 'passed', ran: true })
    expect(again.stages.filter(({ ran }) => ran)).toEqual([])
  })

  it('train: says what is wrong when its Dockerfile is not there', async () => {
    const plugin = await writeTinyPlugin(commands.place, { 'train/Dockerfile': null })
    const { stages } = json<RunOutput>((await commands.ctss('train', plugin, '--json', '--keep-going')).out)

    expect(stages.find(({ stage }) => stage === 'train')?.problems.map(({ code }) => code)).toEqual(['dockerfile-missing'])
  })

  it('build: with a model that is fetched, and only with the one that was meant', async () => {
    const digest = listingDigest([{ path: 'weights.txt', digest: digestOf('42\n') }]).slice('sha256:'.length)
    const pipeline = (sha256: string): string => `model: {path: model, uri: weights, sha256: "${sha256}"}\n`
    const files = { 'weights/weights.txt': '42\n', 'train/Dockerfile': null, 'train/train.sh': null }
    const built = json<RunOutput>(
      (await commands.ctss('build', await writeTinyPlugin(commands.place, { ...files, 'ctss.yaml': pipeline(digest) }), '--json')).out,
    )
    const other = json<RunOutput>(
      (await commands.ctss('build', await writeTinyPlugin(commands.place, { ...files, 'ctss.yaml': pipeline('0'.repeat(64)) }), '--json')).out,
    )

    expect(built.stages.find(({ stage }) => stage === 'build')?.outcome).toBe('passed')
    expect(other.stages.find(({ stage }) => stage === 'build')).toMatchObject({ outcome: 'failed', problems: [{ message: expect.stringContaining(digest) }] })
  })

  it('validate: for a person and for an editor', async () => {
    const plugin = await writeTinyPlugin(commands.place, { 'sage.yaml': 'name: Bad Name\n' })
    const told = await commands.ctss('validate', plugin)

    expect(told.code).toBe(1)
    expect(told.out).toMatch(/sage\.yaml:1:7: error: .*\n[^]*not valid: \d+ errors/)
    expect(
      json<{ manifests: { problems: unknown[] }[] }>((await commands.ctss('validate', plugin, '--json')).out).manifests[0]?.problems.length,
    ).toBeGreaterThan(1)
    expect((await commands.ctss('validate', plugin, '--quiet')).out).toBe('')
  })

  it('reads a Git URL', async () => {
    const plugin = await writeTinyPlugin(commands.place)
    await commands.place.git(plugin, 'init', '--quiet')
    await commands.place.commit(plugin)

    expect((await commands.ctss('validate', `file://${plugin}`)).out).toContain('valid: 0 errors')
    expect((await commands.ctss('validate', `file://${commands.place.folder}/nowhere`)).code).toBe(2)
  })

  it('up and doctor: find everything there', async () => {
    expect((await commands.ctss('up')).out).toMatch(/^Ready: Docker Engine/)
    expect((await commands.ctss('up', '--quiet')).out).toBe('')
    const doctor = await commands.ctss('doctor')
    expect(doctor.out).toContain('✔')
    expect(json<{ findings: { ok: boolean }[] }>((await commands.ctss('doctor', '--json')).out).findings.length).toBeGreaterThan(4)
  })
})
