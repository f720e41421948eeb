import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { validateCommand } from '../../../../cli/commands/validate.ts'
import type { Judge } from '../../../../cli/judge-place.ts'
import type { ValidateOptions } from '../../../../cli/options.ts'
import type { Problem } from '../../../../pipeline/problem.ts'
import type { JudgeOptions } from '../../../../pipeline/validate/judge-manifest.ts'
import type { ManifestReport } from '../../../../pipeline/validate/judge-repository.ts'
import type { ValidateOutput } from '../../../../schemas/generated/types.ts'
import { RULE } from './reports.ts'

const WORDS = { bad: 'error', odd: 'warning', dull: 'hint' } as const

/** Words in a file are its problems; `bad` has a safe cure, `good`. */
function judgeText(path: string, content: Uint8Array): ManifestReport {
  const lines = Buffer.from(content).toString().split('\n')
  const problems = lines.flatMap((line, index): Problem[] => {
    const severity = Object.entries(WORDS).find(([word]) => word === line)?.[1]
    if (severity === undefined) return []
    const place = { file: path, line: index + 1, column: 1, endLine: index + 1, endColumn: line.length + 1 }
    const fix = { title: 'bad to good', safe: true, edits: [{ ...place, text: 'good' }] }
    return [{ code: `found-${line}`, severity, message: `It says ${line}.`, place, ...(line === 'bad' && { fix }) }]
  })
  const verdict = problems.some(({ severity }) => severity === 'error') ? 'refused' : 'accepted'
  return { path, verdict: { portal: verdict, submitted: 'refused' }, problems }
}

const asked: JudgeOptions[] = []
const judge: Judge = {
  documents: async () => [RULE],
  async repository(tree, options = {}) {
    asked.push(options)
    const paths = (await tree.entries()).map(({ path }) => path).filter((path) => path.endsWith('sage.yaml'))
    return Promise.all(paths.map(async (path) => judgeText(path, (await tree.read(path, 1e6)) ?? Buffer.alloc(0))))
  },
  text(path, content, options = {}) {
    asked.push(options)
    return judgeText(path, content)
  },
}

