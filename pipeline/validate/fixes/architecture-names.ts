import { ARCHITECTURES } from '../sage/facts.ts'
import { editDistance } from '../words.ts'

/** What processors are called by kernels, compilers and other registries, without the system before the slash. */
const NAMES: ReadonlyMap<string, (typeof ARCHITECTURES)[number]> = new Map([
  ['amd64', 'linux/amd64'],
  ['x8664', 'linux/amd64'],
  ['x64', 'linux/amd64'],
  ['x86amd64', 'linux/amd64'],
  ['intel64', 'linux/amd64'],
  ['arm64', 'linux/arm64'],
  ['arm64v8', 'linux/arm64'],
  ['aarch64', 'linux/arm64'],
  ['arch64', 'linux/arm64'],
  ['armv8', 'linux/arm64'],
  ['armv7', 'linux/arm/v7'],
  ['armv7l', 'linux/arm/v7'],
  ['armhf', 'linux/arm/v7'],
  ['armv6', 'linux/arm/v6'],
  ['armv6l', 'linux/arm/v6'],
])

/** The architecture that Sage would take for a word that it refuses: `amd_64`, `linux/aarch64`, `x86_64`. Undefined when that is not certain. */
export function meantArchitecture(word: string): string | undefined {
  if (word.length > 40) return undefined
  const lower = word.trim().toLowerCase()
  const bare = lower.replace(/^linux[/_-]?/, '').replaceAll(/[^a-z0-9]/g, '')
  const named = NAMES.get(bare)
  if (named !== undefined) return named
  // Docker takes linux/arm for 32 bits, authors mostly mean 64.
  if (bare === 'arm') return undefined
  const near = ARCHITECTURES.map((name) => ({ name, distance: editDistance(lower, name) })).toSorted((a, b) => a.distance - b.distance)
  const [best, second] = near
  return best !== undefined && best.distance <= 2 && best.distance < (second?.distance ?? 0) ? best.name : undefined
}
