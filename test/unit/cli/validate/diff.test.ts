import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writePatch } from '../../../../cli/output/validate/diff.ts'
import { patchPath } from '../../../../cli/output/validate/show-report.ts'

const LONG = Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n')

const CHANGES: readonly (readonly [what: string, path: string, before: string | undefined, after: string])[] = [
  ['a line', 'sage.yaml', 'a: 1\nb: 2\nc: 3\n', 'a: 1\nb: two\nc: 3\n'],
  ['several places', 'sage.yaml', `${LONG}\n`, `${LONG.replace('line 3\n', 'LINE 3\n').replace('line 30\n', '')}\n`],
  ['no newline at the end', 'sage.yaml', 'a: 1\nb: 2', 'a: 1\nb: 3'],
  ['a newline that comes', 'sage.yaml', 'a: 1', 'a: 1\n'],
  ['a newline that goes', 'sage.yaml', 'a: 1\n', 'a: 1'],
  ['lines that end as on Windows', 'sage.yaml', 'a: 1\r\nb: 2\r\nc: 3\r\n', 'a: 1\r\nb: 3\r\nc: 3\r\n'],
  ['a new file in a new folder', 'ecr-meta/text.md', undefined, 'A\nB\n'],
  ['a new file without a newline', 'text.md', undefined, 'A'],
  ['an empty file', 'empty.yaml', '', 'a: 1\n'],
  ['a name with spaces', 'my plugin/sage v2.yaml', 'a: 1\n', 'a: 2\n'],
  ['a new name with spaces', 'my plugin/new file.yaml', undefined, 'a: 2\n'],
  ['a name in quotes', 'ü "x"\n\\.yaml', 'a: 1\n', 'a: 2\n'],
  ['a byte order mark', 'sage.yaml', '\ufeffa: 1\n', '\ufeffa: 2\n'],
  ['a rewrite too large to be compared', 'sage.yaml', 'a\n'.repeat(9000), `${'b\n'.repeat(9000)}c`],
]

describe('a patch', () => {
  let folder = ''
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ctss-patch-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.each([
    ['git apply', ['git', 'apply']],
    ['patch', ['patch', '--strip=1', '--silent', '--batch']],
  ] as const)('for %s', (_tool, [program, ...args]) => {
    it.each(CHANGES)('changes %s', (_what, path, before, after) => {
      const place = mkdtempSync(join(folder, 'case-'))
      const file = join(place, path)
      if (before !== undefined) {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, before)
        chmodSync(file, 0o640)
      }
      execFileSync(program, args, { cwd: place, input: writePatch([{ path, before, after }]) })

      expect(readFileSync(file, 'utf8')).toBe(after)
    })
  })

  it.each(
    ['q', 'a', 'b', 'a/p', 'b/p', 'x/y', 'a/a'].flatMap((here) => ['q', 'a', 'b', 'p', 'x/y', 'x', 'a/a'].map((place): [string, string] => [here, place])),
  )('in the folder %s of a repository, of the folder %s in it, is taken for no other by git apply', (here, place) => {
    const root = realpathSync(mkdtempSync(join(folder, 'nested-')))
    mkdirSync(join(root, here, place), { recursive: true })
    mkdirSync(join(root, '.git', 'refs'), { recursive: true })
    mkdirSync(join(root, '.git', 'objects'))
    writeFileSync(join(root, '.git', 'HEAD'), 'ref: refs/heads/main\n')
    vi.spyOn(process, 'cwd').mockReturnValue(join(root, here))
    for (const before of ['bad\n', undefined]) {
      const file = join(root, here, place, 'sage.yaml')
      if (before !== undefined) for (const other of [file, join(root, here, 'sage.yaml')]) writeFileSync(other, before)
      const path = patchPath('sage.yaml', { place: join(root, here, place), kind: 'folder' }, before === undefined)
      execFileSync('git', ['apply'], { cwd: join(root, here), input: writePatch([{ path, before, after: 'good\n' }]) })

      expect(readFileSync(file, 'utf8')).toBe('good\n')
      expect(readFileSync(join(root, here, 'sage.yaml'), 'utf8')).toBe('bad\n')
      rmSync(file)
    }
    vi.restoreAllMocks()
  })

  it('changes several files at once, and touches only what it must', () => {
    const patch = writePatch([
      { path: 'a', before: `${LONG}\n`, after: `${LONG}\nmore\n` },
      { path: 'b', before: undefined, after: 'b\n' },
    ])

    expect(patch).toBe('--- a/a\n+++ b/a\n@@ -38,3 +38,4 @@\n line 37\n line 38\n line 39\n+more\n--- /dev/null\n+++ b/b\n@@ -0,0 +1,1 @@\n+b\n')
  })

  it('is empty when there is nothing to change', () => {
    expect(writePatch([])).toBe('')
  })
})
