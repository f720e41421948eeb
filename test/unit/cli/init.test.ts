import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { initCommand } from '../../../cli/commands/init.ts'
import { openFolder } from '../../../adapters/repository-tree/open.ts'
import { readPipeline } from '../../../pipeline/validate/read-pipeline.ts'

describe('ctss init', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ctss-init-'))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await rm(folder, { recursive: true, force: true })
  })

  it('writes a plugin of the given name that is valid as it is', async () => {
    expect(await initCommand(join(folder, 'cloud-counter'))).toBe(0)

    const { pipeline, problems } = await readPipeline(await openFolder(join(folder, 'cloud-counter')))
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(pipeline?.manifest.name).toBe('cloud-counter')
    expect(await readFile(join(folder, 'cloud-counter/README.md'), 'utf8')).not.toContain('smoke-detector')
  })

  it('leaves an existing folder alone', async () => {
    expect(await initCommand(folder.toLowerCase() === folder ? folder : join(folder, '.'))).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it.each(['Cloud Counter', 'x', '-x', 'a_b'])('refuses the name %j', async (name) => {
    expect(await initCommand(join(folder, name))).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('says that the parent folder is missing', async () => {
    expect(await initCommand(join(folder, 'no/such/cloud-counter'))).toBe(1)
  })
})
