/** Reads `owner=user,…`: owners at GitHub (kept in lower case) and the Sage users who register their plugins. What is no pair is left out. */
export function readSageUsers(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()))
  return new Map(pairs.flatMap(([owner, user]) => (owner && user ? [[owner.toLowerCase(), user] as const] : [])))
}
