import { describe, expect, test } from 'vitest'

import { emulates } from '../../../../adapters/workstation/emulation.ts'

const entry = (magic: string, flags: string, state = 'enabled'): string =>
  `${state}\ninterpreter /usr/libexec/qemu-binfmt/x\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ffffffffffffff00fffffffffffffffffeffffff\n`
const AARCH64 = '7f454c460201010000000000000000000200b700'
const ARM = '7f454c4601010100000000000000000002002800'
const X86_64 = '7f454c4602010100000000000000000002003e00'

describe('an entry of binfmt_misc', () => {
  test.each([
    ['linux/arm64', AARCH64, 'POF', true],
    ['linux/arm64', AARCH64, 'F', true],
    ['linux/arm64', AARCH64, 'PO', false],
    ['linux/arm64', ARM, 'POF', false],
    ['linux/arm/v7', ARM, 'OF', true],
    ['linux/arm/v7', AARCH64, 'OF', false],
    ['linux/amd64', X86_64, 'OF', true],
  ] as const)('runs %s with magic %s and flags %s: %s', (platform, magic, flags, expected) => {
    expect(emulates(entry(magic, flags), platform)).toBe(expected)
  })

  test('counts for nothing when it is disabled, or none', () => {
    expect(emulates(entry(AARCH64, 'POF', 'disabled'), 'linux/arm64')).toBe(false)
    expect(emulates('enabled\n', 'linux/arm64')).toBe(false)
    expect(emulates('', 'linux/arm64')).toBe(false)
  })
})
