import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRunnerBuilder, ownBuilderName, readInspection, removeBuilder, requireBuildx } from '../../../../adapters/runner/runner-builder.ts'
import type { Progress } from '../../../../pipeline/ports/progress.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const RUN = 'aaaaaaaa-bbbbbbbb-7-9-cccccc'
const OWN = `ctss-${RUN}`
const VERSION = 'github.com/docker/buildx v0.20.1 245093b99a2d4c9dd5db0e6bbb3ee0c7d4a8cd42'

/** What `docker buildx inspect` prints, shortened. */
const inspection = (driver: string, status = 'running', platforms = 'linux/amd64*, linux/amd64/v2, linux/386') =>
  `Name:          x\nDriver:        ${driver}\n\nNodes:\nName:             x0\nEndpoint:         unix:///var/run/docker.sock\nStatus:           ${status}\nPlatforms:        ${platforms}\nLabels:\n org.mobyproject.buildkit.worker.executor: oci\n`

/** A docker client that answers like this, by the beginning of its arguments, and what it was called with. */
async function fakeDocker(answers: Readonly<Record<string, string | { readonly fails: string }>>) {
  const cases = await Promise.all(
    Object.entries(answers).map(async ([args, answer], index) => {
      const file = join(folder, `answer-${index}`)
      await writeFile(file, typeof answer === 'string' ? answer : answer.fails)
      return `"${args}"*) ${typeof answer === 'string' ? `cat ${file}; exit 0` : `cat ${file} >&2; exit 1`} ;;`
    }),
  )
  const log = join(folder, 'calls')
  await writeFile(log, '')
  await writeFile(join(folder, 'docker'), `#!/bin/sh\necho "$*" >> ${log}\ncase "$*" in\n${cases.join('\n')}\nesac\nexit 1\n`)
  await chmod(join(folder, 'docker'), 0o755)
  const lines: string[] = []
  const progress: Progress = { step: (line) => void lines.push(`step: ${line}`), output: (line) => void lines.push(line) }
  return { env: { PATH: `${folder}:${process.env['PATH']}` }, progress, lines, calls: async () => (await readFile(log, 'utf8')).trim().split('\n') }
}

describe('buildx on a runner', () => {
  it.each([
    VERSION,
    'github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3',
    'github.com/docker/buildx v1.0.0 x',
    'github.com/docker/buildx v0.0.0+unknown',
    'a development build',
  ])('is new enough: %s', async (version) => {
    const { env } = await fakeDocker({ 'buildx version': version })
    await expect(requireBuildx({ env })).resolves.toBeUndefined()
  })

  it('is too old, and the failure tells the version found, the version needed and what to do', async () => {
    const { env } = await fakeDocker({ 'buildx version': 'github.com/docker/buildx v0.12.1 30feaa1' })
    await expect(requireBuildx({ env })).rejects.toMatchObject({
      code: 'missing-tool',
      message: 'docker buildx 0.12 of this runner is too old; 0.13 or newer is needed',
      suggestion: expect.stringContaining('docker/setup-buildx-action'),
    })
  })

  it('is missing, or docker is', async () => {
    const { env } = await fakeDocker({ 'buildx version': { fails: "docker: 'buildx' is not a docker command." } })
    await expect(requireBuildx({ env })).rejects.toMatchObject({ code: 'missing-tool', message: expect.stringContaining('has no buildx') })
    await expect(requireBuildx({ env: { PATH: join(folder, 'nowhere') } })).rejects.toMatchObject({ code: 'missing-tool' })
  })
})

