/** How MySQL counts UTF-8, and prints numbers into columns of texts. */

/**
 * How much of some bytes a column of `utf8mb4` takes: up to `end`. `isFault`: there stands something that is no UTF-8, or a character that
 * the limit of bytes would cut in two. Surrogates pass, as in MySQL.
 */
export function utf8Faults(
  bytes: Uint8Array,
  limit: { readonly characters?: number; readonly bytes?: number },
): { readonly end: number; readonly isFault: boolean } {
  const most = Math.min(bytes.length, limit.bytes ?? Infinity)
  let characters = limit.characters ?? Infinity
  let end = 0
  while (end < most && characters > 0) {
    const length = sequenceLength(bytes, end)
    if (length === 0 || end + length > most) return { end, isFault: true }
    end += length
    characters -= 1
  }
  return { end, isFault: false }
}

/** Bytes of the character there; 0: none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  for (let index = 1; index < length; index++) if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  const isOverlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)
  return isOverlong ? 0 : length
}

/** A floating-point number as MySQL writes it (`my_gcvt`): the shortest digits, with an exponent below 1e-15 and from 1e15. */
export function mariaDbFloat(value: number): string {
  if (value === 0) return '0'
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e')
  const exponent = Number(power)
  const sign = value < 0 ? '-' : ''
  const digits = mantissa.replace('.', '')
  if (exponent < -15 || exponent >= 15) return `${sign}${mantissa}e${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  const fraction = digits.slice(exponent + 1)
  return sign + whole + (fraction === '' ? '' : `.${fraction}`)
}
