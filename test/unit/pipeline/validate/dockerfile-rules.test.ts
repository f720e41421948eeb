import { describe, expect, it } from 'vitest'

import { ignoringLine } from '../../../../pipeline/validate/dockerfile/ignore-file.ts'
import { DOCKERFILE_RULES } from '../../../../pipeline/validate/rules/dockerfile-rules.ts'
import { textFile } from '../../../../pipeline/validate/text-file.ts'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { brief, check } from './dockerfile/facts.ts'
import type { Files } from './dockerfile/facts.ts'

const MAIN = 'ENTRYPOINT ["python3", "/app/main.py"]\n'
const PYTHON = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt main.py ./\n'
const BASE = 'FROM waggle/plugin-base:1.1.1-base\nWORKDIR /app\nCOPY requirements.txt main.py ./\n'
const TOKEN = ['ghp', 'k9Qw3z'.repeat(6)].join('_')

/** sage.yaml of these architectures, with more of `source`: `source:` is line 5, `architectures` line 6. */
function manifest(architectures: string, ...source: readonly string[]): string {
  return [
    'name: a',
    'version: "1.2.3"',
    'description: a',
    'license: MIT',
    'source:',
    `  architectures: [${architectures}]`,
    ...source.map((line) => `  ${line}`),
    '',
  ].join('\n')
}

/** All codes but the one that nearly every Dockerfile has. */
async function find(files: Files): Promise<readonly string[]> {
  return brief(await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, ...files })).filter((line) => !line.startsWith('D025'))
}

type Row = readonly [name: string, files: Files, expected: readonly string[]]

const rows = (dockerfiles: Readonly<Record<string, readonly [text: string, ...expected: string[]]>>): readonly Row[] =>
  Object.entries(dockerfiles).map(([name, [text, ...expected]]) => [
    name,
    { Dockerfile: text },
    expected.map((code) => code.replace(/ (\d)/, ' Dockerfile:$1')),
  ])

describe('rules about where the Dockerfile is', () => {
  it.each<Row>([
    ['a folder that is not there', { 'sage.yaml': manifest('linux/amd64', 'directory: Ecr-meta') }, ['D001 sage.yaml:7']],
    ['a folder above', { 'sage.yaml': manifest('linux/amd64', 'directory: ../x') }, ['D001 sage.yaml:7']],
    ['a file for a folder', { 'sage.yaml': manifest('linux/amd64', 'directory: main.py') }, ['D001 sage.yaml:7']],
    [
      'a folder with a slash before it',
      { 'sage.yaml': manifest('linux/amd64', 'directory: /sub'), 'sub/Dockerfile': `FROM debian:12\n${MAIN}`, 'sub/main.py': '' },
      ['D044 sub/Dockerfile:2:24'],
    ],
    ['another name', { 'sage.yaml': manifest('linux/amd64', 'dockerfile: Dockerfile.gpu') }, ['D002 sage.yaml:7']],
    ['no Dockerfile in a folder', { 'sage.yaml': manifest('linux/amd64', 'directory: sub/'), 'sub/main.py': '' }, ['D002 sage.yaml:1']],
    ['a Dockerfile in small letters', { 'sage.yaml': manifest('linux/amd64', 'directory: sub'), 'sub/dockerfile': MAIN }, []],
    [
      'one above the context',
      { 'sage.yaml': manifest('linux/amd64', 'directory: sub', 'dockerfile: ./a/../../Dockerfile'), 'sub/a/x.py': '' },
      ['D003 sage.yaml:8'],
    ],
    ['one above the context that is not there', { 'sage.yaml': manifest('linux/amd64', 'dockerfile: ../Dockerfile') }, ['D003 sage.yaml:7']],
    [
      'a link out of the context',
      { 'sage.yaml': manifest('linux/amd64', 'directory: sub'), 'sub/Dockerfile': { link: '../Dockerfile' } },
      ['D003 sage.yaml:1'],
    ],
    ['one that is too large', { Dockerfile: `FROM debian:12\n${'RUN true\n'.repeat(8000)}` }, ['D004 Dockerfile:1:1']],
    ['too many stages', { Dockerfile: 'FROM debian:12\n'.repeat(101) }, ['D004 Dockerfile:1:1']],
    ['another frontend', { Dockerfile: '# syntax=example.org/x:1\nHELLO\n' }, ['D004 Dockerfile:1:1']],
    ["Docker's own frontend", { Dockerfile: `# syntax=docker/dockerfile:1\n${PYTHON}${MAIN}` }, []],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))

  it('name what is there instead', async () => {
    const [problem] = await check(DOCKERFILE_RULES, { 'sage.yaml': manifest('linux/amd64', 'directory: plugin'), 'plugins/Dockerfile.gpu': MAIN })
    expect(problem?.suggestion).toBe('Did you mean "plugins"?')
    const [missing] = await check(DOCKERFILE_RULES, { 'sage.yaml': manifest('linux/amd64', 'directory: plugins'), 'plugins/Dockerfile.gpu': MAIN })
    expect(missing?.suggestion).toBe('It is counted from `source.directory` ("plugins"). The repository holds plugins/Dockerfile.gpu.')
    const [none] = await check(DOCKERFILE_RULES, { 'sage.yaml': manifest('linux/amd64') })
    expect(none?.suggestion).toMatch(/^Write one/)
  })
})

