const indexRange = 2 ** 21

/**
 * Indices of the `limit` highest scores, best first; of equal scores the lower index first. NaN comes last.
 *
 * Each score's bits are mapped to an integer of the same order and joined with the index in one double (32 + 21 bits fit
 * its 53), so that the engine's numeric sort does the work without calling back for each pair. Where few are wanted, a count
 * by the upper bits finds out first which come into question.
 * @param scores `[R]`, R up to 2,097,152
 * @throws Error when there are more
 */
export function orderByScore(scores: Float32Array, limit: number = scores.length): Int32Array {
  if (scores.length > indexRange) {
    throw new Error(`orderByScore: expected at most ${indexRange} scores, got ${scores.length}`)
  }
  const bits = new Int32Array(Float32Array.from(scores).buffer)
  for (let i = 0; i < bits.length; i++) {
    bits[i] = Number.isNaN(scores[i]) ? 1 - 2 ** 31 : bits[i]! >= 0 ? bits[i]! : -(bits[i]! & 0x7fffffff)
  }
  const least = limit < scores.length / 2 ? lowestOfBest(bits, limit) : Number.NEGATIVE_INFINITY
  const keys = new Float64Array(scores.length)
  let count = 0
  let sorted = true
  for (let i = 0; i < bits.length; i++) {
    if (bits[i]! < least) continue
    keys[count] = (2 ** 31 - bits[i]!) * indexRange + i
    if (count > 0 && keys[count]! < keys[count - 1]!) sorted = false
    count++
  }
  const chosen = keys.subarray(0, count)
  if (!sorted) chosen.sort()
  return Int32Array.from(chosen.subarray(0, limit), (key) => key % indexRange)
}

/** A value that the `limit` highest are not below, and few others are above. */
function lowestOfBest(values: Int32Array, limit: number): number {
  const counts = new Int32Array(2 ** 16)
  for (let i = 0; i < values.length; i++) counts[(values[i]! >> 16) + 2 ** 15]!++
  let bin = counts.length
  for (let found = 0; found < limit && bin > 0; ) found += counts[--bin]!
  return (bin - 2 ** 15) * 2 ** 16
}
