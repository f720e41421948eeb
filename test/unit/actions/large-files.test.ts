import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepLargeFiles } from '../../../actions/keep-large-files.ts'
import { openLargeFiles } from '../../../actions/large-files.ts'
import { digestOf, type Digest } from '../../../pipeline/digest.ts'
import { memoryBlobs } from '../../support/memory-blobs.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('files that no artifact takes', () => {
  it('go to the other store, once each, and leave nothing on the machine', async () => {
    const here = new Map<Digest, Buffer>(['large', 'known', 'small'].map((text) => [digestOf(text), Buffer.from(text)]))
    const there = new Map<Digest, Buffer>([[digestOf('known'), Buffer.from('known')]])
    const file = (text: string, reason: 'too-large' | 'missing') => ({ digest: digestOf(text), bytes: text.length, reason })
    const put: string[] = []
    const to = { ...memoryBlobs(there), putFile: async (path: string) => (put.push(path), memoryBlobs(there).putFile(path)) }

    await keepLargeFiles(
      [file('large', 'too-large'), file('known', 'too-large'), file('gone', 'too-large'), file('small', 'missing')],
      memoryBlobs(here),
      to,
      folder,
    )

    expect([...there.values()].map(String).toSorted()).toEqual(['known', 'large'])
    expect(put).toHaveLength(1)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('the place of files that no artifact takes', () => {
  it('is none where none is named', async () => {
    expect(await openLargeFiles(undefined)).toBeUndefined()
  })

  it.each(['s3://bucket', 's3://my.bucket-1/', 's3://bucket/models/of=zelda/'])('may be %s', async (address) => {
    expect(await openLargeFiles(address)).toMatchObject({ put: expect.any(Function) })
  })

  it.each(['bucket', 'https://bucket.s3.amazonaws.com', 's3://', 's3://Bucket', 's3://b/../c?x', 's3://bucket/a b', 's3://-bucket'])(
    'cannot be %s',
    async (address) => {
      await expect(openLargeFiles(address)).rejects.toMatchObject({ complaints: ['input `large-files` is no address like s3://bucket/prefix'] })
    },
  )
})
