import { describe, expect, it } from 'vitest'
import { checkImages } from '../../../../app/api/check-images.ts'
import { readRecords } from '../../../../app/api/read-records.ts'
import { FILE_BYTES, takeRecords } from '../../../../app/api/take-records.ts'
import { MEDIA_TYPES } from '../../../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { keyOf } from '../../../../pipeline/key.ts'
import type { StageRecord } from '../../../../schemas/generated/types.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const RUN = { commit: SUBJECT.commit ?? '', plan: makeRunPlan(), trust: 'untrusted' } as const
const read = (...records: readonly unknown[]): ReturnType<typeof readRecords> => readRecords({ records }, RUN)

function part(platform: string): StageRecord {
  return makeRecord('build', {
    details: {
      kind: 'build',
      part: true,
      repository: 'registry.example.org/sage/x',
      platforms: [{ platform, outcome: 'passed', seconds: 1, steps: [], emulated: false } as never],
    },
  })
}

describe('records that a job hands over', () => {
  it('are one per stage, and one per platform of a build', () => {
    const records = [makeRecord('train'), part('linux/amd64'), part('linux/arm64'), makeRecord('build')]
    expect(read(...records)).toEqual(records)
  })

  it('take names and tags of the repository from the plan', () => {
    const [record] = read(
      makeRecord('train', { subject: { ...SUBJECT, repository: 'https://evil.example.org', branch: 'x', index: digestOf('i') } }),
    ) as StageRecord[]
    expect(record?.subject).toEqual({ ...SUBJECT, index: digestOf('i') })
  })

  it.each([
    ['no record', {}, 'records/0 is no stage record of this version'],
    ['a record with something more', { ...makeRecord('train'), more: 1 }, 'records/0 is no stage record of this version'],
    ['another commit', makeRecord('train', { subject: { ...SUBJECT, commit: 'b'.repeat(40) } }), 'records/0 is about another state of a repository'],
    ['another tree', makeRecord('train', { subject: { ...SUBJECT, tree: digestOf('other') } }), 'records/0 is about another state of a repository'],
    ['a changed tree', makeRecord('train', { subject: { ...SUBJECT, dirty: true } }), 'records/0 is about another state of a repository'],
    ['a time that is none', makeRecord('train', { ended: '9999-99-99T99:99:99Z' }), 'records/0 has a time that never was'],
    ['a day that no month has', makeRecord('train', { started: '2026-02-31T00:00:00Z' }), 'records/0 has a time that never was'],
    ['a year that no database has', makeRecord('train', { started: '0000-01-01T00:00:00Z' }), 'records/0 has a time that never was'],
    ['a stage that was skipped', makeRecord('node'), 'records/0 is of node, which was not to run'],
    ["another stage's details", makeRecord('build', { details: { kind: 'validate', manifest: null } }), 'records/0 is of build, and its details are not'],
  ])('are refused that hold %s', (_, record, detail) => {
    expect(read(record)).toBe(detail)
  })

  it('are refused that are given twice, or are too many, or of no stage of the plan', () => {
    expect(read(makeRecord('train'), makeRecord('train'))).toBe('records/1 is the second one of train')
    expect(read(part('linux/amd64'), part('linux/amd64'))).toBe('records/1 is the second one of build for linux/amd64')
    expect(read(...Array.from({ length: 65 }, () => 1))).toBe('there are more than 64 records')
    expect(readRecords({ records: [makeRecord('virtual')] }, { ...RUN, plan: makeRunPlan({ stages: [] }) })).toBe(
      'records/0 is of virtual, which is not in the plan',
    )
    expect([readRecords(undefined, RUN), readRecords({ records: {} }, RUN)]).toEqual(['the body is not {"records": […]}', 'the body is not {"records": […]}'])
  })

  it('may be of an earlier run where the run is trusted, and stay what they are', () => {
    const earlier = makeRecord('virtual', { subject: { ...SUBJECT, commit: 'b'.repeat(40), tree: digestOf('other') } })
    const dirty = makeRecord('virtual', { subject: { ...SUBJECT, dirty: true } })
    const trusted = { ...RUN, trust: 'trusted' } as const
    const readReused = (record: unknown, run: Parameters<typeof readRecords>[1]): ReturnType<typeof readRecords> =>
      readRecords({ records: [], reused: [record] }, run)
    expect(readReused(earlier, trusted)).toEqual([earlier])
    expect(readReused(earlier, RUN)).toBe('reused/0 is about another state of a repository')
    expect(readReused(dirty, trusted)).toBe('reused/0 is about another state of a repository')
    expect(readReused({ ...earlier, stage: 'node' }, trusted)).toBe('reused/0 is of node, which was not to run')
    expect(readRecords({ records: [makeRecord('virtual')], reused: [earlier] }, trusted)).toBe('reused/0 is the second one of virtual')
    expect(readRecords({ records: [], reused: {} }, trusted)).toBe('the body is not {"records": […]}')
  })

  it('may say that a stage was skipped that was not to run', () => {
    expect(read(makeRecord('node', { outcome: 'skipped' }))).toEqual([])
  })
})

