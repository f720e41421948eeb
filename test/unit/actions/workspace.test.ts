import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderInWorkspace } from '../../../actions/workspace.ts'

let parent = ''
beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'ctss-test-')))
  for (const folder of ['work/plugin/..app', 'temp/ctss-records', 'outside', 'workshop']) await mkdir(join(parent, folder), { recursive: true })
  await writeFile(join(parent, 'work/file'), '')
  await symlink('plugin', join(parent, 'work/inner'))
  await symlink('../outside', join(parent, 'work/outer'))
  await symlink('outer', join(parent, 'work/chain'))
  await symlink('loop', join(parent, 'work/loop'))
  await symlink(join(parent, 'work'), join(parent, 'linked'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const find = async (path: string, ...others: readonly string[]): Promise<string> => {
  const roots = [join(parent, 'work'), ...others.map((name) => join(parent, name))]
  return (await folderInWorkspace(roots, path.replace('PARENT', parent), 'path')).replace(parent, 'PARENT')
}

describe('a folder that an input names', () => {
  it.each([
    ['.', 'PARENT/work'],
    ['', 'PARENT/work'],
    ['plugin', 'PARENT/work/plugin'],
    ['plugin/', 'PARENT/work/plugin'],
    ['./plugin/../plugin', 'PARENT/work/plugin'],
    ['plugin/..app', 'PARENT/work/plugin/..app'],
    ['inner', 'PARENT/work/plugin'],
    ['../work/plugin', 'PARENT/work/plugin'],
    ['PARENT/work/plugin', 'PARENT/work/plugin'],
    ['PARENT/linked/plugin', 'PARENT/work/plugin'],
  ])('%j is %s', async (path, folder) => {
    expect(await find(path)).toBe(folder)
  })

  it.each([
    ['..', '.. leaves the workspace'],
    ['../outside', '../outside leaves the workspace'],
    ['../workshop', '../workshop leaves the workspace'],
    ['outer', 'outer leaves the workspace'],
    ['chain', 'chain leaves the workspace'],
    ['PARENT/temp/ctss-records', 'PARENT/temp/ctss-records leaves the workspace'],
    ['/', '/ leaves the workspace'],
    ['nowhere', 'there is no nowhere'],
    ['loop', 'there is no loop'],
    ['file/a', 'there is no file/a'],
    ['a\0b', 'there is no a\0b'],
  ])('%j is refused', async (path, complaint) => {
    await expect(find(path)).rejects.toMatchObject({ complaints: [`input \`path\`: ${complaint.replace('PARENT', parent)}`] })
  })

  it('may lie in another place that is allowed', async () => {
    expect(await find('PARENT/temp/ctss-records', 'temp', 'nowhere')).toBe('PARENT/temp/ctss-records')
    await expect(find('PARENT/outside', 'temp', 'nowhere')).rejects.toMatchObject({ name: 'InputError' })
  })

  it('is asked for in vain where nothing was checked out', async () => {
    const complaint = `the workspace ${parent}/nowhere is not there: check the repository out first, with actions/checkout`

    await expect(folderInWorkspace([`${parent}/nowhere`, join(parent, 'temp')], '.', 'path')).rejects.toMatchObject({ complaints: [complaint] })
    await expect(folderInWorkspace([], '.', 'path')).rejects.toMatchObject({ name: 'InputError' })
  })
})
