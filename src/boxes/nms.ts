import type { Boxes } from "./boxes.js"
import { orderByScore } from "./order.js"

/**
 * Greedy non-maximum suppression: going down the scores, a box is kept unless it overlaps a kept one by more than
 * `threshold`. Only kept boxes of about its own size are looked at: boxes of which one is more than 1 / `threshold` times as
 * wide or as high as the other cannot overlap by more.
 * @param boxes `[R * 4]` x1, y1, x2, y2
 * @param scores `[R]`
 * @param threshold IoU above which the lower-scored box goes (`>`, as torchvision and py_cpu_nms; cpu_nms.pyx has `>=`)
 * @param limit stop after so many kept boxes
 * @returns indices of the kept boxes, best first
 */
export function nms(
  boxes: Boxes,
  scores: Float32Array,
  { threshold, limit = Number.POSITIVE_INFINITY }: { threshold: number; limit?: number },
): Int32Array {
  const order = orderByScore(scores)
  const most = Math.min(limit, order.length)
  const kept = new Int32Array(most)
  const x1 = new Float64Array(most)
  const y1 = new Float64Array(most)
  const x2 = new Float64Array(most)
  const y2 = new Float64Array(most)
  const areas = new Float64Array(most)
  const sizes = new SizeBins(threshold, most)
  const { heads, next } = sizes
  let count = 0
  candidates: for (let k = 0; k < order.length && count < most; k++) {
    const at = 4 * order[k]!
    const left = boxes[at]!
    const top = boxes[at + 1]!
    const right = boxes[at + 2]!
    const bottom = boxes[at + 3]!
    const area = (right - left) * (bottom - top)
    const bin = sizes.binOf(right - left, bottom - top)
    for (let row = bin - BINS; row <= bin + BINS; row += BINS) {
      for (let own = row - 1; own <= row + 1; own++) {
        for (let i = heads[own]!; i >= 0; i = next[i]!) {
          const width = Math.min(right, x2[i]!) - Math.max(left, x1[i]!)
          if (width <= 0) continue
          const height = Math.min(bottom, y2[i]!) - Math.max(top, y1[i]!)
          if (height <= 0) continue
          const shared = width * height
          if (shared > threshold * (area + areas[i]! - shared)) continue candidates
        }
      }
    }
    sizes.put(count, bin)
    kept[count] = order[k]!
    x1[count] = left
    y1[count] = top
    x2[count] = right
    y2[count] = bottom
    areas[count] = area
    count++
  }
  return kept.subarray(0, count)
}

/** Bins an axis. */
const BINS = 64

/** Kept boxes in lists by width and height: two that can overlap by more than the threshold are in bins that touch. */
class SizeBins {
  /** The last box of each bin, -1 for none, and the one before each box in its bin. */
  readonly heads = new Int32Array(BINS * BINS).fill(-1)
  readonly next: Int32Array
  readonly #step: number

  constructor(threshold: number, most: number) {
    // A little wider than they have to be, for rounding.
    this.#step = threshold > 0 ? Math.max(0.01, 1e-6 - Math.log(threshold)) : Number.POSITIVE_INFINITY
    this.next = new Int32Array(most)
  }

  /** A box without width or height overlaps nothing, so that any bin does. */
  binOf(width: number, height: number): number {
    return BINS * this.#axis(width) + this.#axis(height)
  }

  put(box: number, bin: number): void {
    this.next[box] = this.heads[bin]!
    this.heads[bin] = box
  }

  /** 1 to `BINS` - 2, so that every bin has neighbours; a pixel is in the middle. */
  #axis(side: number): number {
    if (!(side > 0)) return 1
    return Math.min(BINS - 2, Math.max(1, BINS / 2 + Math.floor(Math.log(side) / this.#step)))
  }
}
