/**
 * The shortest decimal that is `value` again as a float32: 0.98 instead of 0.9800000190734863.
 * @param value a float32; anything else is rounded to one
 */
export function shortNumber(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === Math.fround(value)) return short
  }
  // Nine digits tell any two float32 apart.
  return Number(value.toPrecision(9))
}
