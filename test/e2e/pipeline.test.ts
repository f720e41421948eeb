import { execFileSync } from 'node:child_process'
import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunOutput } from '../../schemas/generated/types.ts'
import { tracesOf } from '../support/ctss-child.ts'
import { Workplace } from '../support/ctss-process.ts'

const ran = ({ stages }: RunOutput): string[] => stages.filter((stage) => stage.ran).map(({ stage }) => stage)
const outcomes = ({ stages }: RunOutput): Record<string, string> => Object.fromEntries(stages.map(({ stage, outcome }) => [stage, outcome]))
const problems = ({ stages }: RunOutput, code: string): string[] =>
  stages
    .flatMap((stage) => stage.problems)
    .filter((problem) => problem.code === code)
    .map(({ message, suggestion }) => `${message} ${suggestion}`)

/** One plugin taken through its life; each test goes on from the one before. */
describe('the pipeline on the example plugin', () => {
  let place: Workplace
  let plugin = ''
  let first: RunOutput
  const edit = async (file: string, change: (text: string) => string): Promise<void> => place.edit(join(plugin, file), change)

  beforeAll(async () => {
    place = await Workplace.make()
    plugin = await place.copyExample()
  })
  afterAll(async () => place[Symbol.asyncDispose]())

  it('goes through every stage, for three architectures', async () => {
    const output = await place.run(plugin)
    first = output

    expect(outcomes(output)).toEqual({
      validate: 'passed',
      train: 'passed',
      build: 'passed',
      virtual: 'passed',
      node: 'skipped',
      publish: 'passed',
      report: 'passed',
    })
    expect(ran(output)).toEqual(['validate', 'train', 'build', 'virtual', 'publish', 'report'])
    expect(output.status).toBe(0)
    expect(output.bundle).toMatchObject({ name: `${place.namespace}/smoke-detector`, version: '0.1.0' })
    const report = await readFile(output.report?.markdown ?? '', 'utf8')
    expect(report.length).toBeLessThanOrEqual(65_536)
    for (const platform of ['linux/amd64', 'linux/arm64', 'linux/arm/v7']) expect(report).toContain(platform)
    expect(report).toContain(output.bundle?.digest.slice(0, 19))
  })

  it('published an OCI index of three platforms that docker pulls by digest', async () => {
    const reference = `127.0.0.1:5055/${place.namespace}/smoke-detector@${first.bundle?.index}`
    const answer = await fetch(`http://127.0.0.1:5055/v2/${place.namespace}/smoke-detector/manifests/${first.bundle?.index}`, {
      headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    })
    const index = (await answer.json()) as { mediaType: string; manifests: { platform: { architecture: string; variant?: string } }[] }

    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
    expect(index.manifests.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64', 'arm'])
    expect(execFileSync('docker', ['pull', '--quiet', reference], { encoding: 'utf8' })).toContain('sha256:')
    execFileSync('docker', ['image', 'rm', reference])
  })

  it('runs nothing when nothing has changed, or only README.md', async () => {
    expect(ran(await place.run(plugin))).toEqual([])

    await appendFile(join(plugin, 'README.md'), '\nOne more line.\n')
    const again = await place.run(plugin)
    expect(ran(again)).toEqual([])
    expect(again.bundle).toEqual(first.bundle)
  })

  it('decides a changed gate anew without running anything', async () => {
    await edit('ctss.yaml', (text) => text.replace('metric: accuracy, min: 0.90', 'metric: accuracy, min: 1.01'))
    const stopped = await place.run(plugin)

    expect(ran(stopped)).toEqual([])
    expect(stopped.status).toBe(1)
    expect(outcomes(stopped)).toMatchObject({ train: 'failed', publish: 'skipped' })
    expect(problems(stopped, 'gate-failed').join()).toMatch(/accuracy is 0\.9\d*, and has to be at least 1\.01/)
    expect(await readFile(stopped.report?.markdown ?? '', 'utf8')).toContain('1.01')

    await edit('ctss.yaml', (text) => text.replace('min: 1.01', 'min: 0.90'))
    const passed = await place.run(plugin)
    expect(ran(passed)).toEqual([])
    expect(passed.status).toBe(0)
  })

  it('builds, tests and publishes a changed program as a new candidate, without training', async () => {
    await appendFile(join(plugin, 'app/main.py'), '\n# one more line\n')
    const output = await place.run(plugin)

    expect(ran(output)).toEqual(['build', 'virtual', 'publish', 'report'])
    expect(output.status).toBe(0)
    expect(output.bundle?.digest).not.toBe(first.bundle?.digest)
  })

  it('releases a tagged commit once, and the same again changes nothing', async () => {
    await place.commit(plugin)
    await place.git(plugin, 'tag', 'v0.1.0')
    const released = await place.run(plugin)
    const again = await place.run(plugin, '--force=publish')

    expect(ran(released)).toEqual(['publish', 'report'])
    expect(released.status).toBe(0)
    expect(again.bundle).toEqual(released.bundle)
    expect(again.status).toBe(0)
  })

  it('refuses other content under the same version, and shows both digests', async () => {
    await appendFile(join(plugin, 'app/main.py'), '\n# and another\n')
    const refused = await place.run(plugin, '--release')

    expect(refused.status).toBe(1)
    expect(outcomes(refused)['publish']).toBe('failed')
    expect(problems(refused, 'version-taken').join()).toMatch(/sha256:[0-9a-f]{64}.*sha256:[0-9a-f]{64}/s)
    expect(refused.bundle).toBeNull()
  })

  it('stops a model that was trained on shuffled labels at its gate', async () => {
    await edit('train/train.py', (text) =>
      text.replace('data["train"].pictures, data["train"].labels\n', 'data["train"].pictures, np.random.default_rng(0).permutation(data["train"].labels)\n'),
    )
    await edit('ctss.yaml', (text) => text.replace('epochs: 12', 'epochs: 2'))
    const output = await place.run(plugin)

    expect(ran(output)).toEqual(['validate', 'train', 'report'])
    expect(output.status).toBe(1)
    expect(outcomes(output)).toMatchObject({ train: 'failed', build: 'skipped', publish: 'skipped' })
    expect(problems(output, 'gate-failed').join()).toContain('accuracy')
  })

  it('leaves no container, network, work folder or process behind', async () => {
    expect(await tracesOf(place, place.processes)).toEqual([])
  })

  it('reports a folder that is gone as a failure, not a bug', async () => {
    await rm(plugin, { recursive: true })

    expect((await place.ctss('run', plugin)).status).toBe(2)
  })
})
