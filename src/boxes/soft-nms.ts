import type { Boxes } from "./boxes.js"
import { iou } from "./iou.js"

export interface SoftNmsOptions {
  /** `linear`: a score is multiplied by 1 - IoU where the IoU is above `threshold`; `gaussian`: by exp(-IoU^2 / sigma). */
  readonly decay: "linear" | "gaussian"
  /** IoU up to which `linear` leaves a score alone; `gaussian` has no use for it. */
  readonly threshold: number
  /** Stop after so many kept boxes. */
  readonly limit?: number
}

/** How wide the gaussian is. @source Bodla et al. 2017, section 4 */
const sigma = 0.5

/** A box whose score has sunk below this is dropped. @source bharatsingh430/soft-nms `cpu_soft_nms`, threshold */
const floor = 0.001

/**
 * Soft non-maximum suppression: going down the scores, a box that overlaps a kept one is not dropped but scored lower.
 * @param boxes `[R * 4]` x1, y1, x2, y2
 * @param scores `[R]`, left as they are
 * @returns indices of the kept boxes, best first, and what their scores have become; of equal scores the first box wins
 * @source Bodla et al. 2017, equation 3 and Figure 2
 */
export function softNms(
  boxes: Boxes,
  scores: Float32Array,
  { decay, threshold, limit = Number.POSITIVE_INFINITY }: SoftNmsOptions,
): { kept: Int32Array; scores: Float32Array } {
  const sinking = scores.slice()
  const kept: number[] = []
  let open = [...scores.keys()]
  const weight = (overlap: number) => {
    if (decay === "gaussian") return Math.exp(-(overlap * overlap) / sigma)
    return overlap > threshold ? 1 - overlap : 1
  }
  while (kept.length < limit) {
    open = open.filter((i) => sinking[i]! >= floor)
    if (open.length === 0) break
    const best = open.reduce((most, i) => (sinking[i]! > sinking[most]! ? i : most))
    kept.push(best)
    open = open.filter((i) => i !== best)
    for (const i of open) sinking[i]! *= weight(iou(boxes, i, boxes, best))
  }
  return { kept: Int32Array.from(kept), scores: Float32Array.from(kept, (i) => sinking[i]!) }
}
