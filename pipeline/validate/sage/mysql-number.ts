const TEXT_NUMBER = /^[ \t\n\v\f\r]*([+-]?)(\d*)(?:\.(\d*))?/

/** More than any column of integers holds. */
const HUGE = 10n ** 20n

/** Where reading an exponent ends: a further digit is not taken behind a number above 20 (measured). */
const MAX_EXPONENT = 209

/**
 * The integer nearest to the number that a text begins with (halves go away from zero), and what stands behind it; `value` undefined: it
 * begins with no number. MySQL's conversion of texts for columns of integers (`my_strntoull10rnd`, strings/ctype-simple.c).
 */
export function nearestInteger(text: string): { readonly value: bigint | undefined; readonly rest: string } {
  const [matched = '', sign = '', whole = '', fraction = ''] = TEXT_NUMBER.exec(text) ?? []
  if (whole === '' && fraction === '') return { value: undefined, rest: text }
  const after = text.slice(matched.length)
  const [written = '', power = '0'] = /^[eE]([+-]?\d+)/.exec(after) ?? []
  const rest = after.slice(written.length)
  const exponent = Number(power)
  // A larger exponent ends the conversion: as too large a number, or at zero with digits left over.
  if (exponent < -MAX_EXPONENT) return { value: 0n, rest: written }
  const magnitude = exponent > MAX_EXPONENT ? HUGE : scale(whole + fraction, exponent - fraction.length)
  return { value: sign === '-' ? -magnitude : magnitude, rest }
}

/** The digits times a power of ten, rounded. */
function scale(written: string, power: number): bigint {
  const digits = written.replace(/^0+/, '')
  const wholeDigits = digits.length + power
  if (digits === '' || wholeDigits < 0) return 0n
  if (wholeDigits > 20) return HUGE
  const padded = digits.padEnd(wholeDigits, '0')
  const whole = BigInt(padded.slice(0, wholeDigits))
  return padded.charAt(wholeDigits) >= '5' ? whole + 1n : whole
}
