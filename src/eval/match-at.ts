import { type Arrangement, walkImages } from "./arrange.js"
import { Matcher } from "./coco-match.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** What became of a detection. */
export const RIGHT = 1
export const WRONG = 0
/** On a crowd or a difficult object: neither right nor wrong. */
export const IGNORED = 2
/** Of an unknown class, or past the best `maxDetections` of its image and class. */
export const UNUSED = 3

/** COCO's matching at a single overlap threshold, all sizes together. */
export interface MatchesAt {
  readonly iouThreshold: number
  /** `[D]` RIGHT, WRONG, IGNORED or UNUSED. */
  readonly state: Uint8Array
  /** `[D]` the truth matched, -1 for none. */
  readonly truth: Int32Array
  /** `[G]` 1 for a truth that some detection found. */
  readonly found: Uint8Array
  /** `[K]` truths that count: neither crowd nor difficult. */
  readonly counted: Int32Array
}

/** Whether truth `g` counts neither when found nor when missed. */
export function isIgnored({ crowd, difficult }: TruthTable, g: number): boolean {
  return crowd[g] === 1 || difficult[g] === 1
}

export function matchAt(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  iouThreshold: number,
  maxDetections: number,
): MatchesAt {
  const matcher = new Matcher(truths, { iouThresholds: [iouThreshold], truthIdZero: "mended" })
  const state = new Uint8Array(detections.image.length).fill(UNUSED)
  const truth = new Int32Array(detections.image.length).fill(-1)
  const found = new Uint8Array(truths.image.length)
  const counted = new Int32Array(truths.categoryIds.length)
  const matched = new Uint32Array(maxDetections)
  const ignored = new Uint32Array(maxDetections)
  const matchedTruth = new Int32Array(maxDetections)
  for (let k = 0; k < counted.length; k++) {
    const inTruths = arranged.truths.order.subarray(arranged.truths.starts[k], arranged.truths.starts[k + 1])
    for (const g of inTruths) if (!isIgnored(truths, g)) counted[k]!++
    const cells = arranged.cells.subarray(arranged.ranking.starts[k], arranged.ranking.starts[k + 1])
    walkImages(cells, detections.image, inTruths, truths.image, (all, here) => {
      const some = all.subarray(0, maxDetections)
      if (some.length === 0) return
      matched.fill(0)
      matchedTruth.fill(-1)
      if (here.length > 0) {
        const skipped = Uint8Array.from(here, (g) => (isIgnored(truths, g) ? 1 : 0))
        matcher.measure(detections.boxesXywh, some, here)
        matcher.match(some.length, here, skipped, matched, ignored, matchedTruth)
      }
      for (let d = 0; d < some.length; d++) {
        const g = matchedTruth[d]!
        truth[some[d]!] = g
        state[some[d]!] = g < 0 ? WRONG : isIgnored(truths, g) ? IGNORED : RIGHT
        if (g >= 0) found[g] = 1
      }
    })
  }
  return { iouThreshold, state, truth, found, counted }
}
