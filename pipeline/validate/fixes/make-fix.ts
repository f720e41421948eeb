import type { Edit, Fix } from '../../../schemas/generated/types.ts'

/** A fix, if its edits could be made. `safe`: it keeps what the author meant. */
export function makeFix(title: string, safe: boolean, edits: readonly Edit[] | undefined): Fix | undefined {
  return edits === undefined || edits.length === 0 ? undefined : { title, safe, edits: [...edits] }
}

/** As a property to spread into a finding: none when there is no fix. */
export function fixProperty(title: string, safe: boolean, edits: readonly Edit[] | undefined): { readonly fix?: Fix } {
  const fix = makeFix(title, safe, edits)
  return fix === undefined ? {} : { fix }
}
