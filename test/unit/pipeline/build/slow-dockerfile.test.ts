import { describe, expect, it } from 'vitest'
import { locateSteps, readStepName } from '../../../../pipeline/build/slow-dockerfile.ts'

describe('the name of a step', () => {
  it.each([
    ['[3/6] RUN make', { stage: '', index: 3, total: 6, keyword: 'RUN', text: 'RUN make' }],
    ['[page 3/6] COPY . .', { stage: 'page', index: 3, total: 6, keyword: 'COPY', text: 'COPY . .' }],
    ['[stage-1  2/12] WORKDIR /app', { stage: 'stage-1', index: 2, total: 12, keyword: 'WORKDIR', text: 'WORKDIR /app' }],
    ['[linux/amd64->arm64 page 3/6] RUN make', { stage: 'page', index: 3, total: 6, keyword: 'RUN', text: 'RUN make' }],
    ['[linux/arm/v7 3/6] RUN make', { stage: '', index: 3, total: 6, keyword: 'RUN', text: 'RUN make' }],
    ['[2/3] ONBUILD RUN make', undefined],
    ['[internal] load .dockerignore', undefined],
    ['exporting to image', undefined],
    ['FROM debian', undefined],
  ])('%j is read', (name, expected) => {
    expect(readStepName(name)).toEqual(expected)
  })
})

const step = (name: string) => ({ name, seconds: 1, cached: false })

/** The line, the stage's line and whether its files are only taken, of each step; null: not located. */
function located(dockerfile: string, names: readonly string[]): readonly unknown[] {
  return locateSteps(names.map(step), dockerfile, 'linux/arm64').map(({ line, stageLine, stageIsCopied }) =>
    line === undefined ? null : [line, stageLine, stageIsCopied],
  )
}

describe('a step is found in the Dockerfile', () => {
  it('that has one stage, with comments and lines that go on', () => {
    const dockerfile =
      '# syntax=docker/dockerfile:1\nARG BASE=debian\nFROM ${BASE}\nENV A=1\n\nRUN apt-get update \\\n  # why\n  && true\nWORKDIR /app\nCOPY . .\n'
    const names = ['[1/4] FROM docker.io/library/debian', '[2/4] RUN apt-get update   && true', '[3/4] WORKDIR /app', '[4/4] COPY . .', 'exporting to image']
    expect(located(dockerfile, names)).toEqual([[3, 3, false], [6, 3, false], [9, 3, false], [10, 3, false], null])
  })

  it('that has several stages, named and not', () => {
    const dockerfile = `FROM node AS Page
RUN npm ci
FROM page AS styles
RUN npm run build
FROM scratch AS files
ADD a /
FROM debian
COPY --from=styles /page /page
COPY --from=files / /
RUN --mount=from=page true
`
    const names = [
      '[page 1/2] FROM docker.io/library/node',
      '[page 2/2] RUN npm ci',
      '[styles 1/1] RUN npm run build',
      '[files 1/1] ADD a /',
      '[stage-3 2/4] COPY --from=styles /page /page',
      '[stage-3 4/4] RUN --mount=from=page true',
    ]
    expect(located(dockerfile, names)).toEqual([
      [1, 1, true],
      [2, 1, true],
      // Where its base image is named.
      [4, 1, true],
      [6, 5, true],
      [8, 7, false],
      [10, 7, false],
    ])
  })

  it('whose last stage is built on another, which is then no stage that only gives files', () => {
    const dockerfile = 'FROM debian AS base\nRUN a\nFROM base AS tool\nRUN b\nFROM base\nRUN c\nCOPY --from=tool /b /\n'
    expect(located(dockerfile, ['[base 2/2] RUN a', '[tool 1/1] RUN b', '[stage-2 1/2] RUN c'])).toEqual([
      [2, 1, false],
      [4, 1, false],
      [6, 1, false],
    ])
  })

  it.each([
    ['the base image has instructions of its own (ONBUILD)', 'FROM node:onbuild\nRUN a\n', '[2/3] RUN a'],
    ['the count is another', 'FROM debian\nRUN a\nRUN b\n', '[2/2] RUN a'],
    ['the instruction is another', 'FROM debian\nCOPY a /\n', '[2/2] RUN a'],
    ['no stage has the name', 'FROM debian\nRUN a\n', '[page 2/2] RUN a'],
    ['several stages could be it', 'FROM debian AS a\nRUN a\nFROM debian AS b\nRUN a\nCOPY --from=a / /\n', '[2/2] RUN a'],
    ['there is no Dockerfile', '', '[2/2] RUN a'],
    ['it is larger than anybody writes', `FROM debian\nRUN a${'a'.repeat(70_000)}\n`, '[2/2] RUN a'],
  ])('unless %s', (_, dockerfile, name) => {
    expect(located(dockerfile, [name])).toEqual([null])
  })
})
