import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readStageFolders } from '../../../../adapters/stage-folder/read-stage-folders.ts'
import { writeStageFolder } from '../../../../adapters/stage-folder/write-stage-folder.ts'
import { digestOf, type Digest } from '../../../../pipeline/digest.ts'
import type { StageRecord } from '../../../../schemas/generated/types.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { makeRecord, makeTrainDetails } from '../../../support/records.ts'

let parent = ''
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const LOG = Buffer.from('a log')
const MODEL = Buffer.from('weights')
const hexOf = (content: Buffer) => digestOf(content).slice('sha256:'.length)

/** A record of a training that names a log and a model. */
function trained(changes: Partial<StageRecord> = {}): StageRecord {
  const model = { digest: digestOf('listing'), files: [{ path: 'model.onnx', digest: digestOf(MODEL), bytes: MODEL.length }] }
  const files = [{ role: 'log', digest: digestOf(LOG), bytes: LOG.length, mediaType: 'text/plain' }]
  return makeRecord('train', { details: makeTrainDetails({ model }), files, ...changes })
}

async function store(...contents: readonly Buffer[]) {
  const map = new Map<Digest, Buffer>()
  for (const content of contents) await memoryBlobs(map).put(content)
  return { map, blobs: memoryBlobs(map) }
}

const write = async (name: string, record = trained()) => writeStageFolder(join(parent, name), record, (await store(LOG, MODEL)).blobs)
const read = async () => {
  const { map, blobs } = await store()
  return { map, found: await readStageFolders(parent, blobs) }
}

