import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decideRef } from '../../../../pipeline/service/decide-ref.ts'
import { formatSituation } from '../../../support/ref-world.ts'
import type { RefWorld } from '../../../../pipeline/service/world.ts'

const FOLDER = join(import.meta.dirname, 'situations')
const SITUATIONS = readdirSync(FOLDER).toSorted()

/** Whoever changes it throws. */
function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) freeze(part)
  return value
}

/** `vitest -u` writes what is decided now; read the difference before it is committed. */
describe('a situation', () => {
  it('is one of at least 60', () => {
    expect(SITUATIONS.length).toBeGreaterThanOrEqual(60)
  })

  it.each(SITUATIONS)('%s is decided as it was', async (name) => {
    const world = JSON.parse(readFileSync(join(FOLDER, name, 'world.json'), 'utf8')) as RefWorld
    // Made already: a folder without it would be written, and could not fail.
    readFileSync(join(FOLDER, name, 'actions.json'))
    const decided = decideRef(freeze(world))
    expect(decideRef(world)).toEqual(decided)
    await expect(formatSituation(decided)).toMatchFileSnapshot(join(FOLDER, name, 'actions.json'))
  })
})
