import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderInWorkspace } from '../../../actions/workspace.ts'

let parent = ''
beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'ctss-test-')))
  for (const folder of ['checkout/plugin/..app', 'temp/ctss-records', 'outside', 'checkouts']) await mkdir(join(parent, folder), { recursive: true })
  await writeFile(join(parent, 'checkout/file'), '')
  await symlink('plugin', join(parent, 'checkout/inner'))
  await symlink('../outside', join(parent, 'checkout/outer'))
  await symlink('outer', join(parent, 'checkout/chain'))
  await symlink('loop', join(parent, 'checkout/loop'))
  await symlink(join(parent, 'checkout'), join(parent, 'linked'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const find = async (path: string, ...others: readonly string[]): Promise<string> => {
  const roots = [join(parent, 'checkout'), ...others.map((name) => join(parent, name))]
  return (await folderInWorkspace(roots, path.replace('PARENT', parent), 'path')).replace(parent, 'PARENT')
}

describe('a folder that an input names', () => {
  it.each([
    ['.', 'PARENT/checkout'],
    ['', 'PARENT/checkout'],
    ['plugin', 'PARENT/checkout/plugin'],
    ['plugin/', 'PARENT/checkout/plugin'],
    ['./plugin/../plugin', 'PARENT/checkout/plugin'],
    ['plugin/..app', 'PARENT/checkout/plugin/..app'],
    ['inner', 'PARENT/checkout/plugin'],
    ['../checkout/plugin', 'PARENT/checkout/plugin'],
    ['PARENT/checkout/plugin', 'PARENT/checkout/plugin'],
    ['PARENT/linked/plugin', 'PARENT/checkout/plugin'],
  ])('%j is %s', async (path, folder) => {
    expect(await find(path)).toBe(folder)
  })

  it.each([
    ['..', '.. leaves the workspace'],
    ['../outside', '../outside leaves the workspace'],
    ['../checkouts', '../checkouts leaves the workspace'],
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