describe('the builder of a job', () => {
  const none = { fails: 'ERROR: no builder found' }

  it.each([
    ['remote', 'buildkit-remote'],
    ['docker-container', 'buildkit-container'],
  ])('is the one that `ctss up` keeps, as it is: %s', async (driver, kind) => {
    const { env, progress, lines, calls } = await fakeDocker({ 'buildx version': VERSION, 'buildx inspect ctss': inspection(driver) })
    expect(await openRunnerBuilder(RUN, progress, { env })).toEqual({
      kind,
      name: 'ctss',
      platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/386'],
      isOwn: false,
    })
    expect(await calls()).toEqual(['buildx version', 'buildx inspect ctss'])
    expect(lines).toEqual([])
  })

  it('is one of its own in a container, on the network of the machine, where there is none that runs', async () => {
    const { env, progress, calls } = await fakeDocker({
      'buildx version': VERSION,
      [`buildx inspect ${OWN}`]: inspection('docker-container', 'running', 'linux/amd64, linux/arm64'),
      'buildx inspect ctss': inspection('docker-container', 'inactive'),
      'buildx create': OWN,
    })
    expect(await openRunnerBuilder(RUN, progress, { env })).toEqual({
      kind: 'buildkit-container',
      name: OWN,
      platforms: ['linux/amd64', 'linux/arm64'],
      isOwn: true,
    })
    expect(OWN).toBe(ownBuilderName(RUN))
    expect((await calls())[2]).toBe(`buildx create --name ${OWN} --driver docker-container --driver-opt network=host --bootstrap`)
  })

  it('is the engine’s where none can be made, which is said, and nothing is left of the attempt', async () => {
    const { env, progress, lines, calls } = await fakeDocker({
      'buildx version': VERSION,
      'buildx inspect default': inspection('docker'),
      'buildx inspect': none,
      'buildx create': { fails: 'ERROR: pull access denied\nfor moby/buildkit' },
      'buildx rm': '',
    })
    expect(await openRunnerBuilder(RUN, progress, { env })).toMatchObject({ kind: 'engine', name: 'default', isOwn: false })
    expect(lines).toEqual([
      'step: starting BuildKit in a container, for this job',
      'ERROR: pull access denied',
      'for moby/buildkit',
      expect.stringContaining("the engine's own builder builds instead"),
    ])
    expect(await calls()).toContain(`buildx rm --force ${OWN}`)
  })

  it('is none where the engine has none either', async () => {
    const { env, progress } = await fakeDocker({ 'buildx version': VERSION, 'buildx inspect': none, 'buildx create': none })
    await expect(openRunnerBuilder(RUN, progress, { env })).rejects.toMatchObject({ code: 'builder-unavailable' })
  })

  it('leaves nothing when the job is cancelled while it is made', async () => {
    const { env, calls } = await fakeDocker({ 'buildx version': VERSION, 'buildx inspect': none, 'buildx rm': '' })
    const controller = new AbortController()
    const progress: Progress = { step: () => controller.abort(), output: () => undefined }
    await expect(openRunnerBuilder(RUN, progress, { env, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect((await calls()).at(-1)).toBe(`buildx rm --force ${OWN}`)
  })

  it('is gone already when it is removed twice, or when docker is', async () => {
    const { env } = await fakeDocker({ 'buildx rm': { fails: 'ERROR: no builder' } })
    await removeBuilder(OWN, { env })
    await removeBuilder(OWN, { env: { PATH: join(folder, 'nowhere') } })
  })
})

describe('what `docker buildx inspect` prints', () => {
  it('is read over all nodes, each platform once', () => {
    const text = `${inspection('remote', 'inactive', 'linux/arm64')}${inspection('remote', 'running', 'linux/amd64, linux/arm64')}`
    expect(readInspection('x', text)?.platforms).toEqual(['linux/arm64', 'linux/amd64'])
  })

  it.each([
    ['of a builder that does not run', inspection('remote', 'stopped')],
    ['of a driver that is not ours to use', inspection('kubernetes')],
    ['nothing', ''],
  ])('is no builder: %s', (_, text) => {
    expect(readInspection('x', text)).toBeUndefined()
  })

  it('may tell no platforms', () => {
    expect(readInspection('x', inspection('docker', 'running', ''))?.platforms).toEqual([])
  })
})
