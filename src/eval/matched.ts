import { type Arrangement, arrange } from "./arrange.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import { cocoOptions } from "./coco-options.js"
import { type MatchesAt, matchAt } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Detections matched once, for everything that is asked of them: figures, intervals, slices, calibration, suspects. */
export interface MatchedDetections {
  readonly truths: TruthTable
  readonly detections: DetectionTable
  readonly arranged: Arrangement
  readonly coco: CocoMatches
  /** What became of each detection at IoU 0.5. */
  readonly at50: MatchesAt
}

/** Matches by COCO's rules. */
export function matchDetections(truths: TruthTable, detections: DetectionTable): MatchedDetections {
  const arranged = arrange(truths, detections)
  const coco = matchCoco(truths, detections, arranged, cocoOptions())
  return { truths, detections, arranged, coco, at50: matchAt(truths, detections, arranged, coco, 0.5) }
}
