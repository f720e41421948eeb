import { describe, expect, it } from 'vitest'

import { installationsOf } from '../../../../../pipeline/validate/python/installations.ts'
import { isOlder, pywaggleOf } from '../../../../../pipeline/validate/python/pywaggle.ts'
import { factsOf, healthyFacts } from './facts.ts'
import type { Files } from './facts.ts'

const dockerfile = (...lines: readonly string[]): string =>
  `FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n${lines.join('\n')}\nENTRYPOINT ["python3", "main.py"]\n`

/** Each as `numpy requirements.txt:1`, with `*` where something else has a say; missing files as `-name`. */
async function find(files: Files): Promise<readonly string[]> {
  const { all, missing } = installationsOf(await healthyFacts(files))
  return [
    ...all.map(({ requirement: { name, text, span }, isSteered }) => `${name} ${text.file}:${text.place(span).line}${isSteered ? '*' : ''}`),
    ...missing.map(({ name, place }) => `-${name} ${place.file}:${place.line}`),
  ]
}

describe('what pip installs', () => {
  it.each<readonly [string, readonly string[]]>([
    ['RUN pip install numpy scipy==1', ['numpy Dockerfile:4', 'scipy Dockerfile:4']],
    ['RUN apt-get update \\\n && python3 -m pip install --no-cache-dir "numpy<2"', ['numpy Dockerfile:5']],
    ['RUN uv pip install numpy', ['numpy Dockerfile:4']],
    ['RUN pip install -r requirements.txt', ['pywaggle requirements.txt:1']],
    ['RUN pip install -r /app/requirements.txt', ['pywaggle requirements.txt:1']],
    ['RUN pip install -r requirements.txt && pip install -r requirements.txt', ['pywaggle requirements.txt:1']],
    ['RUN pip install --extra-index-url https://a.b numpy', ['numpy Dockerfile:4*']],
    ['RUN pip install -i https://a.b -r requirements.txt', ['pywaggle requirements.txt:1*']],
    ['RUN pip install -c requirements.txt numpy', ['numpy Dockerfile:4*']],
    ['RUN pip install -r gone.txt', ['-gone.txt Dockerfile:4']],
    ['RUN touch gone.txt\nRUN pip install -r gone.txt', []],
    ['RUN pip install -r "$FILE"', []],
    ['RUN pip install -r https://a.b/c.txt', []],
    ['RUN pip install -r there.in', []],
    ['RUN pip download numpy', []],
    ['RUN pip install "==1"', []],
    ['RUN echo', []],
  ])('%s', async (line, expected) => expect(await find({ Dockerfile: dockerfile(line), 'x/there.in': '' })).toStrictEqual(expected))

  it.each<readonly [string, Files, readonly string[]]>([
    [
      'files in files',
      {
        'requirements.txt': '-r more/requirements-a.txt\nnumpy',
        'more/requirements-a.txt': '-r ../requirements-b.txt\nscipy',
        'requirements-b.txt': '-r ./requirements.txt\npandas',
      },
      ['numpy requirements.txt:2', 'scipy more/requirements-a.txt:2', 'pandas requirements-b.txt:2'],
    ],
    [
      'files in files that are not there',
      { 'requirements.txt': '-r gone.txt\n-r $X\n-r /x\n-r https://a.b\n-r there.in', 'there.in': '' },
      ['-gone.txt requirements.txt:1'],
    ],
    ['an index in a file', { 'requirements.txt': '--index-url https://a.b\nnumpy\n-e ./x' }, ['numpy requirements.txt:2*', ' requirements.txt:3*']],
    [
      'the file nearest to the path',
      { Dockerfile: dockerfile('RUN pip install -r b/requirements.txt'), 'a/requirements.txt': 'scipy', 'b/requirements.txt': 'numpy' },
      ['numpy b/requirements.txt:1'],
    ],
    [
      'two files as good',
      { Dockerfile: dockerfile('RUN pip install -r requirements-x.txt'), 'a/requirements-x.txt': 'scipy', 'b/requirements-x.txt': 'numpy' },
      [],
    ],
    ['another frontend', { Dockerfile: '# syntax=example.org/x:1\nRUN pip install numpy\n' }, []],
    [
      'a project',
      { Dockerfile: dockerfile('RUN pip install .'), 'pyproject.toml': '[project]\ndependencies = ["numpy", "pywaggle[all]==0.52.7"]\n' },
      ['pywaggle pyproject.toml:2'],
    ],
    [
      'a project that may be changed',
      { Dockerfile: dockerfile('RUN pip install -e .[x] && pip install .'), 'setup.py': "setup(install_requires=['pywaggle'])" },
      ['pywaggle setup.py:1'],
    ],
    [
      'a project of another tool',
      {
        Dockerfile: dockerfile('RUN pip install ./'),
        'pyproject.toml': '[tool.poetry.dependencies]\npywaggle = "^0.56"\n',
        'setup.cfg': '[options]\ninstall_requires =\n    pywaggle>=0.55\n',
      },
      ['pywaggle setup.cfg:3'],
    ],
  ])('%s', async (_, files, expected) => expect((await find(files)).filter((line) => !line.startsWith(' Dockerfile'))).toStrictEqual(expected))

  it('is what requirements.txt says where there is no Dockerfile', async () => {
    const installations = installationsOf(await factsOf({ 'requirements.txt': 'numpy' }))
    expect(installations.all.map(({ requirement }) => requirement.name)).toStrictEqual(['numpy'])
    expect(installationsOf(await factsOf({}))).toStrictEqual({ all: [], missing: [] })
  })

  it.each<readonly [string, Files, number, number]>([
    ['packages in a file', { 'requirements.txt': 'a\n'.repeat(131_000) }, 2000, 0],
    ['packages in a command', { Dockerfile: dockerfile(`RUN pip install ${'a '.repeat(5000)}`) }, 2000, 0],
    ['options', { 'requirements.txt': `${'--pre\n'.repeat(5000)}numpy` }, 0, 0],
    ['files that are asked for', { Dockerfile: dockerfile(`RUN pip install ${Array.from({ length: 99 }, (_, at) => `-r gone-${at}-x`).join(' ')}`) }, 0, 50],
    ['files that files ask for', { 'requirements.txt': Array.from({ length: 99 }, (_, at) => `-r gone${at}\n`).join('') }, 0, 50],
    [
      'characters',
      Object.fromEntries(
        Array.from({ length: 5 }, (_, at) => [
          at === 0 ? 'requirements.txt' : `requirements${at}.txt`,
          `numpy\n-r requirements${at + 1}.txt\n${'#'.repeat(150_000)}`,
        ]),
      ),
      3,
      0,
    ],
  ])('has an end: %s', async (_, files, packages, missing) => {
    const found = installationsOf(await healthyFacts(files))
    expect([found.all.length, found.missing.length]).toStrictEqual([packages, missing])
  })
})

