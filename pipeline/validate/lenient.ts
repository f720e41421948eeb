/** Reads from a document that may break its schema: what is not there, or not of the kind asked for, is simply absent. */

export type Mapping = Readonly<Record<string, unknown>>

/** Whether a value is a mapping (not a list, not nothing). */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of an own key, never one of the prototype's. */
export function valueOf(mapping: unknown, key: string): unknown {
  return isMapping(mapping) && Object.hasOwn(mapping, key) ? mapping[key] : undefined
}

/** A text; a number or boolean as YAML prints it; '' for anything else. */
export function textOf(mapping: unknown, key: string): string {
  const value = valueOf(mapping, key)
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** A mapping; an empty one for anything else. */
export function mappingOf(mapping: unknown, key: string): Mapping {
  const value = valueOf(mapping, key)
  return isMapping(value) ? value : {}
}

/** A list; an empty one for anything else. */
export function listOf(mapping: unknown, key: string): readonly unknown[] {
  const value: unknown = valueOf(mapping, key)
  return Array.isArray(value) ? value : []
}

/** The texts of a list, each with its position. */
export function textsOf(mapping: unknown, key: string): readonly { readonly text: string; readonly position: number }[] {
  return listOf(mapping, key).flatMap((text, position) => (typeof text === 'string' ? [{ text, position }] : []))
}