let [folder, home] = ['', '']
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ctss-validate-')))
  home = process.cwd()
  process.chdir(folder)
  vi.stubEnv('XDG_STATE_HOME', join(folder, '.state'))
  asked.length = 0
})
afterEach(() => {
  process.chdir(home)
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

async function validate(places: readonly string[], options: ValidateOptions = {}): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
  try {
    const code = await validateCommand(places, options, judge)
    const [out = '', err = ''] = [stdout, stderr].map((spy) => spy?.mock.calls.map(([chunk]) => String(chunk)).join(''))
    return { code, out, err }
  } finally {
    vi.restoreAllMocks()
  }
}

const json = async (...places: string[]): Promise<ValidateOutput & { code: number }> => {
  const { code, out } = await validate(places, { json: true })
  return { code, ...(JSON.parse(out) as ValidateOutput) }
}

describe('ctss validate', () => {
  it.each<[string, string, ValidateOptions, number]>([
    ['nothing', 'fine', {}, 0],
    ['an error', 'bad', {}, 1],
    ['a warning', 'odd', {}, 0],
    ['a warning, strictly', 'odd', { strict: true }, 1],
    ['a hint, strictly', 'dull', { strict: true }, 0],
  ])('finds %s', async (_what, text, options, code) => {
    put({ 'sage.yaml': text })

    expect((await validate(['.'], options)).code).toBe(code)
  })

  it('judges folders with all their manifests, and files whatever they are called', async () => {
    put({ 'p/sage.yaml': 'bad', 'p/sub/sage.yaml': 'fine', 'notes.txt': 'odd' })

    expect(await json('p')).toMatchObject({ code: 1, manifests: [{ path: 'sage.yaml' }, { path: 'sub/sage.yaml' }] })
    expect(await json('notes.txt')).toMatchObject({ code: 0, manifests: [{ path: 'notes.txt', problems: [{ path: 'notes.txt', line: 1 }] }] })
    expect((await json('./p/', 'notes.txt', `${folder}/p/sub`)).manifests.map(({ path }) => path)).toEqual([
      'p/sage.yaml',
      'p/sub/sage.yaml',
      'notes.txt',
      `${folder}/p/sub/sage.yaml`,
    ])
  })

  it('shows a person paths that lead there from where they are', async () => {
    put({ 'p/sage.yaml': 'bad', 'q/x': '' })
    process.chdir('q')

    expect((await validate(['../p'])).out).toContain(`${folder}/p/sage.yaml:1:1: error: It says bad. [found-bad]\n    1 | bad\n      | ^^^\n`)
    process.chdir('..')
    expect((await validate([`${folder}/p`])).out).toMatch(/^p\/sage\.yaml:1:1: error/)
    expect((await validate(['p/sage.yaml'])).out).toMatch(/^p\/sage\.yaml:1:1: error/)
  })

  it('passes on what the Portal would fill in', async () => {
    put({ 'sage.yaml': '' })
    vi.stubEnv('CTSS_SAGE_USERS', 'Owner=sageuser')
    await validate(['sage.yaml'], { user: 'u', repository: 'https://github.com/a/b', branch: 'dev', asSubmitted: true })
    await validate(['.'])

    expect(asked).toEqual([
      { mode: 'submitted', user: 'u', repository: 'https://github.com/a/b', branch: 'dev', users: new Map([['owner', 'sageuser']]) },
      { mode: 'portal', users: new Map([['owner', 'sageuser']]) },
    ])
  })

  it('says what it cannot read, judges the rest, and ends with 2', async () => {
    put({ 'sage.yaml': 'bad' })
    execFileSync('mkfifo', ['fifo'])
    symlinkSync('nowhere', 'dangling')
    const places = ['gone', 'gone/sage.yaml', 'sage.yaml/x', 'dangling', 'fifo', '/dev/null', 'zero\0byte', '', 'x'.repeat(5000), 'line\nbreak']
    const { code, out, err } = await validate([...places, '.'], { json: true })

    expect(code).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ manifests: [{ problems: [{ code: 'found-bad' }] }] })
    expect(err.match(/ctss: .* is not there\.$/gm)).toHaveLength(8)
    expect(err).toContain(String.raw`ctss: line\nbreak is not there.`)
    expect(err.match(/ctss: .* is not a folder or a file\.$/gm)).toHaveLength(2)
    expect(err).not.toContain('\0')
  })

  it('says so in each output', async () => {
    expect((await validate(['gone'], { github: true })).out).toBe('::error::gone is not there.\n')
    expect((await validate(['gone', 'gone'])).out).toBe('0 manifests: 0 valid, 0 not valid, 2 places could not be read\n')
    expect(await json('gone')).toEqual({ code: 2, manifests: [] })
  })

  it('says when it may not read', async () => {
    put({ 'sage.yaml': 'bad' })
    chmodSync('sage.yaml', 0)
    const { code, err } = await validate(['sage.yaml'])

    // Root reads everything.
    expect([1, 2]).toContain(code)
    expect(code === 2 ? err : 'permission denied').toContain('permission denied')
  })

  it('prints nothing when it shall be quiet, unless data were asked for', async () => {
    put({ 'sage.yaml': 'bad' })

    expect(await validate(['.'], { quiet: true })).toEqual({ code: 1, out: '', err: '' })
    expect(await validate(['.'], { quiet: true, fix: true })).toEqual({ code: 0, out: '', err: '' })
    expect((await validate(['.'], { quiet: true, json: true })).out).toContain('"manifests"')
  })

  it('reads a Git URL, whose branch is the one that was asked for, and writes nothing there', async () => {
    put({ 'r/sage.yaml': 'bad' })
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=Z', '-c', 'user.email=z@example.org', ...args], { cwd: 'r', stdio: 'ignore' })
    git('init', '--initial-branch=dev')
    git('add', '.')
    git('commit', '-m', 'x')
    const url = `file://${folder}/r`
    const { code, out } = await validate([url], { ref: 'dev' })

    expect(code).toBe(1)
    expect(out).toMatch(/^sage\.yaml:1:1: error/)
    expect(asked).toMatchObject([{ branch: 'dev' }])
    expect((await json(url, url)).manifests.map(({ path }) => path)).toEqual([`${url}/sage.yaml`, `${url}/sage.yaml`])
    expect(await validate([url], { fix: true })).toMatchObject({ code: 2, err: expect.stringContaining('--fix needs a folder or a file, not a URL') })
    expect((await validate([url], { diff: true })).out).toMatch(/^# of a repository elsewhere: .*\n--- a\/sage\.yaml\n/)
    expect(out).not.toContain('--fix')
    expect(out).toContain('the Portal would refuse it')
  })

  it('hands bugs on', async () => {
    put({ 'sage.yaml': '' })
    const broken: Judge = { ...judge, text: () => { throw new TypeError('bug') } } // prettier-ignore

    await expect(validateCommand(['sage.yaml'], { quiet: true }, broken)).rejects.toThrow('bug')
  })
})