describe('rules about what the builder reads', () => {
  it.each<Row>(
    rows({
      'an empty file': ['\n# nothing\n', 'D010 1:1'],
      'no FROM': ['RUN true\n', 'D010 1:1'],
      'an unknown instruction': [`${PYTHON}apt-get install -y x\nRUM x\n${MAIN}`, 'D011 4:1', 'D011 5:1'],
      'what the builder reads over': [`${PYTHON}ONBUILD RUNN x\nRUN\n\\\n\n${MAIN}`],
      'one before FROM': [`ARG A=1\nWORKDIR /\nRUNN\nFROM debian:12\n${MAIN}`, 'D011 3:1', 'D012 2:1', 'D044 5:24'],
      'COPY without a target': [`${PYTHON}COPY main.py\n${MAIN}`, 'D013 4:1'],
      'FROM without an image': [`FROM\n${MAIN}`, 'D013 1:1'],
      'FROM with too many words': [`FROM debian:12 bookworm AS x\n${MAIN}`, 'D013 1:1', 'D044 2:24'],
      'a stage with a bad name': [`FROM debian:12 AS 1a\n${MAIN}`, 'D013 1:1', 'D044 2:24'],
      'instructions without arguments': [
        `${PYTHON}ARG\nWORKDIR\nENV\nLABEL =x\nENV A\nSHELL sh\nONBUILD\nSHELL []\nARG =b\n${MAIN}`,
        ...[4, 5, 6, 7, 8, 9, 10, 11, 12].map((line) => `D013 ${line}:1`),
      ],
      'flags that are not there': [
        `${PYTHON}COPY --chwon=a main.py /b\nRUN --mont=type=cache true\nFROM --bogus debian:12\nCOPY main.py /app/\n${MAIN}`,
        'D013 4:6',
        'D013 5:5',
        'D013 6:6',
      ],
      'values without quotes': [`${PYTHON}ENV A=b c D=e\nLABEL a="b c" 'd'\n${MAIN}`, 'D013 4:9', 'D013 5:15'],
      'quotes that are not closed': [`${PYTHON}ENV A="b\nARG C='\nCOPY ["main.py", '/x/']\nCOPY "main.py /y\n${MAIN}`, 'D013 4:5', 'D013 5:5', 'D013 7:6'],
      'what may not be held back': [`${PYTHON}ONBUILD FROM a\nONBUILD ONBUILD RUN b\n${MAIN}`, 'D013 4:1', 'D013 5:1'],
      'a list with a number': [`${PYTHON}RUN ["sleep", 1]\n${MAIN}`, 'D013 4:1'],
      'a heredoc without end': [`${PYTHON}${MAIN}RUN <<EOF\ntrue\n`, 'D013 5:1'],
      'things as they should be': [
        `${PYTHON}ENV A b c\nENV B=1 C="2 3"\nLABEL a=b\nSHELL ["/bin/sh", "-c"]\nUSER root\nHEALTHCHECK NONE\nONBUILD RUN true\nRUN <<EOF\ntrue\nEOF\n${MAIN}`,
      ],
      'a variable without value in FROM': [`ARG VERSION\nFROM python:\${VERSION}\n${MAIN}`, 'D014 2:6'],
      'a variable that nobody declared': [`FROM $BASE\n${MAIN}`, 'D014 1:6'],
      'a variable that may be empty': [`ARG SUFFIX\nFROM python:3.12\${SUFFIX}\nCOPY main.py /app/\n${MAIN}`],
      'a variable of the building machine': [`FROM python:$BUILDARCH\n${MAIN}`],
      'a name with an operator that is not followed': [`ARG A=x\nFROM \${A%x}\n${MAIN}`],
      'a stage that is misspelled': [`FROM debian:12 AS builder\nRUN true\n${PYTHON}COPY --from=bilder /a /b\n${MAIN}`, 'D015 6:6'],
      'a stage that comes later': [`FROM debian:12\nRUN true\n${PYTHON}COPY --from=1 /a /b\n${MAIN}`, 'D015 6:6'],
      'a stage in a mount': [`FROM debian:12 AS builder\nRUN true\n${PYTHON}RUN --mount=from=buildr,target=/x true\n${MAIN}`, 'D015 6:5'],
      'a stage that takes from itself': [`${PYTHON}FROM debian:12 AS me\nCOPY --from=Me /a /b\nCOPY main.py /app/\n${MAIN}`, 'D015 5:6'],
      'a stage that nothing can be called': [`${PYTHON}COPY --from=b#c /a /b\n${MAIN}`, 'D015 4:6'],
      'an image that nothing can be called': [`FROM Python:3.12\nCOPY main.py /app/\n${MAIN}`, 'D016 1:6'],
      'an image with odd signs': [`FROM a//b\n${MAIN}`, 'D016 1:6'],
      'an image with a variable': [`ARG V=A\nFROM $V\n${MAIN}`, 'D016 2:6'],
      'stages and images that are there': [
        `FROM debian:12 AS builder\nRUN true\n${PYTHON}COPY --from=Builder /a /b\nCOPY --from=0 /a /b\nCOPY --from=debian:12 /a /b\nRUN --mount=type=cache,target=/x true\n${MAIN}`,
      ],
    }),
  )('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))

  it('a line of 64 KiB', async () => expect(await find({ Dockerfile: `FROM debian:12\nRUN ${'é'.repeat(32_770)}\n` })).toContain('D013 Dockerfile:2:1'))
})

const L4T = 'FROM nvcr.io/nvidia/l4t-ml:r32.4.4-py3\n'

const RUN = `COPY main.py /app/\n${MAIN}`

describe('rules about base images', () => {
  it.each<Row>([
    ['arm64 only', { Dockerfile: `${L4T}${RUN}` }, ['D020 Dockerfile:1:6', 'D027 Dockerfile:1:6']],
    ['arm64 only, as listed', { 'sage.yaml': manifest('linux/arm64'), Dockerfile: `${L4T}${RUN}` }, ['D027 Dockerfile:1:6']],
    ['32-bit Arm', { 'sage.yaml': manifest('linux/arm/v7, linux/amd64'), Dockerfile: `${BASE}RUN pip3 install pywaggle\n${MAIN}` }, ['D020 Dockerfile:1:6']],
    ['a stage that takes no part', { Dockerfile: `${L4T}RUN true\n${PYTHON}${MAIN}` }, []],
    ['a stage that is copied from', { Dockerfile: `${L4T}RUN true\n${PYTHON}COPY --from=0 /a /b\n${RUN}` }, ['D020 Dockerfile:1:6']],
    [
      'two that are missing',
      { 'sage.yaml': manifest('linux/arm/v6, linux/arm/v7'), Dockerfile: `FROM pytorch/pytorch:2.5.1\n${RUN}` },
      ['D020 Dockerfile:1:6'],
    ],
    ['one for each architecture', { Dockerfile: `FROM waggle/plugin-base:1.1.1-ml-tensorflow2.3-\${TARGETARCH}\n${RUN}` }, ['D027 Dockerfile:1:6']],
    [
      'the same with the wrong one',
      { Dockerfile: `FROM waggle/plugin-base:1.1.1-ml-cuda11.0-amd64\nRUN pip3 install pywaggle\n${RUN}` },
      ['D020 Dockerfile:1:6'],
    ],
    ['a board', { Dockerfile: `FROM waggle/sage-thor-base:0.1.0\n${RUN}` }, ['D021 Dockerfile:1:6']],
    ['two boards', { 'sage.yaml': manifest('linux/arm64'), Dockerfile: `FROM waggle/sage-thor-base:0.1.0\n${RUN}` }, []],
    ['a fixed platform', { Dockerfile: `FROM --platform=linux/amd64 debian:12\n${RUN}` }, ['D022 Dockerfile:1:6']],
    ['a fixed platform that is the only one', { 'sage.yaml': manifest('linux/amd64'), Dockerfile: `FROM --platform=amd64 debian:12\n${RUN}` }, []],
    [
      'a fixed platform that lacks',
      { 'sage.yaml': manifest('linux/arm64'), Dockerfile: `FROM --platform=linux/amd64 ${L4T.slice(5)}${RUN}` },
      ['D020 Dockerfile:1:29', 'D022 Dockerfile:1:6', 'D027 Dockerfile:1:29'],
    ],
    ['the machine that builds', { Dockerfile: `FROM --platform=$BUILDPLATFORM debian:12\n${RUN}` }, ['D022 Dockerfile:1:6']],
    ['the machine that builds, for one', { 'sage.yaml': manifest('linux/amd64'), Dockerfile: `FROM --platform=$BUILDPLATFORM debian:12\n${RUN}` }, []],
    [
      'the machine that builds, as a tool',
      { Dockerfile: `FROM --platform=$BUILDPLATFORM debian:12 AS tool\nRUN true\n${PYTHON}COPY --from=tool /a /b\n${RUN}` },
      [],
    ],
    ['64-bit Arm by its other name', { 'sage.yaml': manifest('linux/arm/v8'), Dockerfile: `FROM --platform=linux/arm64 debian:12\n${RUN}` }, []],
    ['one that nobody knows', { Dockerfile: `FROM example.org/a/b:1\n${RUN}` }, ['D023 Dockerfile:1:6']],
    ['scratch', { Dockerfile: `FROM scratch\n${RUN}` }, []],
    ['no tag', { Dockerfile: `FROM python\n${RUN}` }, ['D024 Dockerfile:1:6']],
    ['a tag that moves', { Dockerfile: `FROM python:3-slim\n${RUN}` }, ['D024 Dockerfile:1:6']],
    ['Debian that is gone', { Dockerfile: `FROM debian:stretch-slim\nRUN apt-get update\n${RUN}` }, ['D026 Dockerfile:2:1']],
    [
      'the old key',
      { Dockerfile: `FROM waggle/plugin-base:1.1.1-ml\nRUN apt update\nRUN pip3 install pywaggle\n${RUN}` },
      ['D026 Dockerfile:2:1', 'D027 Dockerfile:1:6'],
    ],
    [
      'the old key, for arm64',
      { 'sage.yaml': manifest('linux/arm64'), Dockerfile: `FROM waggle/plugin-base:1.1.1-ml\nRUN apt update\nRUN pip3 install pywaggle\n${RUN}` },
      ['D027 Dockerfile:1:6'],
    ],
    [
      'the old key, mended',
      { Dockerfile: `FROM waggle/plugin-base:1.1.1-ml\nRUN rm /etc/apt/sources.list.d/*\nRUN apt update\nRUN pip3 install pywaggle\n${RUN}` },
      ['D027 Dockerfile:1:6'],
    ],
    ['the old key, unused', { Dockerfile: `FROM waggle/plugin-base:1.1.1-ml\nRUN pip3 install pywaggle\n${RUN}` }, ['D027 Dockerfile:1:6']],
    ['a GPU on all nodes of amd64', { 'sage.yaml': manifest('linux/amd64'), Dockerfile: `FROM nvidia/cuda:11.8.0-runtime-ubuntu22.04\n${RUN}` }, []],
    ['a GPU on no node', { Dockerfile: `FROM nvcr.io/nvidia/pytorch:24.06-py3\n${RUN}` }, ['D027 Dockerfile:1:6']],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))

  it('say once that an image is not pinned', async () => {
    const codes = async (text: string): Promise<readonly string[]> =>
      brief(await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, Dockerfile: text })).filter((line) => line.startsWith('D025'))
    expect(await codes(`FROM debian:12 AS a\nRUN true\nFROM debian:12\nCOPY --from=a /a /b\n${MAIN}`)).toStrictEqual(['D025 Dockerfile:1:6'])
    expect(await codes(`FROM debian:latest\n${MAIN}`)).toStrictEqual([])
  })
})

