/** The candidate that a word was probably meant to be: at most a third of its letters differ; undefined when none is near. */
export function closestWord(word: string, candidates: readonly string[]): string | undefined {
  let limit = Math.max(1, Math.floor(word.length / 3))
  const letters = word.toLowerCase()
  let closest: string | undefined
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(letters, candidate.toLowerCase(), limit)
    if (distance > limit) continue
    closest = candidate
    if (distance === 0) return closest
    // Only a nearer one counts from here.
    limit = distance - 1
  }
  return closest
}

/**
 * Levenshtein's distance, with two neighbours swapped counting as one; words longer than 64 characters are as far apart as can be.
 * Above `limit` it is only known to be above.
 */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (a.length > 64 || b.length > 64) return a === b ? 0 : Infinity
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    let least = row
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? (before[column - 2] ?? Infinity) + 1 : Infinity
      const distance = Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost, swapped)
      next.push(distance)
      least = Math.min(least, distance)
    }
    // A swap reaches back two rows, and costs one.
    if (least > limit + 1) return Infinity
    before = last
    last = next
  }
  return last[b.length] ?? 0
}

/** A value as a short piece of a sentence. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  const line = text.replace(/\s+/g, ' ')
  return `"${line.length > 60 ? `${line.slice(0, 59).replace(/[\uD800-\uDBFF]$/, '')}…` : line}"`
}

/** `a`, `a or b`, `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** A path inside a document as people write it: `source.architectures[1]`. */
export function writePath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${part}`), '')
}
