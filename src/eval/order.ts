const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
/** Where the upper half of a double lies in a Uint32Array laid over it. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0

/**
 * `order` with its elements moved into ascending buckets, equal buckets in the order they came (counting sort).
 * @param order `[R]` positions
 * @param bucket bucket of each position, 0..bucketCount-1; positions with a negative bucket are left out
 * @returns the positions, and `starts` `[bucketCount + 1]` where each bucket begins
 */
export function groupBy(
  order: Int32Array,
  bucket: Int32Array,
  bucketCount: number,
): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(bucketCount + 1)
  for (let i = 0; i < order.length; i++) {
    const b = bucket[order[i]!]!
    if (b >= 0) starts[b + 1]!++
  }
  for (let b = 0; b < bucketCount; b++) starts[b + 1]! += starts[b]!
  const next = starts.slice()
  const grouped = new Int32Array(starts[bucketCount]!)
  for (let i = 0; i < order.length; i++) {
    const position = order[i]!
    const b = bucket[position]!
    if (b >= 0) grouped[next[b]!++] = position
  }
  return { order: grouped, starts }
}

/** 0, 1, 2, ... */
export function counting(length: number): Int32Array {
  const positions = new Int32Array(length)
  for (let i = 0; i < length; i++) positions[i] = i
  return positions
}

/**
 * `order` sorted by descending score, equal scores in the order they came: a stable radix sort on the bits of the
 * doubles. 0 and -0 are equal; NaN must not appear.
 */
export function byScore(order: Int32Array, scores: Float64Array): Int32Array {
  const count = order.length
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = scores[order[i]!]! + 0
  const bits = new Uint32Array(values.buffer)
  let keys = bits
  for (let i = 0; i < count; i++) {
    const high = bits[2 * i + HIGH]!
    if (high >>> 31 === 0) {
      bits[2 * i + HIGH] = ~high & 0x7fffffff
      bits[2 * i + 1 - HIGH] = ~bits[2 * i + 1 - HIGH]!
    }
  }
  let from = order.slice()
  let to = new Int32Array(count)
  let keysTo = new Uint32Array(2 * count)
  const starts = new Int32Array(DIGITS)
  for (const half of [1 - HIGH, HIGH]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      starts.fill(0)
      for (let i = 0; i < count; i++) starts[(keys[2 * i + half]! >>> shift) & (DIGITS - 1)]!++
      if (count === 0 || starts[(keys[half]! >>> shift) & (DIGITS - 1)] === count) continue
      let sum = 0
      for (let d = 0; d < DIGITS; d++) {
        const size = starts[d]!
        starts[d] = sum
        sum += size
      }
      for (let i = 0; i < count; i++) {
        const place = starts[(keys[2 * i + half]! >>> shift) & (DIGITS - 1)]!++
        to[place] = from[i]!
        keysTo[2 * place] = keys[2 * i]!
        keysTo[2 * place + 1] = keys[2 * i + 1]!
      }
      ;[from, to] = [to, from]
      ;[keys, keysTo] = [keysTo, keys]
    }
  }
  return from
}
