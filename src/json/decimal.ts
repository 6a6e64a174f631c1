/** Powers of ten that a double holds exactly. */
const TENS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** Veltkamp's constant: splits a double into two of 26 bits. */
const SPLITTER = 2 ** 27 + 1
/** The same powers as a sum of two doubles of at most 26 bits each. */
const TENS_HIGH = TENS.map((ten) => highPart(ten))
const TENS_LOW = TENS.map((ten, i) => ten - TENS_HIGH[i]!)
/** How far off the correction may be, relative to itself; its two roundings make less than half of this. */
const DOUBT = 2 ** -50

/**
 * The double nearest to `(leading * 10^trailingDigits + trailing) * 10^exponent`, or NaN where these few operations
 * cannot prove which that is (about one number in 10^13, more than 15 digits with a positive exponent, or an exponent
 * below -22).
 *
 * A quotient that rounding made is corrected by its remainder, which is exact: quotient and correction hold some 100 bits.
 * @param leading whole number below 10^9
 * @param trailing whole number below 10^9, of `trailingDigits` digits
 */
export function decimalValue(leading: number, trailing: number, trailingDigits: number, exponent: number): number {
  const shifted = leading * TENS[trailingDigits]!
  const digits = shifted + trailing
  const lost = trailing - (digits - shifted)
  if (exponent === 0) return digits
  if (exponent > 0) return exponent <= 22 && digits <= Number.MAX_SAFE_INTEGER ? digits * TENS[exponent]! : Number.NaN
  if (exponent < -22) return digits === 0 ? 0 : Number.NaN
  const ten = TENS[-exponent]!
  const quotient = digits / ten
  if (digits <= Number.MAX_SAFE_INTEGER) return quotient
  const high = highPart(quotient)
  const low = quotient - high
  const tenHigh = TENS_HIGH[-exponent]!
  const tenLow = TENS_LOW[-exponent]!
  const product = quotient * ten
  const rounded = low * tenLow - (product - high * tenHigh - low * tenHigh - high * tenLow)
  const correction = (digits - product - rounded + lost) / ten
  const least = quotient + correction * (1 - DOUBT)
  const most = quotient + correction * (1 + DOUBT)
  return least === most ? least : Number.NaN
}

function highPart(value: number): number {
  const scaled = SPLITTER * value
  return scaled - (scaled - value)
}
