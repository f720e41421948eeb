import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { loadPythonJson } from '../../../../../pipeline/validate/sage/python-json.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'
import { record, type Recorded } from '../../../../support/python-dump.ts'

type Case = Recorded & { readonly text: string; readonly as: 'yaml' | 'json' }

/** Recorded with CPython 3.11.7 and PyYAML 6.0.3 by `scripts/oracle/yaml/record.ts`. */
const CASES = readFileSync(new URL('python-cases.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

it.each(['yaml', 'json'])('reads %s, refuses it, and prints its values as Python does', (as) => {
  const cases = CASES.filter((recorded) => recorded.as === as)
  const ours = cases.map(({ text }) => ({ text, as, ...record(as === 'json' ? loadPythonJson(text) : loadPyYaml(text), true) }))
  expect(cases.length).toBeGreaterThan(as === 'json' ? 100 : 1500)
  for (const [index, recorded] of cases.entries()) expect(ours[index]).toMatchObject(recorded)
})
