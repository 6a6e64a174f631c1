import { overlap } from "../overlap.js"
import { areaOf } from "./coco.js"
import type { CocoAnnotation, CocoId } from "./records.js"

/** What `evaluateImg` tells of one image, category and area range; T IoU thresholds, D detections, G ground truths. */
export interface ImageEvaluation {
  readonly image_id: CocoId
  /** -1 with `useCats` 0. */
  readonly category_id: CocoId
  readonly aRng: readonly [number, number]
  readonly maxDet: number
  /** `[D]` best score first. */
  readonly dtIds: readonly CocoId[]
  /** `[G]` ignored ones last. */
  readonly gtIds: readonly CocoId[]
  /** `[T][D]` the id matched, 0 for none. */
  readonly dtMatches: readonly (readonly CocoId[])[]
  /** `[T][G]` the id matched, 0 for none. */
  readonly gtMatches: readonly (readonly CocoId[])[]
  readonly dtScores: readonly number[]
  /** `[G]` */
  readonly gtIgnore: readonly (0 | 1)[]
  /** `[T][D]` */
  readonly dtIgnore: readonly (readonly boolean[])[]
}

/**
 * `[D][G]` overlap of the best `maxDet` detections, best score first, with the ground truths as they come.
 * @source pycocotools cocoeval.py computeIoU
 */
export function computeIous(
  gts: readonly CocoAnnotation[],
  dts: readonly CocoAnnotation[],
  maxDet: number,
): number[][] {
  const truths = Float64Array.from(gts.flatMap(({ bbox }) => bbox))
  return bestFirst(dts, maxDet).map(({ bbox }) => {
    const box = Float64Array.from(bbox)
    return gts.map(({ iscrowd }, g) => overlap(box, 0, truths, g * 4, Boolean(iscrowd)))
  })
}

/**
 * Matches one image, category and area range, as pycocotools writes it down; figures come from `CellMatcher`, which does
 * the same for all at once.
 * @source pycocotools cocoeval.py evaluateImg
 */
export function evaluateImage(
  where: Pick<ImageEvaluation, "image_id" | "category_id" | "aRng" | "maxDet">,
  gts: readonly CocoAnnotation[],
  dts: readonly CocoAnnotation[],
  iouThrs: readonly number[],
  maxDetOfAll: number,
): ImageEvaluation | undefined {
  if (gts.length === 0 && dts.length === 0) return undefined
  const [from, to] = where.aRng
  const outside = (annotation: CocoAnnotation) => areaOf(annotation) < from || areaOf(annotation) > to
  const ignored = gts.map((gt) => Boolean(gt.iscrowd) || outside(gt))
  const order = [...gts.keys()].sort((a, b) => Number(ignored[a]) - Number(ignored[b]))
  const detections = bestFirst(dts, where.maxDet)
  const ious = computeIous(gts, dts, maxDetOfAll)
  const dtMatches: number[][] = []
  const gtMatches: number[][] = []
  const dtIgnore: boolean[][] = []
  for (const threshold of iouThrs) {
    const gtm = gts.map(() => 0)
    const dtm = detections.map(() => 0)
    const dtIg = detections.map(() => false)
    detections.forEach((dt, d) => {
      let iou = Math.min(threshold, 1 - 1e-10)
      let best = -1
      for (let place = 0; place < order.length; place++) {
        const g = order[place]!
        if (gtm[place]! > 0 && !gts[g]!.iscrowd) continue
        if (best >= 0 && !ignored[order[best]!] && ignored[g]) break
        if (ious[d]![g]! < iou) continue
        iou = ious[d]![g]!
        best = place
      }
      if (best < 0) return
      dtIg[d] = ignored[order[best]!]!
      dtm[d] = gts[order[best]!]!.id
      gtm[best] = dt.id
    })
    dtMatches.push(dtm)
    gtMatches.push(gtm)
    dtIgnore.push(dtIg.map((is, d) => is || (dtm[d] === 0 && outside(detections[d]!))))
  }
  return {
    ...where,
    dtIds: detections.map(({ id }) => id),
    gtIds: order.map((g) => gts[g]!.id),
    dtMatches,
    gtMatches,
    dtScores: detections.map(({ score }) => score!),
    gtIgnore: order.map((g) => (ignored[g] ? 1 : 0)),
    dtIgnore,
  }
}

function bestFirst(dts: readonly CocoAnnotation[], most: number): CocoAnnotation[] {
  return [...dts].sort((a, b) => b.score! - a.score!).slice(0, most)
}