const INIT = { 'main.py': 'import waggle.plugin as plugin\nplugin.init()\n' }

describe('rules about pywaggle', () => {
  it.each<Row>([
    ['nothing installs it', { ...INIT, Dockerfile: `${BASE}${MAIN}` }, ['D030 Dockerfile:1:6']],
    ['nothing installs it, and `with`', { Dockerfile: `${BASE}${MAIN}` }, ['D031 Dockerfile:1:6']],
    [
      'requirements without it',
      { ...INIT, 'requirements.txt': 'numpy\n', Dockerfile: `${BASE}RUN pip3 install -r requirements.txt\n${MAIN}` },
      ['D030 Dockerfile:1:6'],
    ],
    ['requirements with it', { ...INIT, Dockerfile: `${BASE}RUN pip3 install -r requirements.txt\n${MAIN}` }, []],
    ['requirements with others', { ...INIT, 'requirements.txt': '-r more.txt\n', Dockerfile: `${BASE}RUN pip3 install -r requirements.txt\n${MAIN}` }, []],
    ['requirements that are not there', { ...INIT, Dockerfile: `${BASE}RUN pip3 install -r more.txt\n${MAIN}` }, []],
    ['by name', { ...INIT, Dockerfile: `${BASE}RUN pip3 install 'pywaggle[all]>=0.55'\n${MAIN}` }, []],
    ['by a file', { ...INIT, Dockerfile: `${BASE}RUN pip3 install ./lib\n${MAIN}` }, []],
    ['by a variable', { ...INIT, Dockerfile: `${BASE}RUN pip3 install $PACKAGES\n${MAIN}` }, []],
    ['by another tool', { ...INIT, Dockerfile: `${BASE}RUN poetry install\n${MAIN}` }, []],
    ['another package', { ...INIT, Dockerfile: `${BASE}RUN pip3 install numpy\n${MAIN}` }, ['D030 Dockerfile:1:6']],
    ['Python 2', { Dockerfile: `FROM python:2.7\nCOPY main.py /app/\nRUN pip install pywaggle\n${MAIN}` }, ['D032 Dockerfile:1:6']],
    [
      'Python 3.5',
      { Dockerfile: `FROM python:3.5\nCOPY main.py requirements.txt /app/\nRUN pip install -r /app/requirements.txt\n${MAIN}` },
      ['D032 Dockerfile:1:6'],
    ],
    [
      'Python 3.5 without pywaggle',
      { 'requirements.txt': '', Dockerfile: `FROM python:3.5\nCOPY main.py requirements.txt /app/\nRUN pip install -r /app/requirements.txt numpy\n${MAIN}` },
      [],
    ],
    ['Python 3.6', { Dockerfile: `FROM python:3.6\nCOPY main.py /app/\nRUN pip install pywaggle\n${MAIN}` }, []],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))
})

