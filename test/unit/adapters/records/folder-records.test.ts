import { mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderRecords } from '../../../../adapters/records/folder-records.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { describeRecordsContract } from '../../../contract/records.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { makeRecord } from '../../../support/records.ts'

const KEY = digestOf('key of build')
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describeRecordsContract('a folder', async () => folderRecords(join(folder, 'records')))
describeRecordsContract('memory', async () => memoryRecords())

describe('a folder of records', () => {
  const fileOf = () => join(folder, `${KEY.slice(7)}.json`)
  const open = () => {
    const told: string[] = []
    return { told, records: folderRecords(folder, { onCorrupt: (message) => void told.push(message) }) }
  }

  it.each([
    ['cut off', '{"schema":"ctss.stage-rec'],
    ['empty', ''],
    ['not JSON', '\0\0\0\0'],
    ['foreign JSON', '{"hello":"world"}'],
    ['a list', '[]'],
    ['of a later schema', JSON.stringify({ ...makeRecord('build'), schema: 'ctss.stage-record/v2' })],
    ['with keys of its own', JSON.stringify({ ...makeRecord('build'), extra: true })],
    ['with a key named __proto__', JSON.stringify(makeRecord('build')).replace('{', '{"__proto__":{"outcome":"passed"},')],
    ['of another key', JSON.stringify(makeRecord('build', { key: digestOf('other') }))],
  ])('sets aside a file that is %s, says so, and keeps working', async (_, text) => {
    const { told, records } = open()
    await writeFile(fileOf(), text)
    expect(await records.find(KEY)).toBeUndefined()
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(`${fileOf()}.corrupt`)
    expect(await readFile(`${fileOf()}.corrupt`, 'utf8')).toBe(text)
    expect(await records.find(KEY)).toBeUndefined()
    expect(told).toHaveLength(1)
    await records.put(makeRecord('build'))
    expect(await records.find(KEY)).toStrictEqual(makeRecord('build'))
  })

  it('sets aside a folder or a link in the place of a record', async () => {
    const { told, records } = open()
    await mkdir(fileOf())
    expect(await records.find(KEY)).toBeUndefined()
    await writeFile(join(folder, 'elsewhere'), JSON.stringify(makeRecord('build')))
    await rm(`${fileOf()}.corrupt`, { recursive: true })
    await symlink('elsewhere', fileOf())
    expect(await records.find(KEY)).toBeUndefined()
    expect(told).toHaveLength(2)
  })

  it('keeps distrusting a file that it cannot move', async () => {
    const { told, records } = open()
    await mkdir(`${fileOf()}.corrupt/x`, { recursive: true })
    await writeFile(fileOf(), 'x')
    expect(await records.find(KEY)).toBeUndefined()
    expect(told[0]).toContain(fileOf())
    await writeFile(fileOf(), 'x')
    expect(await folderRecords(folder).find(KEY)).toBeUndefined()
  })

  it('does not read a file without end', async () => {
    const { told, records } = open()
    await writeFile(fileOf(), '')
    await truncate(fileOf(), 2 ** 31)
    expect(await records.find(KEY)).toBeUndefined()
    expect(told[0]).toContain('2147483648 bytes long')
  })

  it('leaves no temporary file, and sweeps those of processes that were killed', async () => {
    const dead = '.x.json.4194000.00000000-0000-0000-0000-000000000000.tmp'
    const alive = `.x.json.${process.pid}.00000000-0000-0000-0000-000000000000.tmp`
    const others = '.x.json.1.00000000-0000-0000-0000-000000000000.tmp'
    for (const name of [dead, alive, others]) await writeFile(join(folder, name), 'half a rec')
    await folderRecords(folder).put(makeRecord('build'))
    expect((await readdir(folder)).toSorted()).toStrictEqual([alive, others, `${KEY.slice(7)}.json`].toSorted())
  })

  it('fails with storage-unavailable where the folder cannot be used', async () => {
    await writeFile(join(folder, 'file'), '')
    const records = folderRecords(join(folder, 'file'))
    await expect(records.put(makeRecord('build'))).rejects.toMatchObject({ name: 'Failure', code: 'storage-unavailable' })
    expect(await records.find(KEY)).toBeUndefined()
  })

  it('fails with storage-unavailable where the folder cannot be read', async () => {
    await symlink('round', join(folder, 'round'))
    await expect(folderRecords(join(folder, 'round')).find(KEY)).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('refuses a key that is no digest, which might be a path', async () => {
    await expect(folderRecords(folder).find('../../etc/passwd' as never)).rejects.toThrow(TypeError)
  })
})
