import { describe, expect, it } from 'vitest'
import { readSageUsers } from '../../../../pipeline/validate/sage-users.ts'

describe('owners at GitHub and their Sage users', () => {
  it.each([
    ['', {}],
    ['waggle-sensor=waggle', { 'waggle-sensor': 'waggle' }],
    [' Waggle-Sensor = Waggle ,alice=alice1,', { 'waggle-sensor': 'Waggle', alice: 'alice1' }],
    ['alice=one,ALICE=two', { alice: 'two' }],
    ['a=b=c', { a: 'b' }],
    ['alice', {}],
    ['=alice', {}],
    ['alice=', {}],
    [' = ', {}],
    ['alice\n=bob', { alice: 'bob' }],
  ])('%j', (text, users) => {
    expect(Object.fromEntries(readSageUsers(text))).toEqual(users)
  })
})