describe('rules about what is started', () => {
  it.each<Row>([
    ...rows({
      'CMD in place of ENTRYPOINT': [`${PYTHON}CMD ["python3", "/app/main.py"]\n`, 'D040 4:1'],
      'CMD in shell form': [`${PYTHON}CMD python3 /app/main.py\n`, 'D040 4:1'],
      nothing: [PYTHON, 'D040 1:1'],
      'an unknown base that may have one': ['FROM example.org/a/b:1\nCMD ["--fast"]\n', 'D023 1:6'],
      'an unknown base, and a program': ['FROM example.org/a/b:1\nCMD ["/app/run.sh"]\n', 'D023 1:6', 'D040 2:1'],
      'an unknown base, and no word of it': ['FROM example.org/a/b:1\nRUN true\n', 'D023 1:6'],
      'one of a stage below': [`FROM python:3.12-slim AS base\nCOPY main.py /app/\n${MAIN}FROM base\nRUN true\n`],
      'CMD of a stage below that ENTRYPOINT takes away': [
        `FROM python:3.12-slim AS base\nCOPY main.py /app/\nCMD curl https://example.org/x\nFROM base\n${MAIN}`,
      ],
      'a shell': [`${PYTHON}ENTRYPOINT python3 /app/main.py\n`, 'D041 4:12'],
      'a shell that must be one': [`${PYTHON}ENTRYPOINT exec python3 /app/main.py "$@"\n`, 'D041 4:12'],
      'a shell in a list': [`${PYTHON}ENTRYPOINT ["sh", "-c", "python3 main.py"]\n`, 'D041 4:25'],
      'a shell that loses the first': [`${PYTHON}ENTRYPOINT ["/bin/bash", "-ec", "python3 main.py $@"]\n`, 'D041 4:33'],
      'a shell that hands on': [`${PYTHON}ENTRYPOINT ["sh", "-c", "python3 main.py \\"$@\\"", "--"]\n`],
      'a shell that hands on the first, too': [`${PYTHON}ENTRYPOINT ["sh", "-c", "python3 main.py $0 $@"]\n`],
      'an empty one': [`${PYTHON}ENTRYPOINT\n`],
      'single quotes': [`${PYTHON}ENTRYPOINT ['python3', '/app/main.py']\n`, 'D042 4:12'],
      'a comma too many': [`${PYTHON}CMD ["--fast",]\n${MAIN}`, 'D042 4:5'],
      'no way to tell what was meant': [`${PYTHON}ENTRYPOINT [python3, main.py]\n`, 'D042 4:12'],
      'all in one word': [`${PYTHON}ENTRYPOINT ["python3 /app/main.py"]\n`, 'D043 4:13'],
      'all in one word, with a variable': [`${PYTHON}ENTRYPOINT ["/usr/bin/python3 $HOME/main.py"]\n`, 'D043 4:13'],
      'a program with a space': [`${PYTHON}ENTRYPOINT ["/opt/my tool/run"]\n`],
      'a script that is not there': [`${PYTHON}ENTRYPOINT ["python3", "-u", "main2.py"]\n`, 'D044 4:30'],
      'a script in another case': [`${PYTHON}ENTRYPOINT ["/app/Main.py"]\n`, 'D044 4:13'],
      'a script of CMD': [`${PYTHON}ENTRYPOINT ["python3"]\nCMD ["/main.py"]\n`, 'D044 5:6'],
      'a script that a step makes': [`${PYTHON}RUN echo > /app/run.sh\nENTRYPOINT ["/app/run.sh"]\n`],
      'a script that a step may bring': [`${PYTHON}RUN git clone https://github.com/a/b\nENTRYPOINT ["python3", "b/run.py"]\n`],
      'a script without an ending': [`${PYTHON}ENTRYPOINT ["/app/run"]\n`],
      'a module': [`${PYTHON}ENTRYPOINT ["python3", "-m", "app"]\n`],
      'a package at the start': [`${PYTHON}ENTRYPOINT ["sh", "-c", "pip install numpy && exec python3 main.py $0 $@"]\n`, 'D046 4:1'],
      'a model at the start': [`${PYTHON}ENTRYPOINT ["python3", "main.py"]\nCMD wget https://example.org/x; ls\n`, 'D046 5:1'],
      'a page of the node at the start': [`${PYTHON}ENTRYPOINT ["sh", "-c", "curl http://wes-camera/x && python3 main.py $0 $@"]\n`],
    }),
    ['a script that may not run', { Dockerfile: `${PYTHON}COPY run.sh .\nENTRYPOINT ["./run.sh"]\n`, 'run.sh': '#!/bin/sh\n' }, ['D045 Dockerfile:5:13']],
    ['a script that may run', { Dockerfile: `${PYTHON}COPY run.sh .\nENTRYPOINT ["./run.sh"]\n`, 'run.sh': { program: '#!/bin/sh\n' } }, []],
    ['a script that COPY lets run', { Dockerfile: `${PYTHON}COPY --chmod=755 run.sh .\nENTRYPOINT ["./run.sh"]\n`, 'run.sh': '#!/bin/sh\n' }, []],
    ['a script that a step lets run', { Dockerfile: `${PYTHON}COPY run.sh .\nRUN chmod +x run.sh\nENTRYPOINT ["./run.sh"]\n`, 'run.sh': '#!/bin/sh\n' }, []],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))
})

