import { describe, expect, it } from 'vitest'
import { apiBudget, readApiUse } from '../../../../adapters/github/api-budget.ts'

const headers = (remaining: string) => new Headers({ 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': '1790000000' })

describe('the budget of an installation', () => {
  it('is what the newest answer said, and all calls so far', () => {
    const budget = apiBudget()
    budget.note(readApiUse(7, 200, headers('4999')))
    budget.note(readApiUse(7, 304, headers('4999')))
    budget.note(readApiUse(7, 502, new Headers()))
    budget.note(readApiUse(8, 200, headers('10')))
    expect(budget.uses()).toEqual([
      { installation: 7, remaining: 4999, limit: 5000, reset: 1_790_000_000, calls: 3, notModified: 1 },
      { installation: 8, remaining: 10, limit: 5000, reset: 1_790_000_000, calls: 1, notModified: 0 },
    ])
  })

  it.each(['', '-1', '1e9', 'many', '9'.repeat(13)])('takes %j for no number', (text) => {
    expect(readApiUse(1, 200, headers(text)).remaining).toBeUndefined()
  })
})