describe('ctss validate --fix', () => {
  it('writes what is safe, says so, and judges again', async () => {
    put({ 'sage.yaml': 'bad\nodd\n' })
    const { code, out, err } = await validate(['.'], { fix: true })

    expect(readFileSync('sage.yaml', 'utf8')).toBe('good\nodd\n')
    expect(err).toBe('sage.yaml: fixed: bad to good\n1 fix in 1 file.\n')
    expect(out).toMatch(/^sage\.yaml:2:1: warning/)
    expect(code).toBe(0)
    expect(await validate(['.'], { fix: true })).toEqual({ code: 0, out, err: '' })
  })

  it('mends a lone file, but not through a link', async () => {
    put({ 'a.txt': 'bad' })
    symlinkSync('a.txt', 'link')

    expect(await validate(['link'], { fix: true })).toMatchObject({ code: 2, err: expect.stringContaining('link is a symbolic link') })
    expect(await validate(['link'], { diff: true })).toMatchObject({ out: '', err: expect.stringContaining('not fixed: bad to good: link is a symbolic link') })
    expect((await validate(['link'])).out).not.toContain('safe fix')
    expect((await validate(['a.txt'])).out).toContain('1 safe fix: ctss validate a.txt --fix')
    expect(readFileSync('a.txt', 'utf8')).toBe('bad')
    expect((await validate(['a.txt'], { fix: true })).code).toBe(0)
    expect(readFileSync('a.txt', 'utf8')).toBe('good')
  })
})

describe('the answer of the Portal', () => {
  const ELSEWHERE = 'reads sage.yaml at the root alone'

  it.each<[string, boolean]>([
    ['.', true],
    ['sage.yaml', true],
    ['apps/a', false],
    ['apps/a/sage.yaml', false],
    ['sage.yml', false],
  ])('in a repository, for %s', async (place, isPortals) => {
    put({ 'sage.yaml': '', 'sage.yml': '', 'apps/a/sage.yaml': '' })
    execFileSync('git', ['init', '--quiet'])
    const { out } = await validate([place])
    const file = place.includes('.y') ? place : place === '.' ? 'sage.yaml' : `${place}/sage.yaml`

    expect(out).toContain(`${file}: valid: 0 errors, 0 warnings\n    the Portal would accept ${isPortals ? 'it ·' : `its content, but ${ELSEWHERE} ·`}`)
  })

  it('outside of any, takes what was given for one', async () => {
    put({ 'p/sage.yaml': '', 'p/sub/sage.yaml': '' })

    expect((await validate(['p'])).out.match(/the Portal would accept \w+/g)).toEqual(['the Portal would accept it', 'the Portal would accept its'])
    expect((await validate(['p/sub/sage.yaml'])).out).not.toContain(ELSEWHERE)
  })
})

