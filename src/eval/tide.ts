import { type Arrangement, walkImages } from "./arrange.js"
import { overlaps } from "./coco-match.js"
import { meanOfMeasured } from "./coco-summary.js"
import { isIgnored, type MatchesAt, RIGHT, UNUSED, WRONG } from "./match-at.js"
import { counting, groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** A wrong detection overlapping no truth by more than this is on the background. @source TIDE section 2.2 */
const BACKGROUND_OVERLAP = 0.1

const tideNames = ["classification", "localization", "both", "duplicate", "background", "missed"] as const
export type TideError = (typeof tideNames)[number]

/** How much AP (0..1) would rise if all errors of one type were mended, and how many there are. */
export interface TideErrors {
  /** AP at the overlap threshold of the matches, without any mending. */
  readonly AP: number
  readonly gain: Readonly<Record<TideError, number>>
  readonly count: Readonly<Record<TideError, number>>
}

const CLASSIFICATION = 0
const LOCALIZATION = 1
const BOTH = 2
const DUPLICATE = 3
const BACKGROUND = 4

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
  matches: MatchesAt,
): TideErrors {
  const { type, target } = findErrors(truths, detections, arranged, matches)
  const count = new Array<number>(6).fill(0)
  for (const t of type) if (t >= 0) count[t]!++
  const missed = new Int32Array(truths.categoryIds.length)
  const claimed = new Uint8Array(truths.image.length)
  for (let d = 0; d < type.length; d++) if (target[d]! >= 0) claimed[target[d]!] = 1
  for (let g = 0; g < truths.image.length; g++) {
    if (isIgnored(truths, g) || matches.found[g] === 1 || claimed[g] === 1) continue
    missed[truths.category[g]!]!++
    count[5]!++
  }
  const meanAp = (mended: number) =>
    meanPrecision(mended, type, target, truths, detections, arranged, matches, mended === 5 ? missed : undefined)
  const AP = meanAp(-1)
  const gain = tideNames.map((_, mended) => (count[mended] === 0 || Number.isNaN(AP) ? 0 : meanAp(mended) - AP))
  const byName = (values: readonly number[]) =>
    Object.fromEntries(tideNames.map((name, i) => [name, values[i]!])) as Record<TideError, number>
  return { AP, gain: byName(gain), count: byName(count) }
}

interface Errors {
  /** `[D]` place in `tideNames`; -1 for no error. */
  readonly type: Int8Array
  /** `[D]` for localization and classification: the free truth that the detection would be right for; else -1. */
  readonly target: Int32Array
}

function findErrors(truths: TruthTable, detections: DetectionTable, arranged: Arrangement, matches: MatchesAt): Errors {
  const images = truths.imageIds.length
  const type = new Int8Array(detections.image.length).fill(-1)
  const target = new Int32Array(detections.image.length).fill(-1)
  const wrong = arranged.ranked.filter((d) => matches.state[d] === WRONG)
  const counted = counting(truths.image.length).filter((g) => !isIgnored(truths, g))
  const byImage = groupBy(wrong, detections.image, images).order
  const truthsByImage = groupBy(counted, truths.image, images).order
  const claimed = new Uint8Array(truths.image.length)
  let ious = new Float64Array(256)
  walkImages(byImage, detections.image, truthsByImage, truths.image, (here, inTruths) => {
    const cells = here.length * inTruths.length
    if (ious.length < cells) ious = new Float64Array(2 * cells)
    overlaps(detections.boxesXywh, here, truths.boxesXywh, inTruths, truths.crowd, ious)
    here.forEach((d, row) => {
      const best = bestOverlaps(d, ious.subarray(row * inTruths.length, (row + 1) * inTruths.length), inTruths)
      type[d] = typeOf(best, matches.iouThreshold)
      const truth = type[d] === LOCALIZATION ? best.same : type[d] === CLASSIFICATION ? best.other : -1
      // Best score first: the first to claim a free truth is the one that would be right for it.
      if (truth < 0 || matches.found[truth] === 1 || claimed[truth] === 1) return
      claimed[truth] = 1
      target[d] = truth
    })
  })
  return { type, target }

  function bestOverlaps(d: number, row: Float64Array, inTruths: Int32Array): Best {
    let [same, other] = [-1, -1]
    let [sameIou, otherIou, takenIou] = [0, 0, 0]
    for (let g = 0; g < inTruths.length; g++) {
      const truth = inTruths[g]!
      const iou = row[g]!
      if (truths.category[truth] === detections.category[d]) {
        if (matches.found[truth] === 1 && iou > takenIou) takenIou = iou
        if (iou <= sameIou) continue
        sameIou = iou
        same = truth
      } else if (iou > otherIou) {
        otherIou = iou
        other = truth
      }
    }
    return { same, sameIou, other, otherIou, takenIou }
  }
}

interface Best {
  /** The truth of the detection's class it overlaps most, and by how much. */
  readonly same: number
  readonly sameIou: number
  readonly other: number
  readonly otherIou: number
  /** The greatest overlap with a truth of its class that another detection found. */
  readonly takenIou: number
}

function typeOf({ sameIou, otherIou, takenIou }: Best, threshold: number): number {
  if (sameIou >= BACKGROUND_OVERLAP && sameIou <= threshold) return LOCALIZATION
  if (otherIou >= threshold) return CLASSIFICATION
  if (takenIou >= threshold) return DUPLICATE
  return Math.max(sameIou, otherIou) <= BACKGROUND_OVERLAP ? BACKGROUND : BOTH
}

/** Mean AP over the classes that have truths, with the errors of one type mended. */
function meanPrecision(
  mended: number,
  type: Int8Array,
  target: Int32Array,
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  matches: MatchesAt,
  missed: Int32Array | undefined,
): number {
  const state = matches.state.slice()
  const category = detections.category.slice()
  if (mended >= 0 && mended < 5) {
    for (let d = 0; d < type.length; d++) {
      if (type[d] !== mended) continue
      state[d] = target[d]! >= 0 ? RIGHT : UNUSED
      if (target[d]! >= 0) category[d] = truths.category[target[d]!]!
    }
  }
  const { order, starts } = groupBy(arranged.ranked, category, truths.categoryIds.length)
  const perClass = Array.from(matches.counted, (counted, k) => {
    if (counted === 0) return -1
    const left = counted - (missed?.[k] ?? 0)
    const ranked = order.subarray(starts[k], starts[k + 1])
    if (left === 0) return ranked.some((d) => state[d] === WRONG) ? 0 : -1
    return interpolatedAp(ranked, state, left)
  })
  const mean = meanOfMeasured(Float64Array.from(perClass))
  return mean === -1 ? Number.NaN : mean
}

/** COCO's AP of one class: the mean of 101 precisions, summed as in `evaluateCoco`. */
function interpolatedAp(ranked: Int32Array, state: Uint8Array, truths: number): number {
  const precision: number[] = []
  let wrong = 0
  for (const d of ranked) {
    if (state[d] === WRONG) wrong++
    else if (state[d] === RIGHT) {
      const right = precision.length + 1
      precision.push(right / (wrong + right + 2 ** -52))
    }
  }
  for (let n = precision.length - 2; n >= 0; n--) precision[n] = Math.max(precision[n]!, precision[n + 1]!)
  let sum = 0
  let n = 0
  for (let r = 0; r <= 100; r++) {
    while (n <= precision.length && n / truths < r * 0.01) n++
    if (n <= precision.length) sum += precision[Math.max(0, n - 1)] ?? 0
  }
  return sum / 101
}