describe('files of records', () => {
  const ports = (has: boolean) => ({
    state: {
      records: () => ({ find: async (key: string) => known.get(key), put: async (record: StageRecord) => void kept.push(record.stage) }),
      deliverRun: async () => undefined,
    },
    inbox: { put: async () => true },
    blobs: { has: async () => has },
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
    registry: memoryRegistry(),
    namespace: 'x/y',
  })
  let kept: string[] = []
  const known = new Map<string, StageRecord>()
  const run = { id: 'r', repository: 1, ref: 'refs/heads/main', delivered: undefined, ...RUN, trust: 'trusted' } as never
  const withFiles = (...sizes: readonly number[]): StageRecord =>
    makeRecord('train', {
      files: sizes.map((bytes, index) => ({ name: `${index}`, digest: digestOf(`${index}`), bytes, mediaType: 'application/octet-stream', role: 'model' })),
    })

  it('are asked for up to 64 MiB each, and 512 MiB together', async () => {
    const sizes = [FILE_BYTES + 1, ...Array.from({ length: 9 }, () => FILE_BYTES), 5]
    const taken = await takeRecords(run, { records: [withFiles(...sizes)] }, ports(false))
    expect(taken.kind === 'missing' && taken.files.map(({ bytes }) => bytes)).toEqual(Array.from({ length: 8 }, () => FILE_BYTES))
    expect((await takeRecords(run, { records: [withFiles(...sizes)] }, ports(true))).kind).toBe('taken')
  })

  it('are kept for later runs with what passed or failed, and whose inputs were known', async () => {
    kept = []
    const records = [
      makeRecord('validate'),
      makeRecord('train', { outcome: 'failed' }),
      makeRecord('build', { outcome: 'error' }),
      makeRecord('virtual', { outcome: 'failed', key: keyOf('virtual', null) }),
    ]
    expect((await takeRecords(run, { records }, ports(true))).kind).toBe('taken')
    expect(kept).toEqual(['validate', 'train'])
  })

  it('are kept of an earlier run where they are not known', async () => {
    const records = (['train', 'virtual'] as const).map((stage) => makeRecord(stage, { subject: { ...SUBJECT, commit: 'b'.repeat(40) } }))
    kept = []
    known.set(records[0]?.key ?? '', makeRecord('train'))
    expect((await takeRecords(run, { records: [], reused: records }, ports(true))).kind).toBe('taken')
    expect(kept).toEqual(['virtual'])
  })
})

describe('images of records', () => {
  const NAMESPACE = 'registry.example.org/sage'
  const HERE = `${NAMESPACE}/staging/counter`

  async function push() {
    const registry = memoryRegistry()
    const config = await registry.putBlob(HERE, Buffer.from('{}'))
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, digest: config, size: 2 },
      layers: [],
    })
    const image = await registry.putManifest(HERE, manifest, MEDIA_TYPES.manifest)
    const index = await registry.putManifest(
      HERE,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [{ mediaType: MEDIA_TYPES.manifest, digest: image, size: manifest.length, platform: { os: 'linux', architecture: 'amd64' } }],
      }),
      MEDIA_TYPES.index,
    )
    const asked: string[] = []
    const spied = { manifest: async (reference: string) => (asked.push(reference), registry.manifest(reference)) }
    return { ports: { registry: spied, namespace: NAMESPACE }, image, index, asked }
  }

  function built(repository: string, digest: string | undefined, index?: string): StageRecord {
    const platform = { platform: 'linux/amd64', outcome: 'passed' as const, seconds: 1, steps: [], emulated: false, ...(digest !== undefined && { digest }) }
    return makeRecord('build', {
      details: { kind: 'build', repository, platforms: [platform], ...(index !== undefined ? { index } : { part: true as const }) },
    })
  }

  it('are read again from the registry', async () => {
    const { ports, image, index } = await push()
    expect(await checkImages(built(HERE, image, index), 'registry', ports)).toBeUndefined()
    expect(await checkImages(built(HERE, image), 'registry', ports)).toBeUndefined()
    expect(await checkImages(published(`${HERE}@${index}`, index), 'registry', ports)).toBeUndefined()
    expect(await checkImages(makeRecord('virtual'), 'registry', ports)).toBeUndefined()
  })

  it('are not asked for where the build failed, or its images travel in archives', async () => {
    const { ports, asked } = await push()
    const nowhere = built(HERE, digestOf('nothing'), digestOf('nothing'))
    expect(await checkImages({ ...nowhere, outcome: 'failed' }, 'registry', ports)).toBeUndefined()
    expect(await checkImages(nowhere, 'archive', ports)).toBeUndefined()
    expect(asked).toEqual([])
  })

  it('count only when they are there', async () => {
    const { ports, image, index } = await push()
    const other = digestOf('other')
    expect(await checkImages(built(HERE, image, other), 'registry', ports)).toBe('build: the registry has no such index')
    expect(await checkImages(built(HERE, other), 'registry', ports)).toBe('build: the registry has no such image')
    expect(await checkImages(built(HERE, other, index), 'registry', ports)).toBe('build: the index does not list its platforms')
    expect(await checkImages(published(`${HERE}@${other}`, index), 'registry', ports)).toBe('publish: its reference is not its index')
    expect(await checkImages(published(`${HERE}@${index}`, index), 'archive', ports)).toBe('publish: this run may publish nothing')
  })

  it.each([
    ['another registry', 'evil.example.org/sage/x'],
    ['a look-alike', 'registry.example.org/sage-evil/x'],
    ['a way out', 'registry.example.org/sage/../x'],
    ['an address of this machine', '127.0.0.1:5432/sage/x'],
  ])('are never asked for at %s', async (_, repository) => {
    const { ports, image, index, asked } = await push()
    expect(await checkImages(built(repository, image, index), 'registry', ports)).toBe('build: the registry has no such index')
    expect(asked).toEqual([])
  })

  function published(reference: string, index: string): StageRecord {
    const details = {
      kind: 'publish' as const,
      state: 'candidate' as const,
      name: 'zelda/counter',
      version: '1.0.0',
      digest: digestOf('bundle'),
      index,
      reference,
    }
    return makeRecord('publish', { details })
  }
})
