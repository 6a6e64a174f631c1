const indexRange = 2 ** 21

/**
 * Indices of the `limit` highest scores, best first; of equal scores the lower index first. NaN comes last.
 *
 * Each score's bits are mapped to an integer of the same order and joined with the index in one double (32 + 21 bits fit
 * its 53), so that the engine's numeric sort does the work without calling back for each pair.
 * @param scores `[R]`, R up to 2,097,152
 * @throws Error when there are more
 */
export function orderByScore(scores: Float32Array, limit: number = scores.length): Int32Array {
  if (scores.length > indexRange) {
    throw new Error(`orderByScore: expected at most ${indexRange} scores, got ${scores.length}`)
  }
  const bits = new Int32Array(Float32Array.from(scores).buffer)
  const keys = new Float64Array(scores.length)
  for (let i = 0; i < keys.length; i++) {
    const ascending = Number.isNaN(scores[i]) ? 1 - 2 ** 31 : bits[i]! >= 0 ? bits[i]! : -(bits[i]! & 0x7fffffff)
    keys[i] = (2 ** 31 - ascending) * indexRange + i
  }
  keys.sort()
  return Int32Array.from(keys.subarray(0, limit), (key) => key % indexRange)
}