const HASH = 'a1'.repeat(32)

describe('rules about what is fetched', () => {
  it.each<Row>([
    ...rows({
      'ADD over http': [`${PYTHON}ADD http://example.org/m.onnx /m.onnx\n${MAIN}`, 'D050 4:5'],
      'ADD over http, with a digest': [`${PYTHON}ADD --checksum=sha256:${HASH} http://example.org/m.onnx /m.onnx\n${MAIN}`],
      'curl over http': [`${PYTHON}RUN curl -o /m http://example.org/m.onnx\n${MAIN}`, 'D050 4:16'],
      'curl over http, checked': [`${PYTHON}RUN curl -o /m http://example.org/m && sha256sum -c sums\n${MAIN}`],
      'curl over http, here': [`${PYTHON}RUN curl -o /m http://localhost:8000/m\n${MAIN}`],
      'curl in a heredoc': [`${PYTHON}RUN <<EOF\nset -e\n  wget http://example.org/m\nEOF\n${MAIN}`, 'D050 6:8'],
      'the old protocol of GitHub': [`${PYTHON}RUN git clone git://github.com/a/b\n${MAIN}`, 'D051 4:15'],
      'an address in a variable': [`${PYTHON}ENV PACKAGES=https://dl.bintray.com/a\n${MAIN}`, 'D051 4:22'],
      'an address in a label': [`${PYTHON}LABEL a=https://dl.bintray.com/a\n${MAIN}`],
      'ADD over https': [`${PYTHON}ADD https://example.org/m.onnx /m.onnx\n${MAIN}`, 'D052 4:5'],
      'the same address in a list': [`${PYTHON}ADD ["https://example.org/m.onnx", "/m.onnx"]\n${MAIN}`, 'D052 4:6'],
      'two in one step': [`${PYTHON}RUN curl -O https://example.org/a -O https://example.org/b\n${MAIN}`, 'D052 4:13'],
      'what is run as it comes': [`${PYTHON}RUN curl -sS https://example.org/get.py | python3\n${MAIN}`, 'D052 4:14'],
      'a wheel by address': [`${PYTHON}RUN pip install https://example.org/a-1-py3-none-any.whl\n${MAIN}`, 'D052 4:17'],
      'a wheel with its digest': [`${PYTHON}RUN pip install https://example.org/a-1-py3-none-any.whl#sha256=${HASH}\n${MAIN}`],
      'a file of a commit': [`${PYTHON}ADD https://raw.githubusercontent.com/a/b/${'0a'.repeat(20)}/c.py /c.py\n${MAIN}`],
      'a model of any day': [`${PYTHON}RUN hf download a/b\nRUN huggingface-cli download --revision main a/b\n${MAIN}`, 'D052 4:8'],
      'one for each architecture': [`${PYTHON}RUN pip install https://example.org/a-$(uname -m).whl\n${MAIN}`],
      'a wheel for amd64': [`${PYTHON}RUN pip install https://example.org/a-cp312-linux_x86_64.whl#sha256=${HASH}\n${MAIN}`, 'D053 4:17'],
      'a package for arm64': [`${PYTHON}COPY a_arm64.deb .\nRUN dpkg -i a_arm64.deb\n${MAIN}`, 'D053 5:13', 'D060 4:6'],
      'a package that may fail': [`${PYTHON}RUN dpkg -i a_arm64.deb || true\n${MAIN}`],
      'a package that is chosen': [`${PYTHON}ARG TARGETARCH\nRUN [ $TARGETARCH = arm64 ] && dpkg -i a_arm64.deb\n${MAIN}`],
      'a name of two': [`${PYTHON}RUN dpkg -i amd64_arm64.deb\n${MAIN}`],
      'a name of none': [`${PYTHON}RUN dpkg -i tool.deb\nRUN echo x86_64.whl\n${MAIN}`],
      'a version as a file': [`${PYTHON}RUN pip install numpy>=1.24 && true\n${MAIN}`, 'D054 4:17'],
      'a version with two limits': [`${PYTHON}RUN pip install numpy>=1.24,<2 scipy\n${MAIN}`, 'D054 4:17'],
      'a limit as input': [`${PYTHON}RUN pip install numpy<2\n${MAIN}`, 'D054 4:17'],
      quotes: [`${PYTHON}RUN pip install "numpy>=1.24" > log 2>&1\nRUN echo a>1\n${MAIN}`],
    }),
    ['one architecture', { 'sage.yaml': manifest('linux/amd64'), Dockerfile: `${PYTHON}RUN dpkg -i a_amd64.deb\n${MAIN}` }, []],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))
})

