import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Detections } from "../boxes/boxes.js"
import { iou } from "../boxes/iou.js"
import type { PixelDetector } from "./pixel-detector.js"

/** Which detections are compared. */
export interface Bounds {
  readonly score: number
  readonly maxDetections: number
}

/** How far two detectors agree. */
export interface Agreement {
  /** Clear detections of either that the other has too. */
  readonly same: number
  /** Clear detections of either that the other lacks. */
  readonly alone: number
  /** Largest differences of what both have: of scores, and of edges in image pixels. */
  readonly score: number
  readonly edge: number
}

/** A detection that is nearer than this to the lowest score that counts is not clear: rounding may push it out. */
const scoreMargin = 1e-3

/** Boxes of one label that overlap by more may be one detection. */
const sameOverlap = 0.9

/** Runs two detectors on the same images, in turns. @param onImage told how many are done */
export async function compareDetectors(
  first: PixelDetector,
  second: PixelDetector,
  cases: readonly { readonly image: RgbImage; readonly bounds: Bounds }[],
  onImage?: (done: number, total: number) => void,
): Promise<Agreement> {
  let total: Agreement = { same: 0, alone: 0, score: 0, edge: 0 }
  for (const [i, { image, bounds }] of cases.entries()) {
    onImage?.(i, cases.length)
    const found = await first.detect(image, bounds)
    const own = compareDetections(found, await second.detect(image, bounds), bounds)
    total = {
      same: total.same + own.same,
      alone: total.alone + own.alone,
      score: Math.max(total.score, own.score),
      edge: Math.max(total.edge, own.edge),
    }
  }
  onImage?.(cases.length, cases.length)
  return total
}

/** Pairs the detections of two lists, best first. */
export function compareDetections(first: Detections, second: Detections, { score, maxDetections }: Bounds): Agreement {
  const cuts = [first, second].map(({ scores }) => (scores.length < maxDetections ? score : scores.at(-1)!))
  const clear = Math.max(...cuts) + scoreMargin
  const free = new Set(second.scores.keys())
  const result = { same: 0, alone: 0, score: 0, edge: 0 }
  for (const [i, own] of first.scores.entries()) {
    const partner = [...free].find((j) => {
      return second.labels[j] === first.labels[i] && iou(first.boxes, i, second.boxes, j) > sameOverlap
    })
    if (partner === undefined) {
      if (own >= clear) result.alone++
      continue
    }
    free.delete(partner)
    result.same++
    result.score = Math.max(result.score, Math.abs(own - second.scores[partner]!))
    for (let side = 0; side < 4; side++) {
      const distance = Math.abs(first.boxes[4 * i + side]! - second.boxes[4 * partner + side]!)
      result.edge = Math.max(result.edge, distance)
    }
  }
  for (const j of free) if (second.scores[j]! >= clear) result.alone++
  return result
}
