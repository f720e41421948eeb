import { expect, it } from 'vitest'
import { readTestbedImage } from '../../../../adapters/virtual-waggle/testbed-image.ts'
import { TESTBED_VERSION } from '../../../../pipeline/virtual/testbed-version.ts'

it('names the content of runner-images/virtual-waggle in the version, so that a change of it makes every trial run again', () => {
  expect(TESTBED_VERSION).toMatch(new RegExp(`^virtual-waggle-\\d+-${readTestbedImage().contentHash}$`))
})
