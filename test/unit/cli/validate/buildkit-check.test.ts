import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { checkWithBuildkit } from '../../../../cli/buildkit-check.ts'
import type { MemoryFile } from '../../../support/memory-tree.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const manifest = (source: string): string => `name: cloud-counter\ndescription: Counts.\nsource: {architectures: [linux/amd64], ${source}}\n`

describe("asking BuildKit's check", () => {
  const workParent = mkdtempSync(join(tmpdir(), 'ctss-buildkit-check-'))
  afterAll(() => rmSync(workParent, { recursive: true, force: true }))

  async function ask(
    files: Readonly<Record<string, MemoryFile>>,
    tell?: (line: string) => void,
  ): Promise<{ files: readonly string[]; dockerfiles: readonly (string | undefined)[] }> {
    let seen: readonly string[] = []
    const problems = await checkWithBuildkit(memoryTree(files), 'sage.yaml', {
      workParent,
      signal: new AbortController().signal,
      ...(tell !== undefined && { tell }),
      async check({ context, dockerfile }) {
        seen = [...readdirSync(context, { recursive: true, encoding: 'utf8' }).toSorted(), `-f ${dockerfile}`]
        return [{ name: 'A', message: 'b', url: undefined, line: 1 }]
      },
    })
    expect(readdirSync(workParent)).toEqual([])
    return { files: seen, dockerfiles: problems.map(({ place }) => place?.file) }
  }

  it.each<[string, string, Record<string, MemoryFile>, readonly string[], string]>([
    ['at the root', '', { Dockerfile: 'FROM x', '.dockerignore': '*', 'main.py': '' }, ['.dockerignore', 'Dockerfile', '-f Dockerfile'], 'Dockerfile'],
    ['in a folder', 'directory: app, dockerfile: d/File', { 'app/d/File': 'FROM x', Dockerfile: '' }, ['d', 'd/File', '-f d/File'], 'app/d/File'],
    ['of a folder with slashes around it', 'directory: /app/, dockerfile: /d/File', { 'app/d/File': 'FROM x' }, ['d', 'd/File', '-f d/File'], 'app/d/File'],
    ['in small letters', '', { dockerfile: 'FROM x' }, ['dockerfile', '-f dockerfile'], 'dockerfile'],
    ['behind a link in its context', '', { Dockerfile: { link: 'd/File' }, 'd/File': 'FROM x' }, ['d', 'd/File', '-f d/File'], 'd/File'],
  ])('shows it the Dockerfile %s, and little else', async (_where, source, files, seen, file) => {
    expect(await ask({ 'sage.yaml': manifest(source), ...files })).toEqual({ files: seen, dockerfiles: [file] })
  })

  it.each<[string, string, Record<string, MemoryFile>]>([
    ['no Dockerfile', '', {}],
    ['no context', 'directory: gone', { Dockerfile: 'FROM x' }],
    ['one outside of its context', 'directory: app, dockerfile: ../Dockerfile', { Dockerfile: 'FROM x', 'app/main.py': '' }],
    ['one outside of the repository', '', { Dockerfile: { link: '/etc/passwd' } }],
  ])('asks nothing where there is %s', async (_what, source, files) => {
    expect(await ask({ 'sage.yaml': manifest(source), ...files })).toEqual({ files: [], dockerfiles: [] })
  })

  it.each<[string, string, RegExp]>([
    ['another frontend', '# syntax=evil.example/frontend\nFROM x', /^ctss: BuildKit is not asked about Dockerfile: its `# syntax=` names an image/],
    ['another frontend in JSON', '{"syntax": "evil.example/frontend"}', /`# syntax=`/],
    ['too many characters', `FROM x\n${'#'.repeat(70_000)}`, /too large/],
    ['too many bytes', `FROM x\n${'#'.repeat(300_000)}`, /too large/],
  ])('asks nothing about one with %s, and says so', async (_what, text, line) => {
    const told: string[] = []
    expect(await ask({ 'sage.yaml': manifest(''), Dockerfile: text }, (next) => told.push(next))).toEqual({ files: [], dockerfiles: [] })
    expect(told).toEqual([expect.stringMatching(line)])
  })

  it('says so on stderr', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await ask({ 'sage.yaml': manifest(''), Dockerfile: '# syntax=evil.example/frontend' })
    expect(write.mock.calls).toEqual([[expect.stringMatching(/not asked about Dockerfile.*\n$/)]])
    write.mockRestore()
  })

  it('takes the usual places where the manifest cannot be read', async () => {
    expect((await ask({ 'sage.yaml': '[', Dockerfile: 'FROM x' })).dockerfiles).toEqual(['Dockerfile'])
  })
})
