import { expect, it } from 'vitest'
import { caught, PythonFailure } from '../../../../../pipeline/validate/sage/python-failure.ts'

function raise(failure: Error): never {
  throw failure
}

it('gives back what Python raises, and nothing else', () => {
  expect(caught(() => 1)).toBe(1)
  expect(caught(() => raise(new PythonFailure('KeyError', "'a'")))).toStrictEqual({ error: { name: 'KeyError', message: "'a'", start: 0 } })
  expect(() => caught(() => raise(new RangeError('ours')))).toThrow('ours')
})
