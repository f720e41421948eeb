import { describe, expect, it } from 'vitest'

import { programOf, runTimeModules } from '../../../../../pipeline/validate/python/program.ts'
import { factsOf, healthyFacts } from './facts.ts'
import type { Files } from './facts.ts'

const HEAD = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n'

/** The program's entry, its modules, and what it is started with. */
async function find(files: Files): Promise<string> {
  const program = programOf(await healthyFacts(files))
  if (program === undefined) return 'none'
  const { entry, modules, words, takesArguments, isWhole } = program
  const others = modules.filter((module) => module !== entry).map(({ text }) => text.file)
  return [entry.text.file, ...others.toSorted(), ...words.map((word) => `"${word}"`), ...(takesArguments ? [] : ['deaf']), ...(isWhole ? [] : ['partly'])].join(
    ' ',
  )
}

describe('the program that an image starts', () => {
  it.each<readonly [string, string]>([
    ['ENTRYPOINT ["python3", "/app/main.py"]', 'main.py'],
    ['ENTRYPOINT ["/usr/bin/python3.12", "-u", "-W", "ignore", "main.py", "--x", "1"]', 'main.py "--x" "1"'],
    ['ENTRYPOINT ["python", "-m", "sub.app"]', 'sub/app.py'],
    ['ENTRYPOINT ["./main.py"]', 'main.py'],
    ['ENTRYPOINT python3 main.py', 'main.py deaf'],
    ['CMD ["python3", "main.py"]', 'main.py deaf'],
    ['ENTRYPOINT ["python3"]\nCMD ["main.py"]', 'main.py deaf'],
    ['ENTRYPOINT ["sh", "-c", "python3 main.py"]', 'main.py'],
    ['ENTRYPOINT ["python3", "sub/app.py"]', 'sub/app.py'],
    ['WORKDIR sub\nENTRYPOINT ["python3", "app.py"]', 'sub/app.py'],
    ['ENTRYPOINT ["python3"]\nCMD main.py', 'none'],
    ['ENTRYPOINT ["python3"]\nCMD ["x"]', 'none'],
    ['ENTRYPOINT ["python3", "-c", "1"]', 'none'],
    ['ENTRYPOINT ["python3", "-"]', 'none'],
    ['ENTRYPOINT ["python3", "-m"]', 'none'],
    ['ENTRYPOINT ["python3"]', 'none'],
    ['ENTRYPOINT ["python3", "data.txt"]', 'none'],
    ['ENTRYPOINT ["/app/start.sh"]', 'none'],
    ['ENTRYPOINT python3 main.py && python3 sub/app.py', 'none'],
    ['ENTRYPOINT ["python3", "gone.py"]', 'none'],
    ['', 'none'],
  ])('%s: %s', async (line, expected) => expect(await find({ Dockerfile: `${HEAD}${line}\n`, 'sub/app.py': '' })).toBe(expected))

  it.each<readonly [string, Files, string]>([
    [
      'what COPY renames',
      { Dockerfile: 'FROM python:3.12\nCOPY src/run.py /app/main.py\nENTRYPOINT ["python3", "/app/main.py"]\n', 'src/run.py': '' },
      'src/run.py',
    ],
    [
      'what comes in a way that cannot be followed, nearest to the root',
      { Dockerfile: 'FROM x\nRUN git clone a\nENTRYPOINT ["python3", "main.py"]\n', 'a/main.py': '' },
      'main.py',
    ],
    [
      'one that agrees with more of the path',
      { Dockerfile: 'FROM x\nRUN git clone a\nENTRYPOINT ["python3", "/a/main.py"]\n', 'a/main.py': '', 'b/main.py': '' },
      'a/main.py',
    ],
    ['two that are as good', { Dockerfile: 'FROM x\nRUN git clone a\nENTRYPOINT ["python3", "run.py"]\n', 'a/run.py': '', 'b/run.py': '' }, 'none'],
    [
      'a folder of its own',
      {
        'sage.yaml': 'source: {directory: sub}',
        'sub/Dockerfile': `${HEAD}ENTRYPOINT ["python3", "main.py"]\n`,
        'sub/main.py': 'import helper',
        'sub/helper.py': '',
        'helper.py': '',
      },
      'sub/main.py sub/helper.py',
    ],
    [
      'a folder of its own that cannot be followed',
      { 'sage.yaml': 'source: {directory: sub}', 'sub/Dockerfile': 'FROM x\nRUN git clone a\nENTRYPOINT ["python3", "main.py"]\n', 'sub/main.py': '' },
      'sub/main.py',
    ],
    ['another frontend', { Dockerfile: '# syntax=example.org/x:1\nENTRYPOINT ["python3", "main.py"]\n' }, 'none'],
  ])('%s', async (_, files, expected) => expect(await find(files)).toBe(expected))

  it('is none without a Dockerfile', async () => expect(programOf(await factsOf({ 'main.py': '' }))).toBeUndefined())
})

describe('the modules of a program', () => {
  it.each<readonly [string, Files, string]>([
    ['by name', { 'main.py': 'import a\nimport numpy', 'a.py': 'import b', 'b.py': '', 'c.py': '' }, 'main.py a.py b.py'],
    [
      'packages',
      { 'main.py': 'import p.q.r', 'p/__init__.py': '', 'p/q/__init__.py': 'from . import s', 'p/q/r.py': '', 'p/q/s.py': '' },
      'main.py p/__init__.py p/q/__init__.py p/q/r.py p/q/s.py',
    ],
    ['from packages', { 'main.py': 'from p import q', 'p/__init__.py': 'from .q import *', 'p/q.py': 'from ..x import y' }, 'main.py p/__init__.py p/q.py'],
    ['from above', { 'main.py': 'import p.q', 'p/q.py': 'from ..r import s', 'r.py': '' }, 'main.py p/q.py r.py'],
    ['in circles', { 'main.py': 'import a', 'a.py': 'import main' }, 'main.py a.py'],
    ['in functions', { 'main.py': 'def f():\n  import a', 'a.py': '' }, 'main.py a.py'],
    ['that are no Python', { 'main.py': 'import a', 'a.py': 'x = = 1' }, 'main.py a.py partly'],
    [
      'without end',
      { 'main.py': 'import a0', ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`a${n}.py`, `import a${n + 1}\n${'#'.repeat(100_000)}`])) },
      'main.py a0.py a1.py a10.py a2.py a3.py a4.py a5.py a6.py a7.py a8.py a9.py partly',
    ],
  ])('%s', async (_, files, expected) => expect(await find(files)).toBe(expected))

  it('without a program are those that look like the plugin’s', async () => {
    const code = { 'app.py': '', 'lib/a.py': '', 'tests/b.py': '', 'test_c.py': '', 'train.py': '', 'setup.py': '', 'docs/conf.py': '' }
    const facts = await factsOf(code)
    expect(runTimeModules(facts).map(({ text }) => text.file)).toStrictEqual(['app.py', 'lib/a.py'])
    expect(runTimeModules(facts)).toBe(runTimeModules(facts))
    expect(runTimeModules(await healthyFacts(code)).map(({ text }) => text.file)).toStrictEqual(['main.py'])
  })

  it('without a program are no more than can be read', async () => {
    const facts = await factsOf(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`a${n}.py`, '#'.repeat(200_000)])))
    expect(runTimeModules(facts)).toHaveLength(6)
  })
})
