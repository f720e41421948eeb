import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parsePlan, readPlan } from '../../../actions/plan-file.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { makeRecord } from '../../support/stage-record.ts'

let parent = ''
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

async function put(path: string, text: string): Promise<string> {
  const file = join(parent, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

const PLAN = makeRunPlan()
const text = (name: string): string => JSON.stringify({ ...PLAN, name })

describe('the plan of a run', () => {
  it('is that of the artifact of the plan, else that of this job; another artifact has none', async () => {
    await put('records/ctss-plan/plan.json', text('b'))
    await put('records/ctss-train/plan.json', text('forged'))
    await put('records/ctss-a/record.json', '{}')
    await put('out/plan/plan.json', text('own'))
    await put('records/file', '')

    expect((await readPlan([join(parent, 'records'), join(parent, 'out')]))?.name).toBe('b')
    expect((await readPlan([join(parent, 'nowhere'), join(parent, 'out')]))?.name).toBe('own')
    expect(await readPlan([join(parent, 'records/ctss-a'), join(parent, 'records/file')])).toBeUndefined()
  })

  it('may lie in a parent itself, where only one artifact was downloaded', async () => {
    await put('records/plan.json', text('single'))

    expect((await readPlan([join(parent, 'records')]))?.name).toBe('single')
  })

  it('is no link, and no folder', async () => {
    const file = await put('elsewhere.json', text('elsewhere'))
    await mkdir(join(parent, 'records/ctss-plan/plan.json'), { recursive: true })
    await mkdir(join(parent, 'records/plan'))
    await symlink(file, join(parent, 'records/plan/plan.json'))

    expect(await readPlan([join(parent, 'records')])).toBeUndefined()
  })

  it('is refused where it is larger than any', async () => {
    await truncate(await put('records/ctss-plan/plan.json', text('large')), 64 * 2 ** 20 + 1)

    await expect(readPlan([join(parent, 'records')])).rejects.toMatchObject({ code: 'storage-corrupt' })
  })
})

describe('a plan that is read', () => {
  it('is what was written', () => {
    const plan = makeRunPlan({ stages: [{ stage: 'train', kind: 'reuse', reason: 'unchanged', record: makeRecord('train') }], parts: [makeRecord('build')] })

    expect(parsePlan('it', JSON.stringify(plan))).toEqual(plan)
  })

  it.each([
    ['no JSON', '{"schema"', 'it is not JSON'],
    ['nothing', '', 'it is not JSON'],
    ['a list', '[]', 'must be object'],
    ['another version', JSON.stringify({ ...PLAN, schema: 'ctss.run-plan/v2' }), '/schema must be equal to constant'],
    ['something else besides', JSON.stringify({ ...PLAN, extra: 1 }), 'must NOT have additional properties'],
    ['another trust', JSON.stringify({ ...PLAN, trust: 'full' }), '/trust must be equal to one of the allowed values'],
    [
      'a runner without labels',
      JSON.stringify({ ...PLAN, platforms: [{ platform: 'linux/amd64', runner: [], emulated: false, build: true }] }),
      '/platforms/0/runner must NOT have fewer than 1 items',
    ],
    [
      'a platform that is a path',
      JSON.stringify({ ...PLAN, platforms: [{ platform: '../etc', runner: ['x'], emulated: false, build: true }] }),
      '/platforms/0/platform must match pattern',
    ],
    [
      'a record that is none',
      JSON.stringify({ ...PLAN, stages: [{ stage: 'train', kind: 'reuse', reason: '', record: { ...makeRecord('train'), key: 'sha256:1' } }] }),
      'a record in it: /key must match pattern',
    ],
    ['a part that is none', JSON.stringify({ ...PLAN, parts: [{ ...makeRecord('build'), files: 'none' }] }), 'a record in it: /files must be array'],
  ])('cannot be %s', (_, content, why) => {
    expect(() => parsePlan('it', content)).toThrow(
      expect.objectContaining({ code: 'storage-corrupt', message: expect.stringContaining(`it is not a plan of this version: ${why}`) }),
    )
  })
})
