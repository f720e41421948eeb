import { describe, expect, it } from 'vitest'
import { runsNatively } from '../../../../adapters/virtual-waggle/engine-facts.ts'

describe('whether a platform is emulated', () => {
  it.each([
    ['amd64', 'linux/amd64', false, true],
    ['amd64', 'linux/386', false, true],
    ['amd64', 'linux/arm64', true, false],
    ['amd64', 'linux/arm/v7', true, false],
    ['arm64', 'linux/arm64', false, true],
    ['arm64', 'linux/arm/v7', false, true],
    ['arm64', 'linux/arm/v7', true, false],
    ['arm64', 'linux/386', false, false],
    ['arm64', '', false, false],
  ])('on %s: %s, with QEMU %s: native %s', (architecture, platform, hasQemu, native) => {
    expect(runsNatively({ architecture }, platform, () => hasQemu)).toBe(native)
  })
})
