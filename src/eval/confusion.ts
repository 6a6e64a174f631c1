import { walkImages } from "./arrange.js"
import { overlaps } from "./coco-match.js"
import { isIgnored } from "./match-at.js"
import { byScore, counting, groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Which class was taken for which. Row and column K stand for the background. */
export interface ConfusionMatrix {
  /** Detections below this score are left out. */
  readonly scoreThreshold: number
  readonly iouThreshold: number
  /** K classes and "background". */
  readonly names: readonly string[]
  /** `[K + 1, K + 1]` counts: row = truth, column = detection. */
  readonly counts: readonly (readonly number[])[]
}

/**
 * Pairs truths and detections of each image whatever their classes, the greatest overlap first (of equal overlaps one of
 * the same class, then the better score), one to one. A truth left over counts as taken for background, a detection left
 * over as background taken for its class, unless it lies on a crowd or a difficult object.
 * @param ranked positions of the detections, best score first
 */
export function confusionMatrix(
  truths: TruthTable,
  detections: DetectionTable,
  scoreThreshold: number,
  iouThreshold = 0.5,
  ranked: Int32Array = byScore(counting(detections.scores.length), detections.scores),
): ConfusionMatrix {
  const classes = truths.categoryNames.length
  const counts = Array.from({ length: classes + 1 }, () => new Array<number>(classes + 1).fill(0))
  const images = truths.imageIds.length
  const kept = ranked.filter((d) => detections.scores[d]! >= scoreThreshold && detections.category[d]! >= 0)
  const byImage = groupBy(kept, detections.image, images).order
  const truthsByImage = groupBy(counting(truths.image.length), truths.image, images).order
  walkImages(byImage, detections.image, truthsByImage, truths.image, (here, inTruths) => {
    const ious = new Float64Array(here.length * inTruths.length)
    overlaps(detections.boxesXywh, here, truths.boxesXywh, inTruths, truths.crowd, ious)
    const truthOf = new Int32Array(here.length).fill(-1)
    const detectionOf = new Int32Array(inTruths.length).fill(-1)
    const onIgnored = new Uint8Array(here.length)
    const pairs: number[] = []
    for (let at = 0; at < ious.length; at++) {
      if (ious[at]! < iouThreshold) continue
      if (isIgnored(truths, inTruths[at % inTruths.length]!)) onIgnored[Math.floor(at / inTruths.length)] = 1
      else pairs.push(at)
    }
    const same = (at: number) =>
      Number(
        detections.category[here[Math.floor(at / inTruths.length)]!] ===
          truths.category[inTruths[at % inTruths.length]!],
      )
    pairs.sort((a, b) => ious[b]! - ious[a]! || same(b) - same(a) || a - b)
    for (const at of pairs) {
      const d = Math.floor(at / inTruths.length)
      const g = at % inTruths.length
      if (truthOf[d] !== -1 || detectionOf[g] !== -1) continue
      truthOf[d] = g
      detectionOf[g] = d
    }
    inTruths.forEach((truth, g) => {
      if (isIgnored(truths, truth)) return
      const d = detectionOf[g]!
      counts[truths.category[truth]!]![d < 0 ? classes : detections.category[here[d]!]!]!++
    })
    here.forEach((detection, d) => {
      if (truthOf[d] === -1 && onIgnored[d] === 0) counts[classes]![detections.category[detection]!]!++
    })
  })
  return { scoreThreshold, iouThreshold, names: [...truths.categoryNames, "background"], counts }
}
