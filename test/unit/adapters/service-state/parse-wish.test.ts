import { describe, expect, it } from 'vitest'
import { parseWish } from '../../../../adapters/service-state/parse-wish.ts'

const BASE = { id: 'comment:1', by: { login: 'zelda', kind: 'person' }, at: '2026-11-21T12:00:00.000Z' }

describe('a wish that was kept', () => {
  it.each([
    { kind: 'run', stages: ['build'], again: true, node: 'W097' },
    { kind: 'run', stages: [], again: false },
    { kind: 'cancel' },
    { kind: 'approve' },
    { kind: 'explain', code: 'V101' },
    { kind: 'record' },
    { kind: 'init' },
    { kind: 'help' },
    { kind: 'unknown', message: 'no such command' },
  ])('comes back as it was: %j', (what) => {
    const wish = { ...BASE, what }
    expect(parseWish(JSON.stringify(wish))).toEqual(wish)
    const whole = { ...wish, commit: 'c1', path: 'apps/bird', comment: { id: 1, issue: 2 } }
    expect(parseWish(JSON.stringify(whole))).toEqual(whole)
  })

  it.each([
    'no JSON',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...BASE }),
    JSON.stringify({ ...BASE, what: { kind: 'destroy' } }),
    JSON.stringify({ ...BASE, what: { kind: 'explain' } }),
    JSON.stringify({ ...BASE, what: { kind: 'unknown' } }),
    JSON.stringify({ ...BASE, what: { kind: 'run', stages: ['rm -rf'], again: false } }),
    JSON.stringify({ ...BASE, what: { kind: 'run', stages: 'build', again: false } }),
    JSON.stringify({ ...BASE, what: { kind: 'cancel' }, by: { login: 'zelda', kind: 'owner' } }),
    JSON.stringify({ ...BASE, what: { kind: 'cancel' }, at: 5 }),
  ])('is none where it is something else: %s', (text) => {
    expect(parseWish(text)).toBeUndefined()
  })
})
