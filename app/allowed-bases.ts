import type { BaseLookup } from '../pipeline/build/base-images.ts'
import { readImageReference } from '../pipeline/build/image-reference.ts'

const FRESH_MS = 300_000

/**
 * Asks only registries that the operator has named: Dockerfiles are strangers' texts. A lookup remembers what it was told for good, which is right for one run
 * and wrong for a service: a new one is taken every five minutes.
 */
export function allowedBases(hosts: readonly string[], open: () => BaseLookup, now: () => number): BaseLookup {
  let [lookUp, since] = [open(), now()]
  return async (image) => {
    const host = readImageReference(image)?.host
    if (host === undefined || !hosts.includes(host)) return undefined
    if (now() - since >= FRESH_MS) [lookUp, since] = [open(), now()]
    return lookUp(image)
  }
}
