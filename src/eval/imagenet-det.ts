import { withDefaults } from "../core/options.js"
import { byScore, counting, groupBy } from "./order.js"
import { type DetectionTable, inclusiveCorners, type TruthTable } from "./tables.js"
import { inclusiveIou } from "./voc.js"
import { allPointsAp, vocCurve } from "./voc-ap.js"

export interface ImagenetDetOptions {
  readonly iouThreshold: number
  /** Pixels by which a box may be off in each direction together; relaxes the threshold of small objects. */
  readonly slack: number
  /** Pairs of image id and category id that are not judged. */
  readonly blacklist: readonly (readonly [imageId: number, categoryId: number])[]
}

/** @source ILSVRC detection evaluation code (eval_detection.m): 0.5, 10 pixels */
export const imagenetDetDefaults: ImagenetDetOptions = { iouThreshold: 0.5, slack: 10, blacklist: [] }

/** AP is NaN for a class without truths, and left out of `mAP`. */
export interface ImagenetDetResult {
  readonly mAP: number
  readonly perClass: readonly { readonly name: string; readonly truths: number; readonly AP: number }[]
}

/**
 * ImageNet's detection AP (all points): like VOC's, but a truth of w * h pixels is matched from an overlap of
 * min(0.5, w * h / ((w + 10) * (h + 10))), and taken truths are passed over for the best of the others.
 * @throws UsageError for an unknown option
 * @source ILSVRC detection evaluation code (eval_detection.m)
 */
export function evaluateImagenetDet(
  truths: TruthTable,
  detections: DetectionTable,
  overrides: Partial<ImagenetDetOptions> = {},
): ImagenetDetResult {
  const options = withDefaults("evaluateImagenetDet", imagenetDetDefaults, overrides)
  const corners = detections.corners ?? inclusiveCorners(detections.boxesXywh)
  const truthCorners = inclusiveCorners(truths.boxesXywh)
  const thresholds = relaxedThresholds(truthCorners, options)
  const listed = new Set(options.blacklist.map(([image, category]) => `${image} ${category}`))
  const unjudged = (image: number, k: number) =>
    listed.size > 0 && listed.has(`${truths.imageIds[image]} ${truths.categoryIds[k]}`)
  const ranking = groupBy(
    byScore(counting(detections.image.length), detections.scores),
    detections.category,
    truths.categoryNames.length,
  )
  const byImage = groupBy(counting(truths.image.length), truths.image, truths.imageIds.length)
  const counted = new Int32Array(truths.categoryNames.length)
  for (let g = 0; g < truths.image.length; g++) {
    if (!unjudged(truths.image[g]!, truths.category[g]!)) counted[truths.category[g]!]!++
  }
  const taken = new Uint8Array(truths.image.length)
  const perClass = truths.categoryNames.map((name, k) => {
    const found: number[] = []
    for (const d of ranking.order.subarray(ranking.starts[k], ranking.starts[k + 1])) {
      const image = detections.image[d]!
      if (unjudged(image, k)) continue
      let best = -1
      let most = Number.NEGATIVE_INFINITY
      for (let at = byImage.starts[image]!; at < byImage.starts[image + 1]!; at++) {
        const g = byImage.order[at]!
        if (truths.category[g] !== k || taken[g] === 1) continue
        const iou = inclusiveIou(corners, d * 4, truthCorners, g * 4)
        if (iou >= thresholds[g]! && iou > most) {
          most = iou
          best = g
        }
      }
      if (best >= 0) taken[best] = 1
      found.push(best >= 0 ? 1 : 0)
    }
    const AP = counted[k] === 0 ? Number.NaN : allPointsAp(vocCurve(Uint8Array.from(found), counted[k]!))
    return { name, truths: counted[k]!, AP }
  })
  const measured = perClass.filter((one) => one.truths > 0)
  return { mAP: measured.reduce((sum, one) => sum + one.AP, 0) / measured.length, perClass }
}

function relaxedThresholds(corners: Float64Array, { iouThreshold, slack }: ImagenetDetOptions): Float64Array {
  const thresholds = new Float64Array(corners.length / 4)
  for (let g = 0; g < thresholds.length; g++) {
    const width = corners[g * 4 + 2]! - corners[g * 4]! + 1
    const height = corners[g * 4 + 3]! - corners[g * 4 + 1]! + 1
    thresholds[g] = Math.min(iouThreshold, (width * height) / ((width + slack) * (height + slack)))
  }
  return thresholds
}
