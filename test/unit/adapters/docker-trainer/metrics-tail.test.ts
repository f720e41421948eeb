import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MetricsTail } from '../../../../adapters/docker-trainer/metrics-tail.ts'

let folder = ''
let text = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-metrics-'))
  text = ''
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const file = (): string => join(folder, 'metrics.ndjson')
const tail = (): MetricsTail => new MetricsTail(file(), (chunk) => void (text += chunk))

it('what is appended is read as it comes, characters whole', async () => {
  const metrics = tail()
  expect(await metrics.read()).toBe(false)
  await writeFile(file(), Buffer.from('größe').subarray(0, 3))
  await metrics.read()
  expect(text).toBe('gr')
  await appendFile(file(), Buffer.from('größe').subarray(3))
  await metrics.read()
  await metrics.read()

  expect(text).toBe('größe')
})

it('a flood is read 64 KiB at a time, and to 10 MiB at the end', async () => {
  await writeFile(file(), '')
  await truncate(file(), 2 ** 40)
  const metrics = tail()

  expect(await metrics.read()).toBe(true)
  expect(text.length).toBe(65_536)
  await metrics.drain()
  expect(text.length).toBe(10 * 2 ** 20)
})

it.each<[string, () => unknown]>([
  ['a link', () => symlink('/etc/passwd', file())],
  ['a pipe', () => execFileSync('mkfifo', [file()])],
  ['a link to a device', () => symlink('/dev/zero', file())],
  ['a folder', () => execFileSync('mkdir', [file()])],
])('%s in the place of the file is left alone, however long one could wait for it', async (_name, lay) => {
  await lay()
  await tail().drain()

  expect(text).toBe('')
})