describe('the image’s pywaggle', () => {
  it.each([
    ['pywaggle==0.52.7', '0.52.7'],
    ['pywaggle', '0.56.3'],
    ['pywaggle[all]>=0.50', '0.56.3'],
    ['pywaggle==0.55.*', '0.55.1'],
    ['pywaggle~=0.53.0', '0.53.5'],
    ['pywaggle<0.53', '0.52.7'],
    ['pywaggle==0.40.5', '0.40.5'],
    ['pywaggle<0.30', undefined],
    ['pywaggle>=x', undefined],
    ['git+https://github.com/waggle-sensor/pywaggle.git@0.51.1', '0.51.1'],
    ['git+https://github.com/waggle-sensor/pywaggle.git@v0.40.5#egg=pywaggle', '0.40.5'],
    ['git+https://github.com/waggle-sensor/pywaggle.git', undefined],
    ['pywaggle==0.52.7; python_version < "3.8"', undefined],
    ['--index-url https://a.b\npywaggle==0.52.7', undefined],
    ['pywaggle==0.52.7\npywaggle==0.53.0', '0.53.0'],
  ])('%s: %s', async (line, expected) => expect(pywaggleOf(await healthyFacts({ 'requirements.txt': line }))?.version?.text).toBe(expected))

  it('may come with the base image', async () => {
    const withBase = (base: string) => healthyFacts({ Dockerfile: `FROM ${base}\nCOPY main.py /app/\nENTRYPOINT ["python3", "/app/main.py"]\n` })
    const old = pywaggleOf(await withBase('waggle/plugin-base:1.1.1-base'))
    expect(old).toMatchObject({ version: { text: '0.40' }, requirement: undefined })
    expect([isOlder(old, '0.45.0'), isOlder(old, '0.40'), isOlder(undefined, '0.45.0')]).toStrictEqual([true, false, false])
    expect(pywaggleOf(await withBase('python:3.12'))).toBeUndefined()
    expect(pywaggleOf(await factsOf({}))).toBeUndefined()
  })
})