describe('ctss validate --diff', () => {
  it.each([
    ['.', 'p/sage.yaml'],
    ['p', 'p/sage.yaml'],
    ['p/sage.yaml', 'p/sage.yaml'],
  ])('of %s is a patch for the current folder, and writes nothing', async (place, path) => {
    put({ 'p/sage.yaml': 'bad\n' })
    const { code, out, err } = await validate([place], { diff: true })

    expect(out).toBe(`--- a/${path}\n+++ b/${path}\n@@ -1,1 +1,1 @@\n-bad\n+good\n`)
    expect(err).toBe('p/sage.yaml: would be fixed: bad to good\n1 fix in 1 file.\n')
    expect(code).toBe(1)
    expect(readFileSync('p/sage.yaml', 'utf8')).toBe('bad\n')
  })

  describe.each([
    ['git apply', ['git', 'apply', '-p1']],
    ['patch', ['patch', '--batch', '--strip=1', '--silent']],
  ] as const)('as %s reads it', (_tool, [program, ...args]) => {
    const apply = (patch: string, cwd: string): number | null => spawnSync(program, args, { cwd, input: patch }).status

    it.each(['../p', '../p/sage.yaml'])('of %s, elsewhere, changes nothing here, and that from the root', async (place) => {
      put({ 'p/sage.yaml': 'bad\n', 'q/sage.yaml': 'bad\n' })
      process.chdir('q')
      const { out } = await validate([place], { diff: true, quiet: true })

      expect(out).toMatch(/^# outside of the working directory: apply with patch -p1 -d \/\n--- a\/tmp\/.*\/p\/sage\.yaml\n/)
      expect(apply(out, '.')).not.toBe(0)
      expect(readFileSync('sage.yaml', 'utf8')).toBe('bad\n')
      expect(apply(out, '/')).toBe(0)
      expect(readFileSync('../p/sage.yaml', 'utf8')).toBe('good\n')
      expect(readFileSync('sage.yaml', 'utf8')).toBe('bad\n')
    })

    it.each([
      ['q', 'q'],
      ['a/p', 'p'],
      ['b/p', 'p'],
      ['b', 'b'],
      ['a', 'a'],
      ['x/y', 'x/y'],
      ['x/y', 'x'],
      ['q', '../a'],
    ])('in the folder %s of a repository, of the folder %s in it, changes no other', async (here, place) => {
      put({ [`${here}/sage.yaml`]: 'bad\n', [`${here}/${place}/sage.yaml`]: 'bad\n' })
      execFileSync('git', ['init', '--quiet'])
      process.chdir(here)
      const { out } = await validate([place], { diff: true, quiet: true })
      const isInside = !place.startsWith('..')

      // Without -p1 too: git guesses then, and may guess wrong.
      expect(spawnSync(program, args.slice(0, program === 'git' ? 1 : 2), { input: out }).status === 0).toBe(isInside)
      expect(readFileSync('sage.yaml', 'utf8')).toBe('bad\n')
      expect(readFileSync(`${place}/sage.yaml`, 'utf8')).toBe(isInside ? 'good\n' : 'bad\n')
    })

    it('of several places changes each', async () => {
      put({ 'p/sage.yaml': 'bad\n', 'q/sage.yaml': 'bad', 'r/notes': 'odd\nbad\n' })
      const { out } = await validate(['p', `${folder}/q`, 'r/notes'], { diff: true, quiet: true })

      expect(apply(out, '.')).toBe(0)
      expect(['p/sage.yaml', 'q/sage.yaml', 'r/notes'].map((path) => readFileSync(path, 'utf8'))).toEqual(['good\n', 'good', 'odd\ngood\n'])
    })

    it('of places here and elsewhere changes both from the root, and neither is taken for another', async () => {
      put({ 'p/sage.yaml': 'bad', 'q/sage.yaml': 'bad\n', 'q/p/sage.yaml': 'bad\n' })
      process.chdir('q')
      const { out } = await validate(['.', '../p'], { diff: true, quiet: true })

      expect(out.match(/^(?:#|---) .*$/gm)).toEqual([
        '--- a/p/sage.yaml',
        '--- a/sage.yaml',
        '# outside of the working directory: apply with patch -p1 -d /',
        `--- a${folder}/p/sage.yaml`,
      ])
    })
  })
})

describe('colours', () => {
  it.each([
    [{}, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ NO_COLOR: '1' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('with %j in the environment, off a terminal', async (environment, isColored) => {
    vi.stubEnv('FORCE_COLOR', '')
    vi.stubEnv('NO_COLOR', '')
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    put({ 'sage.yaml': 'bad' })

    expect((await validate(['.'])).out.includes('\u001b')).toBe(isColored)
  })
})
