import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const named = [...readFileSync('docs/faults.md', 'utf8').matchAll(/`([\w/-]+)` "([^"]+)"/g)].map(([, file = '', title = '']): [string, string] => [file, title])

it('docs/faults.md names tests for every line', () => {
  expect(named.length).toBeGreaterThan(40)
})

it.each(named)('docs/faults.md: %s has a test "%s"', (file, title) => {
  const path = file.startsWith('contract/') ? `test/${file}.ts` : `test/${file}.test.ts`
  expect(readFileSync(path, 'utf8').replaceAll("\\'", "'")).toContain(title)
})
