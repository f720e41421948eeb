import { describe, expect, it } from 'vitest'
import { overlayTree } from '../../../../cli/overlay-tree.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const FILES = { 'a/run.sh': { program: 'old' }, 'b.txt': 'kept', link: { link: 'a/run.sh' } }

describe('a tree with other texts', () => {
  it('is what it would be if they were written', async () => {
    const overlay = await overlayTree(memoryTree(FILES), new Map([['a/run.sh', Buffer.from('new')], ['c.txt', Buffer.from('more')]])) // prettier-ignore
    const written = memoryTree({ ...FILES, 'a/run.sh': { program: 'new' }, 'c.txt': 'more' })

    expect(await overlay.entries()).toEqual(await written.entries())
    expect(await overlay.digest()).toBe(await written.digest())
    for (const path of ['a/run.sh', 'b.txt', 'c.txt', 'link', './a/../b.txt', 'gone'])
      expect(await overlay.read(path, 100)).toEqual(await written.read(path, 100))
    expect((await overlay.read('a/run.sh', 1))?.toString()).toBe('ne')
  })

  it('says of itself what the tree below says', async () => {
    const tree = memoryTree(FILES)
    const overlay = await overlayTree(tree, new Map())

    expect(await overlay.subject()).toEqual(await tree.subject())
    await expect(overlay.materialise([], '/nowhere')).resolves.toBeUndefined()
  })
})
