import type { Boxes } from "./boxes.js"
import { orderByScore } from "./order.js"

/**
 * Greedy non-maximum suppression: going down the scores, a box is kept unless it overlaps a kept one by more than
 * `threshold`.
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
  let count = 0
  candidates: for (let k = 0; k < order.length && count < most; k++) {
    const at = 4 * order[k]!
    const left = boxes[at]!
    const top = boxes[at + 1]!
    const right = boxes[at + 2]!
    const bottom = boxes[at + 3]!
    const area = (right - left) * (bottom - top)
    for (let i = 0; i < count; i++) {
      const width = Math.min(right, x2[i]!) - Math.max(left, x1[i]!)
      if (width <= 0) continue
      const height = Math.min(bottom, y2[i]!) - Math.max(top, y1[i]!)
      if (height <= 0) continue
      const shared = width * height
      if (shared > threshold * (area + areas[i]! - shared)) continue candidates
    }
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
