/** A manifest for examples, of these architectures. */
export function manifestFor(...architectures: readonly string[]): string {
  return `name: cloud-counter\nversion: "1.2.3"\ndescription: Counts clouds\nlicense: MIT\nsource:\n  architectures: [${architectures.join(', ')}]\n`
}
