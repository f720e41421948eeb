import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { copyCheckpoints } from '../../../../adapters/docker-trainer/checkpoint-files.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-checkpoints-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = async (path: string, content: string, mode = 0o600): Promise<void> => {
  await mkdir(dirname(join(folder, 'from', path)), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'from', path), content, { mode })
}
const modeOf = async (path: string): Promise<number> => (await stat(join(folder, 'to', path))).mode & 0o777

it('checkpoints are copied so that anybody can change them, and the others stay as they are', async () => {
  await write('last', 'one')
  await write('epochs/3/weights', 'two')
  await write('epochs/4/weights', 'not asked for')
  await copyCheckpoints(join(folder, 'from'), join(folder, 'to'), ['last', 'epochs/3/weights'])

  expect(await readFile(join(folder, 'to', 'last'), 'utf8')).toBe('one')
  expect(await readFile(join(folder, 'to', 'epochs/3/weights'), 'utf8')).toBe('two')
  await expect(stat(join(folder, 'to', 'epochs/4'))).rejects.toThrow(/ENOENT/)
  expect(await Promise.all(['last', 'epochs', 'epochs/3', 'epochs/3/weights'].map(modeOf))).toEqual([0o666, 0o777, 0o777, 0o666])
  await writeFile(join(folder, 'to', 'last'), 'changed')
  expect(await readFile(join(folder, 'from', 'last'), 'utf8')).toBe('one')
})

it('nothing to copy is an empty folder', async () => {
  await copyCheckpoints(join(folder, 'from'), join(folder, 'to'), [])

  expect((await stat(join(folder, 'to'))).isDirectory()).toBe(true)
})

it('a file that is not there any more is a failure of the storage', async () => {
  await expect(copyCheckpoints(join(folder, 'from'), join(folder, 'to'), ['gone'])).rejects.toMatchObject({ code: 'storage-unavailable' })
})
