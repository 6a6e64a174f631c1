import type { Arrangement } from "./arrange.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** What became of a detection. */
export const RIGHT = 1
export const WRONG = 0
/** On a crowd or a difficult object: neither right nor wrong. */
const IGNORED = 2
/** Of an unknown class, or past the best `maxDetections` of its image and class. */
const UNUSED = 3

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
export function isIgnored({ crowd, difficult, format }: TruthTable, g: number): boolean {
  return crowd[g] === 1 || (difficult[g] === 1 && format !== "coco")
}

/** The matches at one threshold: those of the evaluation where that is its first threshold, else matched anew. */
export function matchAt(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  matches: CocoMatches,
  iouThreshold: number,
): MatchesAt {
  const { options } = matches
  const own =
    options.iouThresholds[0] === iouThreshold
      ? matches
      : matchCoco(truths, detections, arranged, {
          ...options,
          iouThresholds: [iouThreshold],
          areaRanges: options.areaRanges.slice(0, 1),
        })
  const most = options.maxDetections.at(-1)!
  const state = new Uint8Array(detections.image.length).fill(UNUSED)
  const truth = new Int32Array(detections.image.length).fill(-1)
  const found = new Uint8Array(truths.image.length)
  const counted = new Int32Array(truths.categoryIds.length)
  for (let g = 0; g < truths.image.length; g++) if (!isIgnored(truths, g)) counted[truths.category[g]!]!++
  const { order } = arranged.ranking
  for (let p = 0; p < order.length; p++) {
    if (own.rank[p]! >= most) continue
    const d = order[p]!
    const g = own.truth[p]!
    truth[d] = g
    state[d] = g < 0 ? WRONG : isIgnored(truths, g) ? IGNORED : RIGHT
    if (g >= 0) found[g] = 1
  }
  return { iouThreshold, state, truth, found, counted }
}
