import { type Boxes, boxCount } from "./boxes.js"
import { iou } from "./iou.js"

/** From which IoU with a box another has a vote on where it lies. @source gidariss/mrcnn-object-detection box_ave_iou_thresh */
export const voteIou = 0.5

/**
 * Where boxes lie by vote: each is moved to the mean of the voters that overlap it by `threshold` or more, weighted by
 * their scores.
 * @param boxes `[D * 4]` x1, y1, x2, y2
 * @param voters R boxes with scores in 0..1
 * @returns `[D * 4]`; a box stays where it is when nobody with a score above 0 overlaps it
 * @source Gidaris and Komodakis 2015, section 5; their released code adds 1.5 to its SVM scores, Detectron's `box_voting`
 * weighs by the score itself, as here
 */
export function voteBoxes(
  boxes: Boxes,
  voters: { readonly boxes: Boxes; readonly scores: Float32Array },
  threshold: number = voteIou,
): Float32Array {
  const voted = Float32Array.from(boxes)
  for (let i = 0; i < boxCount(boxes); i++) {
    const sums = new Float64Array(4)
    let total = 0
    for (const [j, score] of voters.scores.entries()) {
      if (iou(voters.boxes, j, boxes, i) < threshold) continue
      total += score
      for (let c = 0; c < 4; c++) sums[c]! += score * voters.boxes[4 * j + c]!
    }
    if (total > 0)
      voted.set(
        sums.map((sum) => sum / total),
        4 * i,
      )
  }
  return voted
}
