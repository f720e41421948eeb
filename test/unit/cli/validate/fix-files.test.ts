import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixFiles } from '../../../../cli/fix-files.ts'

const [BEFORE, AFTER] = [Buffer.from('before'), Buffer.from('after')]
const change = (file: string, before: Buffer | undefined = BEFORE) => ({ file, before, after: AFTER })

describe('writing what was mended', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctss-fix-'))
    writeFileSync(join(folder, 'sage.yaml'), BEFORE)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each([0o644, 0o600, 0o755])('keeps mode %o, and leaves nothing else behind', async (mode) => {
    chmodSync(join(folder, 'sage.yaml'), mode)
    await fixFiles(folder, [change('sage.yaml')])

    expect(readFileSync(join(folder, 'sage.yaml'))).toEqual(AFTER)
    expect(statSync(join(folder, 'sage.yaml')).mode & 0o777).toBe(mode)
    expect(readdirSync(folder)).toEqual(['sage.yaml'])
  })

  it('makes files and folders that are not there', async () => {
    await fixFiles(folder, [{ ...change('ecr-meta/a/text.md'), before: undefined }])

    expect(readFileSync(join(folder, 'ecr-meta/a/text.md'))).toEqual(AFTER)
  })

  const other = (): string => join(folder, 'other.yaml')
  it.each<[string, () => void, string, Buffer | undefined, RegExp]>([
    ['has changed since', () => writeFileSync(join(folder, 'x'), 'else'), 'x', BEFORE, /x changed while it was being judged/],
    ['has gone since', () => {}, 'x', BEFORE, /x changed while/],
    ['has come since', () => writeFileSync(join(folder, 'x'), 'else'), 'x', undefined, /is there already/],
    ['is a link', () => symlinkSync('other.yaml', join(folder, 'x')), 'x', BEFORE, /not a file of its own/],
    ['lies behind a link', () => symlinkSync('.', join(folder, 'd')), 'd/other.yaml', BEFORE, /d is not a folder of its own/],
    ['is to be made behind a link', () => symlinkSync(tmpdir(), join(folder, 'd')), 'd/new', undefined, /d is not a folder of its own/],
    ['is a folder', () => mkdirSync(join(folder, 'x')), 'x', BEFORE, /not a file of its own/],
    ['lies below a file', () => writeFileSync(join(folder, 'x'), BEFORE), 'x/y', undefined, /not a folder of its own/],
  ])('writes nothing at all when a file %s', async (_what, prepare, file, before, message) => {
    writeFileSync(other(), BEFORE)
    prepare()

    await expect(fixFiles(folder, [change('sage.yaml'), { file, before, after: AFTER }])).rejects.toMatchObject({
      name: 'Failure',
      message: expect.stringMatching(message),
    })
    expect(readFileSync(join(folder, 'sage.yaml'))).toEqual(BEFORE)
    expect(readFileSync(other())).toEqual(BEFORE)
  })

  it.each(['../x', '/x', 'a//b', './x', ''])('never leaves the folder: %j', async (file) => {
    await expect(fixFiles(folder, [{ ...change(file), before: undefined }])).rejects.toThrow('not a path inside the folder')
  })

  it('is a failure where nothing can be written', async () => {
    await expect(fixFiles('/proc/self', [{ ...change('x'), before: undefined }])).rejects.toMatchObject({ name: 'Failure', code: 'storage-unavailable' })
  })
})