describe('what helps when the Dockerfile is not found', () => {
  const D = 'FROM x\n'
  it.each<readonly [string, readonly string[], Files, message: string, suggestion: string]>([
    ['a folder as Windows writes it', ['directory: .\\app'], { 'app/Dockerfile': D }, 'no folder ".\\app"', 'Folders are separated by /: write "app".'],
    [
      'a Dockerfile as Windows writes it',
      ['dockerfile: docker\\Dockerfile'],
      {},
      'no file "docker\\Dockerfile"',
      'Folders are separated by /: write "docker/Dockerfile".',
    ],
    ['a folder like no other', ['directory: nothing/here'], { 'app/Dockerfile': D, 'b/dockerfile': D }, 'no folder', 'A Dockerfile is in "app" or "b".'],
    ['a folder like none', ['directory: nothing/here'], { Dockerfile: D }, 'no folder', 'A Dockerfile is in the root: leave `directory` out for that.'],
    [
      'a folder like none of two',
      ['directory: nothing/here'],
      { Dockerfile: D, 'app/Dockerfile': D },
      'no folder',
      'A Dockerfile is in the root: leave `directory` out for that. A Dockerfile is in "app".',
    ],
    ['a folder, and no Dockerfile', ['directory: nothing/here'], {}, 'no folder', 'Name a folder of the repository; without it Sage builds in the root.'],
    [
      'a Dockerfile counted from the root',
      ['directory: app/', 'dockerfile: app/Dockerfile'],
      { 'app/Dockerfile': D },
      'no file "app/app/Dockerfile"',
      'It is counted from `source.directory` ("app"): write "Dockerfile".',
    ],
    [
      'a Dockerfile of the root',
      ['directory: app', 'dockerfile: Dockerfile'],
      { 'app/x': '', Dockerfile: D },
      'no file "app/Dockerfile"',
      'It is counted from `source.directory` ("app"). The repository holds Dockerfile.',
    ],
  ])('%s', async (_, source, files, message, suggestion) => {
    const [problem] = await check(DOCKERFILE_RULES, { 'sage.yaml': manifest('linux/amd64', ...source), ...files })
    expect(problem?.message).toContain(message)
    expect(problem?.suggestion).toBe(suggestion)
  })
})

