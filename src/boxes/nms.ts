import type { Boxes } from "./boxes.js"
import { orderByScore } from "./order.js"

/**
 * Greedy non-maximum suppression: going down the scores, a box is kept unless it overlaps a kept one by more than
 * `threshold`. Only kept boxes of about its own size and place are looked at, as `SpatialHash` finds them.
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
  const near = new SpatialHash(threshold, most)
  const { heads, next } = near
  let count = 0
  candidates: for (let k = 0; k < order.length && count < most; k++) {
    const at = 4 * order[k]!
    const left = boxes[at]!
    const top = boxes[at + 1]!
    const right = boxes[at + 2]!
    const bottom = boxes[at + 3]!
    const area = (right - left) * (bottom - top)
    near.query(right - left, bottom - top, (left + right) / 2)
    for (let list = 0; list < near.lists.length; list++) {
      for (let i = heads[near.lists[list]!]!; i >= 0; i = next[i]!) {
        const width = Math.min(right, x2[i]!) - Math.max(left, x1[i]!)
        if (width <= 0) continue
        const height = Math.min(bottom, y2[i]!) - Math.max(top, y1[i]!)
        if (height <= 0) continue
        const shared = width * height
        if (shared > threshold * (area + areas[i]! - shared)) continue candidates
      }
    }
    near.insert(count)
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

/** Bins of widths, and of heights. */
const BINS = 64

/**
 * Kept boxes in lists, of which few hold all that can overlap a box by more than the threshold t. Such boxes are less than
 * 1 / t times as wide and as high as each other, and their centres are less than (1 - t) times the wider one's width apart:
 * IoU > t means that they share more than t of the wider one's width. So lists are made by width and height, in steps of
 * 1 / t, and along x in cells of a length that goes with the width; the lists' numbers are scrambled into a small table, where
 * different ones may meet, which costs time only.
 */
class SpatialHash {
  /** The last box of each list, -1 for none, and the one before each box in its list. */
  readonly heads: Int32Array
  readonly next: Int32Array
  /** The lists near the box looked at; its own is the one in the middle. */
  readonly lists = new Int32Array(27)
  readonly #step: number
  readonly #cells: Float64Array

  constructor(threshold: number, most: number) {
    this.heads = new Int32Array(2 ** Math.max(6, Math.ceil(Math.log2(4 * Math.max(1, most))))).fill(-1)
    this.next = new Int32Array(most)
    // A little wider than it has to be, for rounding.
    this.#step = threshold > 0 ? Math.max(0.01, 1e-6 - Math.log(threshold)) : Number.POSITIVE_INFINITY
    // Two boxes in bins that touch are at most as wide as the next bin's widest.
    const widest = (bin: number) => Math.exp((bin + 2 - BINS / 2) * this.#step)
    this.#cells = Float64Array.from({ length: BINS }, (_, bin) =>
      bin >= BINS - 2 ? Number.POSITIVE_INFINITY : (1 - threshold + 1e-6) * widest(bin),
    )
  }

  /** Fills `lists` for a box. One without width or height overlaps nothing, so that any lists do. */
  query(width: number, height: number, centre: number): void {
    const across = this.#bin(width)
    const down = this.#bin(height)
    const mask = this.heads.length - 1
    for (let at = 0, w = across - 1; w <= across + 1; w++) {
      const cell = Math.floor(centre / this.#cells[w]!)
      for (let h = down - 1; h <= down + 1; h++) {
        const list = 977 * (BINS * w + h) + cell
        this.lists[at++] = (list - 1) & mask
        this.lists[at++] = list & mask
        this.lists[at++] = (list + 1) & mask
      }
    }
  }

  /** Puts the box last looked at in its list. */
  insert(box: number): void {
    const list = this.lists[13]!
    this.next[box] = this.heads[list]!
    this.heads[list] = box
  }

  /** 1 to `BINS` - 2, so that every bin has neighbours; one pixel is in the middle. */
  #bin(side: number): number {
    if (!(side > 0)) return 1
    return Math.min(BINS - 2, Math.max(1, BINS / 2 + Math.floor(Math.log(side) / this.#step)))
  }
}
