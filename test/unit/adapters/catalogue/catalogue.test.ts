import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCatalogue } from '../../../../adapters/catalogue/catalogue.ts'
import { withLock } from '../../../../adapters/filesystem/folder-lock.ts'
import { describeCatalogueContract } from '../../../contract/catalogue.ts'
import { memoryCatalogue } from '../../../support/memory-catalogue.ts'
import { sampleBundle, sampleRequest } from '../../../support/sample-bundle.ts'

const WRITER = fileURLToPath(new URL('../../../support/catalogue-writer.ts', import.meta.url))

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ctss-catalogue-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

// The contract on PGlite, which takes a second for each test, is in test/integration/catalogue.test.ts.
describeCatalogueContract('memory', () => Promise.resolve(memoryCatalogue()))

it('a folder that cannot be one is a failure', async () => {
  const path = join(root, 'a-file')
  await writeFile(path, '')
  await expect(openCatalogue({ folder: join(path, 'ecr') }).publish(sampleRequest(sampleBundle('a'), false))).rejects.toMatchObject({
    code: 'storage-unavailable',
  })
})

describe('the lock', () => {
  it('lets one at a time in', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    let inside = 0
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(folder, 20_000, async () => {
          expect(++inside).toBe(1)
          await sleep(5)
          inside--
        }),
      ),
    )
    expect(await readdir(folder)).toEqual([])
  })

  it('is given back after an error', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await expect(withLock(folder, 0, () => Promise.reject(new Error('work')))).rejects.toThrow('work')
    expect(await withLock(folder, 0, () => Promise.resolve('free'))).toBe('free')
  })

  it('that is held is a failure that names its holder, and may be retried', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    const child = await startHolder(folder)
    try {
      await expect(withLock(folder, 60, () => Promise.resolve())).rejects.toMatchObject({
        code: 'lock-held',
        retryable: true,
        message: `process ${child.pid} is using the database in ${folder}`,
      })
    } finally {
      await kill(child)
    }
  })

  it('of a process that was killed is taken over at once', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await kill(await startHolder(folder))
    expect(await readdir(folder)).toContain('db.lock')
    expect(await withLock(folder, 0, () => Promise.resolve('free'))).toBe('free')
  })

  it('of a process that was killed is taken over by one of many who wait', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await kill(await startHolder(folder))
    let inside = 0
    const enter = () =>
      withLock(folder, 20_000, async () => {
        expect(++inside).toBe(1)
        await sleep(5)
        inside--
      })
    await Promise.all(Array.from({ length: 8 }, enter))
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['on another machine', `process 1 on elsewhere`, JSON.stringify({ pid: 1, host: 'elsewhere' })],
    ['that is unknown', 'another process', 'garbage'],
  ])('of a holder %s is not broken', async (_, who, holder) => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await mkdir(join(folder, 'db.lock'))
    await writeFile(join(folder, 'db.lock.holder'), holder)
    await expect(withLock(folder, 0, () => Promise.resolve())).rejects.toMatchObject({
      code: 'lock-held',
      message: `${who} is using the database in ${folder}`,
    })
  })

  it('is not broken by two at once, and a holder clears what a killed breaker left', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await kill(await startHolder(folder))
    await mkdir(join(folder, 'db.lock.breaking'))
    const waiting = withLock(folder, 20_000, () => Promise.resolve('free'))
    await sleep(100)
    await rm(join(folder, 'db.lock.breaking'), { recursive: true })
    expect(await waiting).toBe('free')
    await mkdir(join(folder, 'db.lock.breaking'))
    await withLock(folder, 0, () => Promise.resolve())
    expect(await readdir(folder)).toEqual([])
  })

  it('is not broken when its holder turns out to be another one after all', async () => {
    const folder = await mkdtemp(join(root, 'lock-'))
    await mkdir(join(folder, 'db.lock'))
    await writeFile(join(folder, 'db.lock.holder'), JSON.stringify({ pid: process.pid, host: hostname() }))
    await expect(withLock(folder, 0, () => Promise.resolve())).rejects.toMatchObject({ code: 'lock-held' })
    expect((await stat(join(folder, 'db.lock'))).isDirectory()).toBe(true)
  })
})

async function startHolder(folder: string): Promise<ReturnType<typeof spawn>> {
  const child = spawn(process.execPath, [WRITER, 'lock', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

async function kill(child: ReturnType<typeof spawn>): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
