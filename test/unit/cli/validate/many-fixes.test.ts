import { expect, it } from 'vitest'
import { judgedPlace, loadJudge } from '../../../../cli/judge-place.ts'
import { mend } from '../../../../cli/mend.ts'
import { memoryTree } from '../../../support/memory-tree.ts'

const HEAD = 'name: cloud-counter\ndescription: Counts.\nversion: "1.2.3"\nlicense: MIT\nsource: {architectures: [linux/amd64]}\ninputs:\n'
const inputs = (type: string): string => `${HEAD}${Array.from({ length: 4000 }, (_, index) => `- {id: i${index}, type: ${type}}\n`).join('')}`

const other = { [Symbol.asyncDispose]: async () => {} }
const content = Buffer.from(inputs('integer'))

it.each([
  ['a file', { kind: 'file', path: 'sage.yaml', content, isLink: false, ...other }],
  ['a repository', { kind: 'repository', tree: memoryTree({ 'sage.yaml': content, Dockerfile: 'FROM x' }), folder: '/x', ...other }],
] as const)(
  'mends thousands of problems of %s at once, though a hundred are shown',
  async (_what, place) => {
    const judged = await judgedPlace(place, {}, await loadJudge())
    const { files, applied, unfinished } = await mend(judged)

    expect((await judged.reports())[0]?.problems).toHaveLength(101)
    expect(files.map(({ after }) => after.toString())).toEqual([inputs('int')])
    expect({ applied: applied.length, unfinished }).toEqual({ applied: 4000, unfinished: 0 })
  },
  60_000,
)
