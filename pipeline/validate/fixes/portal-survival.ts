import YAML from 'portal-yaml'

import { STR } from '../sage/pyyaml-node.ts'
import { resolveTag } from '../sage/pyyaml-resolver.ts'
import { loadPyYaml } from '../sage/pyyaml.ts'
import type { PythonValue } from '../sage/python-value.ts'

/** A scalar on its way through the Portal: what its JavaScript reads, and what Sage's Python reads in what it sends. */
export interface PortalScalar {
  readonly javascript: unknown
  readonly python: PythonValue
}

/** What becomes of a scalar as it is written, with its quotes. Undefined for what is no scalar, or cannot be read. */
export function throughPortal(written: string): PortalScalar | undefined {
  try {
    const document = YAML.parseDocument(written)
    if (document.errors.length > 0) return undefined
    const javascript: unknown = document.toJSON()
    const received = typeof javascript === 'object' ? undefined : loadPyYaml(YAML.stringify(javascript))
    return received === undefined || 'error' in received ? undefined : { javascript, python: received.value }
  } catch {
    // The package throws plain errors for what it cannot read; they are about the text, never about us.
    return undefined
  }
}

/**
 * Whether a text stays that text on its way through the Portal. It parses the manifest and writes it anew, with quotes only where YAML 1.2 needs
 * them; PyYAML then reads `yes`, `1:30` or `2023-01-01` by YAML 1.1, as something else.
 */
export function survivesPortal(text: string): boolean {
  return resolveTag(text) === STR || /^["'|>]/.test(YAML.stringify(text))
}