describe('a stage folder', () => {
  it('takes a record and its files from one job to another', async () => {
    expect(await write('ctss-train')).toEqual({ file: join(parent, 'ctss-train/record.json'), leftOut: [] })
    expect((await readdir(join(parent, 'ctss-train'), { recursive: true })).toSorted()).toEqual(
      ['blobs', `blobs/${hexOf(LOG)}`, `blobs/${hexOf(MODEL)}`, 'record.json'].toSorted(),
    )
    const { map, found } = await read()
    expect(found).toEqual([
      { kind: 'record', folder: join(parent, 'ctss-train'), record: trained(), about: { commit: trained().subject.commit, tree: trained().subject.tree } },
    ])
    expect([...map.values()].map(String).toSorted()).toEqual(['a log', 'weights'])
  })

  it('names what does not travel with it: what is too large, and what is not there', async () => {
    const record = trained()
    const { blobs } = await store(LOG)
    const { leftOut } = await writeStageFolder(join(parent, 'a'), record, blobs, { limitBytes: 6 })
    expect(leftOut).toEqual([{ digest: digestOf(MODEL), bytes: 7, reason: 'too-large' }])
    const all = await writeStageFolder(join(parent, 'a'), record, blobs, { limitBytes: 4 })
    expect(all.leftOut.map(({ reason }) => reason)).toEqual(['too-large', 'too-large'])
    expect((await writeStageFolder(join(parent, 'a'), record, blobs)).leftOut).toEqual([{ digest: digestOf(MODEL), bytes: 7, reason: 'missing' }])
    const { map, found } = await read()
    expect(found).toMatchObject([{ kind: 'record' }])
    expect([...map.values()].map(String)).toEqual(['a log'])
  })

  it('holds nothing of the record that lay there before, and leaves the image', async () => {
    await write('a')
    await mkdir(join(parent, 'a/image'))
    await write('a', makeRecord('validate'))
    expect((await readdir(join(parent, 'a'))).toSorted()).toEqual(['image', 'record.json'])
    expect((await read()).found).toMatchObject([{ kind: 'record', record: { stage: 'validate' }, imageFolder: join(parent, 'a/image') }])
  })

  it('tells for which state an earlier run’s record is handed on, and is broken where it does not', async () => {
    const { blobs } = await store()
    const { subject } = makeRecord('virtual')
    const reusedFor = { commit: 'e'.repeat(40), tree: subject.tree }
    await writeStageFolder(join(parent, 'a'), makeRecord('virtual'), blobs, { reusedFor })
    await writeStageFolder(join(parent, 'b'), makeRecord('virtual'), blobs, { reusedFor: { commit: null, tree: 'sha256:0' } })
    expect((await read()).found).toMatchObject([
      { record: { subject }, about: reusedFor },
      { record: { subject }, about: { commit: null, tree: 'sha256:0' } },
    ])
    await writeStageFolder(join(parent, 'a'), makeRecord('virtual'), blobs)
    await writeFile(join(parent, 'b/reused-for.json'), '{"commit":"main"}')
    expect((await read()).found).toMatchObject([
      { about: { commit: subject.commit, tree: subject.tree } },
      { kind: 'broken', reason: 'reused-for.json does not say what it is about' },
    ])
  })

  it('is read from each folder, in the order of names, and from the parent itself', async () => {
    for (const name of ['ctss-validate', 'ctss-build-linux-arm64', 'ctss-train']) await write(name)
    await writeStageFolder(parent, makeRecord('virtual'), (await store()).blobs)
    expect((await read()).found.map(({ folder }) => folder)).toEqual([
      parent,
      ...['ctss-build-linux-arm64', 'ctss-train', 'ctss-validate'].map((name) => join(parent, name)),
    ])
  })

  it('is none without a record: a plan, a file, an empty folder, a parent that is not there', async () => {
    await mkdir(join(parent, 'ctss-plan'))
    await writeFile(join(parent, 'ctss-plan/plan.json'), '{}')
    await mkdir(join(parent, 'empty'))
    await writeFile(join(parent, 'file'), 'x')
    expect((await read()).found).toEqual([])
    expect(await readStageFolders(join(parent, 'file'), memoryBlobs())).toEqual([])
    expect(await readStageFolders(join(parent, 'nowhere/at/all'), memoryBlobs())).toEqual([])
  })

  it('may hold what its record does not name, which is not looked at', async () => {
    await write('a')
    await writeFile(join(parent, 'a/blobs', 'f'.repeat(64)), 'not named')
    await symlink('/etc/passwd', join(parent, 'a/blobs/passwd'))
    await writeFile(join(parent, 'a/other.txt'), 'x')
    const { map, found } = await read()
    expect(found).toMatchObject([{ kind: 'record' }])
    expect(map.size).toBe(2)
  })

  it('that cannot be written is a failure of the disk', async () => {
    await writeFile(join(parent, 'file'), 'x')
    await expect(writeStageFolder(join(parent, 'file/below'), makeRecord('validate'), memoryBlobs())).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

describe('a stage folder that somebody tampered with', () => {
  const at = (path: string) => join(parent, 'a', path)
  const log = () => at(`blobs/${hexOf(LOG)}`)

  it.each<[string, () => Promise<unknown>, string | RegExp]>([
    ['a record that was cut off', async () => truncate(at('record.json'), 100), /^record.json is not JSON/],
    ['a record of another schema', async () => writeFile(at('record.json'), '{"schema":"ctss.stage-record/v9"}'), /not a stage record of this version/],
    ['a record with a key that it has not', async () => writeFile(at('record.json'), JSON.stringify({ ...trained(), extra: 1 })), /not a stage record/],
    ['a record that is a list', async () => writeFile(at('record.json'), '[]'), /not a stage record/],
    ['a record that is empty', async () => writeFile(at('record.json'), ''), /not JSON/],
    ['a record without end', async () => truncate(at('record.json'), 64 * 2 ** 20 + 1), 'record.json is longer than 64 MiB'],
    ['a record that is a link', async () => replace('record.json', '/etc/passwd'), 'record.json is not a regular file'],
    ['a record that is a folder', async () => rm(at('record.json')).then(() => mkdir(at('record.json'))), 'record.json is not a regular file'],
    ['a record that is a pipe', async () => rm(at('record.json')).then(() => execFileSync('mkfifo', [at('record.json')])), 'record.json is not a regular file'],
    ['a file with another content', async () => writeFile(log(), 'A LOG'), /^the file .* has another content/],
    [
      'a file that is longer than it says',
      async () => writeFile(log(), 'a log and more'),
      'the file ' + digestOf(LOG) + ' is 14 bytes long, and its record says 5',
    ],
    ['a file that is shorter than it says', async () => truncate(log(), 1), /is 1 bytes long/],
    ['a file that is a link', async () => replace(`blobs/${hexOf(LOG)}`, '/etc/passwd'), /is not a regular one/],
    ['a file that is a folder', async () => rm(log()).then(() => mkdir(log())), /is not a regular one/],
    ['a file that is a pipe', async () => rm(log()).then(() => execFileSync('mkfifo', [log()])), /is not a regular one/],
    ['files elsewhere', async () => rm(at('blobs'), { recursive: true }).then(() => symlink('/etc', at('blobs'))), 'blobs is not a folder'],
  ])('is broken by %s, and the others are read all the same', async (_, tamper, reason) => {
    await write('a')
    await write('b')
    await tamper()
    const { found } = await read()
    expect(found).toEqual([
      { kind: 'broken', folder: join(parent, 'a'), reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
      expect.objectContaining({ kind: 'record', folder: join(parent, 'b') }),
    ])
  })

  const replace = async (path: string, target: string): Promise<void> => rm(at(path)).then(() => symlink(target, at(path)))

  it('is broken when it is a link itself', async () => {
    await write('b')
    await symlink(join(parent, 'b'), join(parent, 'a'))
    expect((await read()).found).toEqual([
      { kind: 'broken', folder: join(parent, 'a'), reason: 'it is a link' },
      expect.objectContaining({ kind: 'record', folder: join(parent, 'b') }),
    ])
  })

  it('has no image where a link stands for it', async () => {
    await write('a')
    await symlink('/etc', at('image'))
    const [found] = (await read()).found
    expect(found).toMatchObject({ kind: 'record' })
    expect(found).not.toHaveProperty('imageFolder')
  })

  it('is read among 500 others at most, and the rest is told', async () => {
    await Promise.all(Array.from({ length: 501 }, (_, index) => mkdir(join(parent, `x${index}`))))
    expect((await read()).found).toEqual([{ kind: 'broken', folder: parent, reason: 'it holds more than 500 folders, and the others were not read' }])
  })

  it('never makes a link leave the folder: nothing of it is stored', async () => {
    await write('a')
    await replace(`blobs/${hexOf(LOG)}`, '/etc/passwd')
    const { map } = await read()
    expect([...map.values()].map(String).join()).not.toContain(await readFile('/etc/passwd', 'utf8'))
  })
})
