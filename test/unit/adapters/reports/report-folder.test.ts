import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reportFolder } from '../../../../adapters/reports/report-folder.ts'
import { digestOf } from '../../../../pipeline/digest.ts'

const image = { svg: '<svg/>', png: new Uint8Array([1]) }
const report = {
  markdown: '# Report',
  html: '<p>Report</p>',
  json: '{}',
  charts: [{ name: 'slices', alt: 'slices', section: 'evaluation', light: image, dark: image } as const],
}

describe('a report folder', () => {
  let folder = ''
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'ctss-report-'))))
  afterEach(async () => rm(folder, { recursive: true, force: true }))

  it('has no report at first', async () => {
    expect(await reportFolder(folder).state()).toBeUndefined()
  })

  it('gives back what was written', async () => {
    const files = await reportFolder(folder).write(report, digestOf('key'))

    expect(await readFile(files.markdown, 'utf8')).toBe('# Report')
    expect(await readFile(join(folder, 'charts/slices-dark.svg'), 'utf8')).toBe('<svg/>')
    expect(await reportFolder(folder).state()).toEqual({ ...files, key: digestOf('key') })
  })

  it('does not take a report for whole whose page is gone, or whose key is not one', async () => {
    const { html } = await reportFolder(folder).write(report, digestOf('key'))
    await rm(html)
    expect(await reportFolder(folder).state()).toBeUndefined()

    await reportFolder(folder).write(report, digestOf('key'))
    await writeFile(join(folder, 'key'), 'rubbish')
    expect(await reportFolder(folder).state()).toBeUndefined()
  })

  it('fails as storage when it cannot write', async () => {
    await writeFile(join(folder, 'file'), '')

    await expect(reportFolder(join(folder, 'file')).write(report, digestOf('key'))).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})
