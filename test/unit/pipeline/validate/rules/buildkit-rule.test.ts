import { expect, it } from 'vitest'
import { buildkitProblems } from '../../../../../pipeline/validate/rules/buildkit-rule.ts'

it.each([
  [
    { name: 'A', message: 'Do not', url: 'https://docs.docker.com/x/', line: 3 },
    { message: 'A: Do not.', place: { file: 'Dockerfile', line: 3 }, suggestion: 'Read https://docs.docker.com/x/' },
  ],
  [
    { name: 'A', message: 'Do not!', url: undefined, line: undefined },
    { message: 'A: Do not!', place: { file: 'Dockerfile' } },
  ],
  [
    { name: 'A', message: 'x', url: undefined, line: 0 },
    { message: 'A: x.', place: { file: 'Dockerfile' } },
  ],
])('BuildKit’s %j is a hint at its line', (warning, problem) => {
  expect(buildkitProblems('Dockerfile', [warning])).toEqual([{ code: 'CTSS-D080', severity: 'hint', ...problem }])
})
