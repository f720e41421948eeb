import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pack, type Header } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readUploads, UPLOAD_REASONS } from '../../../../adapters/virtual-waggle/uploads.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'

const SHA = '0'.repeat(40)
const META = '{"labels":{"filename":"a.jpg","camera":"top"},"shasum":"x","timestamp":1}'

describe('the upload folder', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-uploads-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function read(entries: readonly (readonly [Partial<Header> & { name: string }, string?])[], limitBytes = 1_000_000) {
    const archive = pack()
    for (const [header, content = ''] of entries) archive.entry(header, content)
    archive.finalize()
    const blobs = memoryBlobs()
    return { blobs, ...(await readUploads(Readable.from(archive), { blobs, folder, limitBytes })) }
  }

  it('gives files with their labels, in order of their time', async () => {
    const { files, staged, refused, blobs } = await read([
      [{ name: './', type: 'directory' }],
      [{ name: `./1700000000000000002-${SHA}/`, type: 'directory' }],
      [{ name: `./1700000000000000002-${SHA}/data` }, 'second'],
      [{ name: `./1700000000000000002-${SHA}/meta` }, META],
      [{ name: `./1700000000000000001-${SHA}/meta` }, META.replace('a.jpg', 'b.jpg')],
      [{ name: `./1700000000000000001-${SHA}/data` }, 'first'],
    ])
    expect(files).toMatchObject([
      { name: 'b.jpg', timestamp: '2023-11-14T22:13:20.000000001Z', bytes: 5, labels: { filename: 'b.jpg', camera: 'top' } },
      { name: 'a.jpg', timestamp: '2023-11-14T22:13:20.000000002Z', bytes: 6 },
    ])
    expect(staged).toEqual(new Set([`1700000000000000001-${SHA}`, `1700000000000000002-${SHA}`]))
    expect(refused).toEqual([])
    expect(String(await blobs.get(files[0]!.digest as `sha256:${string}`))).toBe('first')
    expect(await readdir(folder)).toEqual([])
  })

  it.each<[string, string, string]>([
    ['a path', '"../../etc/cron.d/x"', 'x'],
    ['a path of Windows', '"C:\\\\x.exe"', 'x.exe'],
    ['control characters', '"a\\u001b[31m\\n.jpg"', 'a[31m.jpg'],
    ['nothing but dots', '".."', `1700000000000000001-${SHA}`],
    ['nothing', '""', `1700000000000000001-${SHA}`],
    ['no text', '7', `1700000000000000001-${SHA}`],
    ['400 characters', `"${'x'.repeat(400)}"`, 'x'.repeat(255)],
  ])('names a file whose name is %s safely', async (_case, filename, name) => {
    const { files } = await read([
      [{ name: `1700000000000000001-${SHA}/data` }, 'x'],
      [{ name: `1700000000000000001-${SHA}/meta` }, `{"labels":{"filename":${filename}}}`],
    ])
    expect(files[0]?.name).toBe(name)
  })

  it.each([
    ['broken', 'not json'],
    ['no object', '[]'],
    ['without labels', '{}'],
    ['too large', ' '.repeat(70_000)],
  ])('takes a file whose meta is %s without labels', async (_case, meta) => {
    const { files } = await read([
      [{ name: `1700000000000000001-${SHA}/data` }, 'x'],
      [{ name: `1700000000000000001-${SHA}/meta` }, meta],
    ])
    expect(files).toMatchObject([{ labels: {} }])
  })

  it('follows no link, opens no device, and looks at nothing that pywaggle would not stage', async () => {
    const { files, refused } = await read([
      [{ name: `1-${SHA}/data`, type: 'symlink', linkname: '/etc/shadow' }],
      [{ name: `1-${SHA}/meta` }, META],
      [{ name: `2-${SHA}`, type: 'symlink', linkname: '/etc' }],
      [{ name: `3-${SHA}/data`, type: 'fifo' }],
      [{ name: 'note.txt' }, 'x'],
      [{ name: `4-${SHA}/deeper/data` }, 'x'],
      [{ name: `4-${SHA}/other` }, 'x'],
      [{ name: `../5-${SHA}/data` }, 'x'],
    ])
    expect(files).toEqual([])
    expect(refused).toEqual([
      { reason: UPLOAD_REASONS.notRegular, example: `1-${SHA}/data` },
      { reason: UPLOAD_REASONS.notRegular, example: `3-${SHA}/data` },
      { reason: UPLOAD_REASONS.incomplete, example: `1-${SHA}` },
    ])
  })

  it('stops at its limit and at a thousand files', async () => {
    expect(
      await read(
        [
          [{ name: `1-${SHA}/data` }, 'x'.repeat(100)],
          [{ name: `1-${SHA}/meta` }, META],
          [{ name: `2-${SHA}/data` }, 'x'.repeat(900)],
        ],
        500,
      ),
    ).toMatchObject({ files: [{}], refused: [{ reason: UPLOAD_REASONS.tooLarge }] })
    const many = Array.from(
      { length: 1001 },
      (_, n) =>
        [
          [{ name: `${n + 1}-${SHA}/data` }, 'x'],
          [{ name: `${n + 1}-${SHA}/meta` }, META],
        ] as const,
    ).flat()
    const { files, refused } = await read(many)
    expect(files).toHaveLength(1000)
    expect(refused).toContainEqual({ reason: UPLOAD_REASONS.tooMany, example: `1001-${SHA}/data` })
  })

  it('gives a time that cannot be one as the beginning of time', async () => {
    const { files } = await read([
      [{ name: `7-${SHA}/data` }, 'x'],
      [{ name: `7-${SHA}/meta` }, META],
    ])
    expect(files[0]?.timestamp).toBe('1970-01-01T00:00:00.000000000Z')
  })
})
