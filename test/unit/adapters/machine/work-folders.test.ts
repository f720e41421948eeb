import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { machineClock } from '../../../../adapters/machine/clock.ts'
import { describeMachine } from '../../../../adapters/machine/describe.ts'
import { makeWorkFolder, sweepWorkFolders } from '../../../../adapters/machine/work-folders.ts'

describe('work folders', () => {
  let parent = ''
  beforeEach(async () => void (parent = await mkdtemp(join(tmpdir(), 'ctss-work-'))))
  afterEach(async () => rm(parent, { recursive: true, force: true }))

  it('are empty, and gone with what is in them when the stage ends', async () => {
    {
      await using folder = await makeWorkFolder(parent, 'build')
      await writeFile(join(folder.path, 'x'), 'x')
      expect(await readdir(parent)).toHaveLength(1)
    }
    expect(await readdir(parent)).toEqual([])
  })

  it('of a process that is gone are swept, those of a living one are not', async () => {
    await using _living = await makeWorkFolder(parent, 'build')
    await mkdir(join(parent, '4194305-123-train-abc'))
    await mkdir(join(parent, `${process.pid}-1-train-abc`))
    await mkdir(join(parent, 'somebody-elses'))

    await sweepWorkFolders(parent)

    expect((await readdir(parent)).toSorted()).toEqual([expect.stringContaining('-build-'), 'somebody-elses'])
  })

  it('of a process that is gone are swept with the build that it left, and with no other program', async () => {
    const start = (name: string): ReturnType<typeof spawn> =>
      spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600_000)', '--', `--file=${parent}/4194305-123-build-abc/Dockerfile`], {
        argv0: name,
        stdio: 'ignore',
      })
    const [build, other] = [start('docker-buildx'), start('vim')]
    const ended = once(build, 'exit')
    await Promise.all([once(build, 'spawn'), once(other, 'spawn')])
    await mkdir(join(parent, '4194305-123-build-abc'))

    await sweepWorkFolders(parent)

    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(other.exitCode ?? other.signalCode).toBeNull()
    other.kill()
  })

  it('cannot be made below a file', async () => {
    await writeFile(join(parent, 'file'), '')

    await expect(makeWorkFolder(join(parent, 'file'), 'x')).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

describe('the machine', () => {
  it('tells the time, and what it is', () => {
    expect(machineClock.now()).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(machineClock.monotonicMs()).toBeLessThanOrEqual(machineClock.monotonicMs())
    expect(describeMachine()).toMatchObject({ kind: 'laptop', cpus: expect.any(Number) })
  })
})
