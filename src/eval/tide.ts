import type { Arrangement } from "./arrange.js"
import type { ImageIndex } from "./image-index.js"
import { isIgnored, type MatchesAt } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { classifyErrors, MISSED } from "./tide-classify.js"
import { meanApsMended } from "./tide-mending.js"

export const tideNames = ["classification", "localization", "both", "duplicate", "background", "missed"] as const
export type TideError = (typeof tideNames)[number]

/** How much AP (0..1) would rise if all errors of one type were mended, and how many there are. */
export interface TideErrors {
  /** AP at the overlap threshold of the matches, without any mending. */
  readonly AP: number
  readonly gain: Readonly<Record<TideError, number>>
  readonly count: Readonly<Record<TideError, number>>
}

/**
 * The six error types of TIDE. A wrong detection has the first type that fits: right class but too little overlap
 * (localization), enough overlap with another class (classification), a truth that is taken (duplicate), nothing there
 * (background), else both. A truth that is not found and that no classification or localization error could become is
 * missed. Mending: a localization or classification error becomes right if it is the best scored one for its truth and
 * that is free, else it goes; both, duplicate and background go; missed truths are not asked for.
 * @source Bolya et al. 2020 "TIDE: A General Toolbox for Identifying Object Detection Errors"; order of the tests as in
 *   dbolya/tide. Unlike there the matching and the limit of detections are COCO's, so that AP is the reported one.
 */
export function tideErrors(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  index: ImageIndex,
  matches: MatchesAt,
): TideErrors {
  const errors = classifyErrors(truths, detections, index, matches)
  const { type, target } = errors
  const count = new Array<number>(tideNames.length).fill(0)
  const claimed = new Uint8Array(truths.image.length)
  for (let d = 0; d < type.length; d++) {
    if (type[d]! >= 0) count[type[d]!]!++
    if (target[d]! >= 0) claimed[target[d]!] = 1
  }
  const missed = new Int32Array(truths.categoryIds.length)
  for (let g = 0; g < truths.image.length; g++) {
    if (isIgnored(truths, g) || matches.found[g] === 1 || claimed[g] === 1) continue
    missed[truths.category[g]!]!++
    count[MISSED]!++
  }
  const aps = meanApsMended(truths, detections, arranged, errors, matches, missed)
  const AP = aps[tideNames.length]!
  const gain = tideNames.map((_, mended) => (Number.isNaN(AP) ? 0 : aps[mended]! - AP))
  const byName = (values: readonly number[]) =>
    Object.fromEntries(tideNames.map((name, i) => [name, values[i]!])) as Record<TideError, number>
  return { AP, gain: byName(gain), count: byName(count) }
}
