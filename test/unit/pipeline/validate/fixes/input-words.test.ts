import { describe, expect, it } from 'vitest'

import { meantInputType } from '../../../../../pipeline/validate/fixes/input-words.ts'
import { validateManifestText } from '../../../../../pipeline/validate/judge-repository.ts'
import { HEALTHY_PLUGIN } from '../../../../support/healthy-plugin.ts'

const problemOf = (input: string) =>
  validateManifestText('sage.yaml', Buffer.from(`${HEALTHY_PLUGIN['sage.yaml']}inputs:\n  - ${input}\n`), { user: 'skylab' }).problems.find(
    ({ severity }) => severity === 'error',
  )

describe('what an author wrote for an input', () => {
  it.each([
    ['{id: a, type: float64}', 'Write double.', 'write double', true],
    ['{id: a, type: flag}', 'Write boolean.', 'write boolean', true],
    ['{id: a, type: int64}', 'Write long.', 'write long', true],
    ['{id: a, type: "string[]"}', 'Write string.', 'write string', false],
    ['{flag: a, type: int}', 'Did you mean id?', 'rename flag to id', true],
    ['{id: a, type: int, value: 1}', 'Did you mean default?', 'rename value to default', true],
    ['{id: a, type: int, default_value: 1}', 'Did you mean default?', 'rename default_value to default', true],
  ])('%s is advised and mended alike', (input, suggestion, title, safe) => {
    expect(problemOf(input)).toMatchObject({ suggestion, fix: { title, safe } })
  })

  it('is no type when it is too long to be one', () => {
    expect(meantInputType('x'.repeat(65))).toBeUndefined()
    expect(meantInputType('zebra')).toBeUndefined()
  })
})
