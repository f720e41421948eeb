const DURATION = /^(\d{1,6})(ms|s|m|h)$/
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const SIZE = /^(\d{1,6}(?:\.\d{1,3})?)(Ki|Mi|Gi|Ti)?$/
const BYTES: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }

/** Milliseconds of `250ms`, `60s`, `10m`, `1h`. Throws a TypeError (a bug) for what the schema would have refused. */
export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? []
  const factor = MILLISECONDS[unit ?? '']
  if (factor === undefined) throw new TypeError(`not a duration: ${text}`)
  return Number(amount) * factor
}

/** Bytes of `900Mi`, `1Gi`, `1.5Gi` or a plain number, rounded. Throws a TypeError (a bug) for what the schema would have refused. */
export function parseSize(text: string): number {
  const match = SIZE.exec(text)
  if (match === null) throw new TypeError(`not a size: ${text}`)
  return Math.round(Number(match[1]) * (BYTES[match[2] ?? ''] ?? 1))
}