describe('rules about the build context', () => {
  it('say that a link leads nowhere', async () => {
    const problems = await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, 'r.txt': { link: 'nowhere' }, Dockerfile: `${PYTHON}COPY r.txt /\n${MAIN}` })
    const problem = problems.find(({ code }) => code === 'CTSS-D060')
    expect(problem).toMatchObject({ message: '"r.txt" is a symbolic link to "nowhere", which is not in the repository: it leads nowhere.' })
    expect(problem).not.toHaveProperty('fix')
  })

  it.each<readonly [string, string, number]>([
    ['sources', `COPY ${'gone '.repeat(1100)}/x/`, 998],
    ['characters', `ENV A=${'a/'.repeat(1000)}\nCOPY ${'$A '.repeat(100)}/x/`, 32],
  ])('look at so many %s', async (_, lines, count) => {
    const found = await find({ Dockerfile: `${PYTHON}${lines}\n${MAIN}` })
    expect(found.filter((line) => line.startsWith('D060'))).toHaveLength(count)
  })

  it.each<readonly [string, string, number | undefined]>([
    ['a', 'a/b/c', 4],
    ['x/y', 'x/y', 2],
    ['x/y', 'x/y/z', 1],
    ['/'.repeat(9), '', undefined],
  ])('name the first line for %s', (_, path, line) =>
    expect(ignoringLine(textFile('.dockerignore', `x/y/z${'/'.repeat(99)}\nx/y\n# a\n./a//\na/b\n//`), path)?.line).toBe(line),
  )

  it.each<Row>([
    ...rows({
      'a file that is not there': [`${PYTHON}COPY model.onnx labels.txt /app/\n${MAIN}`, 'D060 4:6', 'D060 4:17'],
      'a path above the context': [`${PYTHON}COPY ../main.py /main.py .\n${MAIN}`],
      'a pattern': [`${PYTHON}COPY *.onnx models/ [ab]* /app/\n${MAIN}`, 'D060 4:13'],
      'a variable': [`${PYTHON}ARG FILE=main.py\nCOPY $FILE $OTHER /app/\n${MAIN}`],
      'another stage, an address, a heredoc': [
        `FROM debian:12 AS a\nRUN true\n${PYTHON}COPY --from=a /x /y\nADD --checksum=sha256:${HASH} https://example.org/x /x\nADD https://github.com/a/b.git /b\nCOPY <<EOF /z\nEOF\n${MAIN}`,
      ],
    }),
    [
      'a model that is trained',
      {
        'ctss.yaml': 'model: {path: ./models/net, from: train}\n',
        Dockerfile: `${PYTHON}COPY models /m/\nCOPY models/net/a.onnx /m/\nCOPY other /m/\n${MAIN}`,
      },
      ['D060 Dockerfile:6:6'],
    ],
    [
      'a folder',
      {
        'sage.yaml': manifest('linux/amd64', 'directory: sub'),
        'sub/Dockerfile': 'FROM debian:12\nCOPY main.py x.py /app/\nENTRYPOINT ["python3", "/app/x.py"]\n',
        'sub/x.py': '',
      },
      ['D060 sub/Dockerfile:2:6'],
    ],
    ['a submodule', { lib: { submodule: 'a'.repeat(40) }, Dockerfile: `${PYTHON}COPY lib/x /x\n${MAIN}` }, []],
    ['a file that is left out', { '.dockerignore': '# tests\n\n./main.py\n', Dockerfile: `${PYTHON}${MAIN}` }, ['D061 Dockerfile:3:23']],
    [
      'a file in a folder that is left out',
      { '.dockerignore': 'data/\n', 'data/a/b': '', Dockerfile: `${PYTHON}COPY data/a /a\nCOPY . .\n${MAIN}` },
      ['D061 Dockerfile:4:6'],
    ],
    ['exceptions', { '.dockerignore': 'main.py\n!main.py\n', Dockerfile: `${PYTHON}${MAIN}` }, []],
    ['a list of its own', { '.dockerignore': 'main.py\n', 'Dockerfile.dockerignore': '', Dockerfile: `${PYTHON}${MAIN}` }, []],
    ['patterns', { '.dockerignore': '*.py\n../x\n/\n', Dockerfile: `${PYTHON}${MAIN}` }, []],
    ['no context', { 'sage.yaml': manifest('linux/amd64', 'directory: main.py') }, ['D001 sage.yaml:7']],
  ])('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))
})

