import { describe, expect, it } from 'vitest'
import { allowedBases } from '../../../app/allowed-bases.ts'
import { controlFinder } from '../../../app/find-control.ts'
import { digestOf } from '../../../pipeline/digest.ts'

describe('base images', () => {
  it('are asked for at registries that the operator has named, and nowhere else', async () => {
    const asked: string[] = []
    const lookUp = async (image: string) => {
      asked.push(image)
      return { digest: digestOf(image) }
    }
    const bases = allowedBases(
      ['docker.io', 'ghcr.io'],
      () => lookUp as never,
      () => 0,
    )
    const hostile = [
      '127.0.0.1:5432/x',
      'localhost/x',
      '169.254.169.254/latest/meta-data',
      'metadata.internal/x',
      'ghcr.io.evil.org/x',
      '[::1]:80/x',
      'not a reference',
    ]
    for (const image of ['debian:12', 'ghcr.io/a/b:1', ...hostile]) await bases(image)
    expect(asked).toEqual(['debian:12', 'ghcr.io/a/b:1'])
  })

  it('are asked for anew every five minutes', async () => {
    let [opened, now] = [0, 0]
    const open = () => {
      opened += 1
      return (async () => undefined) as never
    }
    const bases = allowedBases(['docker.io'], open, () => now)
    await bases('debian')
    now = 299_999
    await bases('debian')
    expect(opened).toBe(1)
    now = 300_000
    await bases('debian')
    expect(opened).toBe(2)
  })
})

describe('the control repository', () => {
  const forge = (owners: readonly string[]) => {
    let calls = 0
    return {
      calls: () => calls,
      installations: async () => {
        calls += 1
        return owners.map((owner, id) => ({ id, owner, isSuspended: false, permissions: {} }))
      },
      repositoriesOf: async (installation: number) => [{ installation, id: 202, owner: 'Sage', name: 'Control', isArchived: false, defaultBranch: 'main' }],
    }
  }

  it('is found by its name, once', async () => {
    const github = forge(['zelda', 'Sage'])
    const find = controlFinder(github, { owner: 'sage', name: 'control' })
    expect([await find(), await find(), github.calls()]).toEqual([202, 202, 1])
  })

  it('is looked for again where the app was not installed in it', async () => {
    const github = forge(['zelda'])
    const find = controlFinder(github, { owner: 'sage', name: 'control' })
    for (const _ of [1, 2]) await expect(find()).rejects.toThrow('the app is not installed in the control repository sage/control')
    expect(github.calls()).toBe(2)
  })
})
