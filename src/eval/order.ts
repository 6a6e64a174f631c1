const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
/** Digits of the 64 bits of a double: three in each half. */
const PASSES = 6
/** Shorter lists are sorted by insertion. */
const SHORT = 32
/** Where the upper half of a double lies in a Uint32Array laid over it. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0
/** The upper half of -0. */
const MINUS_ZERO = 0x80000000

/**
 * `order` with its elements moved into ascending buckets, equal buckets in the order they came (counting sort).
 * @param order `[R]` positions, or their number for 0, 1, 2, ...
 * @param bucket bucket of each position, 0..bucketCount-1; positions with a negative bucket are left out
 * @returns the positions, and `starts` `[bucketCount + 1]` where each bucket begins
 */
export function groupBy(
  order: Int32Array | number,
  bucket: Int32Array,
  bucketCount: number,
): { order: Int32Array; starts: Int32Array } {
  const positions = typeof order === "number" ? undefined : order
  const count = typeof order === "number" ? order : order.length
  const starts = new Int32Array(bucketCount + 1)
  for (let i = 0; i < count; i++) {
    const b = bucket[positions === undefined ? i : positions[i]!]!
    if (b >= 0) starts[b + 1]!++
  }
  for (let b = 0; b < bucketCount; b++) starts[b + 1]! += starts[b]!
  const next = starts.slice()
  const grouped = new Int32Array(starts[bucketCount]!)
  for (let i = 0; i < count; i++) {
    const position = positions === undefined ? i : positions[i]!
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

/** Whether no value is below the one before. */
export function ascends(values: Int32Array): boolean {
  for (let i = 1; i < values.length; i++) if (values[i]! < values[i - 1]!) return false
  return true
}

/** All positions by image, those of an image in table order. */
export function byImage(image: Int32Array, images: number): Int32Array {
  return ascends(image) ? counting(image.length) : groupBy(image.length, image, images).order
}

/** `order` sorted by descending score, equal scores in the order they came. 0 and -0 are equal; NaN must not appear. */
export function byScore(order: Int32Array, scores: Float64Array): Int32Array {
  const sorted = order.slice()
  new ScoreSorter().sort(sorted, 0, sorted.length, scores)
  return sorted
}

/** Sorts stretches of positions by descending score in place, stably; keeps its buffers from one to the next. */
export class ScoreSorter {
  readonly #counts = new Int32Array(PASSES * DIGITS)
  #positions = new Int32Array(0)
  #low = new Uint32Array(0)
  #high = new Uint32Array(0)
  #lowTo = new Uint32Array(0)
  #highTo = new Uint32Array(0)

  /** Sorts `order[from]`..`order[to - 1]`. 0 and -0 are equal; NaN must not appear. */
  sort(order: Int32Array, from: number, to: number, scores: Float64Array): void {
    let at = from + 1
    while (at < to && scores[order[at - 1]!]! >= scores[order[at]!]!) at++
    if (at >= to) return
    if (to - from > SHORT) this.#radix(order, from, to - from, scores)
    else insert(order, from, at, to, scores)
  }

  #radix(order: Int32Array, from: number, count: number, scores: Float64Array): void {
    this.#reserve(count)
    this.#makeKeys(order, from, count, scores)
    let low = this.#low
    let high = this.#high
    let lowTo = this.#lowTo
    let highTo = this.#highTo
    let positions: Int32Array = order.subarray(from, from + count)
    let positionsTo: Int32Array = this.#positions.subarray(0, count)
    for (let pass = 0; pass < PASSES; pass++) {
      const starts = this.#counts.subarray(pass * DIGITS, (pass + 1) * DIGITS)
      const keys = pass < PASSES / 2 ? low : high
      const shift = (pass % (PASSES / 2)) * DIGIT_BITS
      if (starts[(keys[0]! >>> shift) & (DIGITS - 1)] === count) continue
      let sum = 0
      for (let d = 0; d < DIGITS; d++) {
        const size = starts[d]!
        starts[d] = sum
        sum += size
      }
      for (let i = 0; i < count; i++) {
        const place = starts[(keys[i]! >>> shift) & (DIGITS - 1)]!++
        positionsTo[place] = positions[i]!
        lowTo[place] = low[i]!
        highTo[place] = high[i]!
      }
      ;[positions, positionsTo] = [positionsTo, positions]
      ;[low, lowTo] = [lowTo, low]
      ;[high, highTo] = [highTo, high]
    }
    if (positions.buffer !== order.buffer) order.set(positions, from)
  }

  /** The bits of the scores, turned so that a higher score is a smaller number, and how often each digit occurs. */
  #makeKeys(order: Int32Array, from: number, count: number, scores: Float64Array): void {
    const bits = new Uint32Array(scores.buffer, scores.byteOffset, 2 * scores.length)
    const counts = this.#counts.fill(0)
    const low = this.#low
    const high = this.#high
    for (let i = 0; i < count; i++) {
      const position = 2 * order[from + i]!
      let l = bits[position + 1 - HIGH]!
      let h = bits[position + HIGH]!
      if (h === MINUS_ZERO && l === 0) h = 0
      if (h >>> 31 === 0) {
        h = ~h & 0x7fffffff
        l = ~l >>> 0
      }
      low[i] = l
      high[i] = h
      counts[l & (DIGITS - 1)]!++
      counts[DIGITS + ((l >>> 11) & (DIGITS - 1))]!++
      counts[2 * DIGITS + (l >>> 22)]!++
      counts[3 * DIGITS + (h & (DIGITS - 1))]!++
      counts[4 * DIGITS + ((h >>> 11) & (DIGITS - 1))]!++
      counts[5 * DIGITS + (h >>> 22)]!++
    }
  }

  #reserve(count: number): void {
    if (this.#positions.length >= count) return
    this.#positions = new Int32Array(count)
    this.#low = new Uint32Array(count)
    this.#high = new Uint32Array(count)
    this.#lowTo = new Uint32Array(count)
    this.#highTo = new Uint32Array(count)
  }
}

/** Insertion sort from `at` on; what lies before is in order. */
function insert(order: Int32Array, from: number, at: number, to: number, scores: Float64Array): void {
  for (let i = at; i < to; i++) {
    const position = order[i]!
    const score = scores[position]!
    let place = i
    while (place > from && scores[order[place - 1]!]! < score) {
      order[place] = order[place - 1]!
      place--
    }
    order[place] = position
  }
}