describe('secrets', () => {
  it.each<Row>(
    rows({
      'a token in ENV': [`${PYTHON}ENV A=b SAGE_USER_TOKEN=${'4b7d0f2a9c'.repeat(4)}\n${MAIN}`, 'D070 4:9'],
      'a token in RUN': [`${PYTHON}RUN git clone https://${TOKEN}@github.com/a/b\n${MAIN}`, 'D070 4:23'],
      'a token in a heredoc': [`${PYTHON}RUN <<EOF\necho ${TOKEN}\nEOF\n${MAIN}`, 'D070 5:6'],
      'a token in ARG, before FROM': [`ARG TOKEN=${TOKEN}\n${PYTHON}${MAIN}`, 'D070 1:11'],
      placeholders: [`${PYTHON}ARG TOKEN\nENV A_TOKEN="" B_TOKEN=your-token-here-0123456789 C_TOKEN=$TOKEN\n${MAIN}`],
    }),
  )('%s', async (_, files, expected) => expect(await find(files)).toStrictEqual(expected))
})

describe('fixes', () => {
  it.each([
    ['RUNN true', 'RUN true'],
    ['FROM Debian:12', 'FROM debian:12'],
    ["ENTRYPOINT ['python3', '/app/main.py']", 'ENTRYPOINT ["python3", "/app/main.py"]'],
    ['CMD [“python3”, "main.py",]', 'CMD ["python3", "main.py"]'],
    ['ENTRYPOINT ["python3 -u  main.py"]', 'ENTRYPOINT ["python3", "-u", "main.py"]'],
    ['RUN pip install numpy>=1.24,<2 scipy', 'RUN pip install "numpy>=1.24,<2" scipy'],
    ['COPY Main.py /app/', 'COPY main.py /app/'],
    ['COPY ./Main.py /app/', 'COPY ./main.py /app/'],
  ])('%s', async (written, expected) => {
    const fixes = (await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, Dockerfile: `${PYTHON}${written}\n` })).flatMap(({ fix }) => fix ?? [])
    expect(fixes).toHaveLength(1)
    const [edit] = fixes[0]?.edits ?? []
    expect(fixes[0]?.safe).toBe(true)
    expect(edit?.line).toBe(4)
    expect(written.slice(0, (edit?.column ?? 0) - 1) + edit?.text + written.slice((edit?.endColumn ?? 0) - 1)).toBe(expected)
    expect((await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, Dockerfile: `${PYTHON}${expected}\n` })).flatMap(({ fix }) => fix ?? [])).toStrictEqual([])
  })

  it.each([
    'COPY Nothing.py /app/',
    'COPY ["Main.py", "/app/"]',
    'ENTRYPOINT ["python3 $HOME/main.py"]',
    'ENTRYPOINT [python3, main.py]',
    "ENTRYPOINT ['python3', \\\n 'main.py']",
    'RUN pip install numpy>="1.24"',
  ])('none for %s', async (written) => {
    expect((await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, Dockerfile: `${PYTHON}${written}\n` })).flatMap(({ fix }) => fix ?? [])).toStrictEqual([])
  })
})

describe('examples', () => {
  const examples = DOCKERFILE_RULES.flatMap(({ code, example }) => ('bad' in example ? [{ code, ...example }] : []))
  const codes = async (files: Files): Promise<readonly string[]> => (await check(DOCKERFILE_RULES, { ...HEALTHY_PLUGIN, ...files })).map(({ code }) => code)

  it.each(examples)('$code', async ({ code, bad, good }) => {
    expect(await codes(bad)).toContain(code)
    if (good !== undefined) expect(await codes(good)).not.toContain(code)
  })

  it('nothing is wrong with the healthy plugin', async () => expect(await codes({})).toStrictEqual([]))
  it('nothing is wrong where there is no Dockerfile to read', async () =>
    expect(await find({ Dockerfile: { link: 'gone' } })).toStrictEqual(['D002 sage.yaml:1']))
})
