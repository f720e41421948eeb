import { describe, expect, it } from 'vitest'
import { contextFiles } from '../../../../pipeline/build/context-files.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const PATHS = [
  '.dockerignore',
  'Dockerfile',
  'README.md',
  'app/main.py',
  'app/model/weights.onnx',
  'app/c++.txt',
  'data/a.csv',
  'data/b.csv',
  'data/deep/c.csv',
  'docs/x y.md',
  'requirements.txt',
  'requirements-dev.txt',
  'setup.py',
]
const FILES = Object.fromEntries(PATHS.map((path) => [path, path]))
const ENTRIES = await memoryTree(FILES).entries()
const ALL = ENTRIES.map((entry) => entry.path)

function pathsOf(dockerfile: string, dockerignore?: string): string[] {
  return contextFiles(dockerfile, ENTRIES, dockerignore).entries.map((entry) => entry.path)
}

describe('files that a build can read', () => {
  it.each([
    ['a file', 'COPY requirements.txt /x', ['requirements.txt']],
    ['a folder', 'COPY app /x', ['app/main.py', 'app/model/weights.onnx', 'app/c++.txt']],
    ['a folder with a slash', 'COPY app/ /x', ['app/main.py', 'app/model/weights.onnx', 'app/c++.txt']],
    ['leading slashes and dots', 'COPY ./app/../setup.py /requirements.txt ../../README.md /x', ['README.md', 'requirements.txt', 'setup.py']],
    ['several sources', 'COPY setup.py requirements.txt /x/', ['requirements.txt', 'setup.py']],
    ['the JSON form', 'COPY ["docs/x y.md", "setup.py", "/x/"]', ['docs/x y.md', 'setup.py']],
    ['ADD', 'ADD setup.py /x', ['setup.py']],
    ['lower case', 'copy setup.py /x', ['setup.py']],
    ['flags', 'COPY --chown=1:1 --chmod=755 --link setup.py /x', ['setup.py']],
    ['stars, within one folder', 'COPY requirements*.txt /x', ['requirements.txt', 'requirements-dev.txt']],
    ['stars that match folders', 'COPY d* /x', ['data/a.csv', 'data/b.csv', 'data/deep/c.csv', 'docs/x y.md']],
    ['question marks and sets', 'COPY data/?.csv data/[!a]x data/[a-b].csv /x', ['data/a.csv', 'data/b.csv']],
    ['negated sets', 'COPY data/[^a].csv /x', ['data/b.csv']],
    ['escapes', String.raw`COPY ["setup\\.py", "/x"]`, ['setup.py']],
    ['a set that no expression can be, all that lies as deep', 'COPY data/[b-a].csv /x', ALL.filter((path) => path.includes('/'))],
    ['characters that mean something elsewhere', 'COPY app/c++.txt /x', ['app/c++.txt']],
    ['characters that mean something elsewhere, with a star', 'COPY app/c++* /x', ['app/c++.txt']],
    ['more stars than anybody needs', 'COPY *a*a*a*a*a*a*a*a*a /x', ALL],
    ['what is not there', 'COPY missing.txt /x', []],
    ['nothing', 'RUN true', []],
    ['instructions over several lines', 'COPY setup.py \\\n  # a comment\n  requirements.txt \\\n  /x', ['requirements.txt', 'setup.py']],
    ['only those of the context in stages', 'COPY app/main.py /x\nFROM scratch\nCOPY --from=a /x /y\nCOPY --from=busybox /z /y', ['app/main.py']],
    ['nothing for a bind mount from a stage', 'RUN --mount=type=bind,from=a,source=/x,target=/y make', []],
    ['nothing for other mounts', 'RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=x make', []],
    ['nothing for a script in a heredoc', 'RUN <<EOF\nCOPY . /x\nEOF', []],
    ['comments', '# COPY . /x', []],
    ['the stock frontend', 'COPY setup.py /x', ['setup.py']],
  ])('are those of %s', (_, lines, paths) => {
    expect(pathsOf(`# syntax=docker/dockerfile:1\nFROM debian AS a\n${lines}\n`)).toEqual(paths.toSorted())
  })

  it.each([
    ['COPY . /x', 'COPY of the whole context'],
    ['COPY ./ /x', 'COPY of the whole context'],
    ['COPY .. /x', 'COPY of the whole context'],
    ['COPY / /x', 'COPY of the whole context'],
    ['COPY **/*.csv /x', 'COPY with **'],
    ['COPY $APP /x', 'COPY with a variable'],
    ['COPY ${APP}/main.py /x', 'COPY with a variable'],
    ['ADD https://example.org/model.pt /x', 'ADD with an address'],
    ['ADD git@github.com:a/b.git /x', 'ADD with an address'],
    ['COPY "docs/x y.md" /x', 'COPY with quotes'],
    ['COPY <<EOF /x\nhello\nEOF', 'COPY with a heredoc'],
    ['RUN --mount=type=bind,target=/src make', 'RUN --mount=type=bind'],
    ['RUN --mount=target=/src make', 'RUN --mount=type=bind'],
    ['ONBUILD COPY . /x', 'ONBUILD'],
    ['FROM python:3-onbuild', 'a base image with ONBUILD'],
  ])('are all of them for %s, after .dockerignore', (line, why) => {
    const { entries, whole } = contextFiles(`FROM debian\n${line}\n`, ENTRIES, 'README.md\n')
    expect(whole).toBe(why)
    expect(entries.map((entry) => entry.path)).toEqual(ALL.filter((path) => path !== 'README.md'))
  })

  it('are all of them for a frontend of somebody else', () => {
    expect(contextFiles('# syntax=example.org/mine\nFROM x\n', ENTRIES, undefined)).toMatchObject({ whole: 'the frontend example.org/mine', entries: ENTRIES })
  })

  it.each([
    [
      'files and folders',
      'data\nsetup.py',
      [
        '.dockerignore',
        'Dockerfile',
        'README.md',
        'app/main.py',
        'app/model/weights.onnx',
        'app/c++.txt',
        'docs/x y.md',
        'requirements.txt',
        'requirements-dev.txt',
      ],
    ],
    ['everything but exceptions', '*\n!app\napp/model', ['app/main.py', 'app/c++.txt']],
    ['double stars, comments, white space and a byte order mark', '\uFEFF# all tables\n  **/*.csv  \r\n\n/docs/', ALL.filter((path) => !/csv|docs/.test(path))],
    ['exactly what is written, not an expression', 'app/c++.txt\nrequirements(-dev)?.txt', ALL.filter((path) => path !== 'app/c++.txt')],
    ['case', 'readme.md', ALL],
    ['nothing, where a pattern cannot be read', '[b-a]\nREADME.md', ALL],
    ['nothing, where a pattern could take forever', '**/**/**/**/**/x\nREADME.md', ALL],
  ])('.dockerignore takes out %s', (_, dockerignore, paths) => {
    expect(pathsOf('FROM x\nCOPY . .\n', dockerignore)).toEqual(paths.toSorted())
  })

  it('.dockerignore takes out files that COPY names', () => {
    expect(pathsOf('FROM x\nCOPY app setup.py /x/\n', 'app/model\nsetup.py')).toEqual(['app/c++.txt', 'app/main.py'])
  })

  it('are all of them when a source is a link, or behind one', async () => {
    const entries = await memoryTree({ ...FILES, latest: { link: 'app' }, 'link/inner': { link: '..' } }).entries()
    for (const source of ['latest', 'latest/main.py', 'late*']) {
      expect(contextFiles(`FROM x\nCOPY ${source} /x\n`, entries, undefined)).toMatchObject({ whole: 'COPY of a symbolic link', entries })
    }
    expect(contextFiles('FROM x\nCOPY link /x\n', entries, undefined).entries.map((entry) => entry.path)).toEqual(['link/inner'])
  })
})
