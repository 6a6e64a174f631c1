import type { Arrangement } from "./arrange.js"
import { meanOfMeasured } from "./coco-summary.js"
import type { ImageIndex } from "./image-index.js"
import { isIgnored, type MatchesAt, RIGHT, UNUSED, WRONG } from "./match-at.js"
import { groupBy } from "./order.js"
import { overlap } from "./overlap.js"
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
const MISSED = 5
/** A type that no detection has. */
const NOTHING = 6

/**
 * The six error types of TIDE. A wrong detection has the first type that fits: right class but too little overlap
 * (localization), enough overlap with another class (classification), a truth that is taken (duplicate), nothing there
 * (background), else both. A truth that is not found and that no classification or localization error could become is
 * missed. Mending: a localization or classification error becomes right if it is the best scored one for its truth and
 * that is free, else it goes; both, duplicate and background go; missed truths are not asked for.
 * @param ranked positions of all detections, best score first
 * @source Bolya et al. 2020 "TIDE: A General Toolbox for Identifying Object Detection Errors"; order of the tests as in
 *   dbolya/tide. Unlike there the matching and the limit of detections are COCO's, so that AP is the reported one.
 */
export function tideErrors(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  ranked: Int32Array,
  index: ImageIndex,
  matches: MatchesAt,
): TideErrors {
  const errors = findErrors(truths, detections, index, matches)
  const { type, target } = errors
  const count = new Array<number>(6).fill(0)
  for (const t of type) if (t >= 0) count[t]!++
  const missed = new Int32Array(truths.categoryIds.length)
  const claimed = new Uint8Array(truths.image.length)
  for (let d = 0; d < type.length; d++) if (target[d]! >= 0) claimed[target[d]!] = 1
  for (let g = 0; g < truths.image.length; g++) {
    if (isIgnored(truths, g) || matches.found[g] === 1 || claimed[g] === 1) continue
    missed[truths.category[g]!]!++
    count[MISSED]!++
  }
  const inRanking = rankErrors(arranged.ranking, errors, matches)
  const precision = new Float64Array(type.length)
  const meanAp = (mended: number) => {
    const own =
      mended === CLASSIFICATION
        ? rankErrors(reclassified(truths, detections, ranked, errors), errors, matches)
        : inRanking
    return meanPrecision(mended, own, matches.counted, mended === MISSED ? missed : undefined, precision)
  }
  const AP = meanAp(NOTHING)
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

function findErrors(truths: TruthTable, detections: DetectionTable, index: ImageIndex, matches: MatchesAt): Errors {
  const type = new Int8Array(detections.image.length).fill(-1)
  const target = new Int32Array(detections.image.length).fill(-1)
  const claimed = new Uint8Array(truths.image.length)
  const best = new BestOverlaps(truths, detections, index, matches)
  const { order, starts } = index.detections
  for (let image = 0; image < truths.imageIds.length; image++) {
    if (starts[image] === starts[image + 1]) continue
    best.enter(image)
    for (let at = starts[image]!; at < starts[image + 1]!; at++) {
      const d = order[at]!
      if (matches.state[d] !== WRONG) continue
      best.find(d)
      const error = best.error(matches.iouThreshold)
      type[d] = error
      const truth = error === LOCALIZATION ? best.same : error === CLASSIFICATION ? best.other : -1
      // Best score first: the first to claim a free truth is the one that would be right for it.
      if (truth < 0 || matches.found[truth] === 1 || claimed[truth] === 1) continue
      claimed[truth] = 1
      target[d] = truth
    }
  }
  return { type, target }
}

/** What one detection overlaps most. */
class BestOverlaps {
  /** The truth of the detection's class that it overlaps most, and by how much. */
  same = -1
  sameIou = 0
  /** The same for the other classes. */
  other = -1
  otherIou = 0
  /** The greatest overlap with a truth of its class that another detection found. */
  takenIou = 0
  readonly #truths: TruthTable
  readonly #detections: DetectionTable
  readonly #index: ImageIndex
  readonly #matches: MatchesAt
  /** The counted truths of the image at hand, with their boxes. */
  #count = 0
  #here = new Int32Array(64)
  #boxes = new Float64Array(256)

  constructor(truths: TruthTable, detections: DetectionTable, index: ImageIndex, matches: MatchesAt) {
    this.#truths = truths
    this.#detections = detections
    this.#index = index
    this.#matches = matches
  }

  /** Lays the counted truths of an image side by side. */
  enter(image: number): void {
    const { boxesXywh } = this.#truths
    const { order, starts } = this.#index.truths
    const most = starts[image + 1]! - starts[image]!
    if (this.#here.length < most) {
      this.#here = new Int32Array(2 * most)
      this.#boxes = new Float64Array(8 * most)
    }
    this.#count = 0
    for (let at = starts[image]!; at < starts[image + 1]!; at++) {
      const truth = order[at]!
      if (isIgnored(this.#truths, truth)) continue
      for (let i = 0; i < 4; i++) this.#boxes[this.#count * 4 + i] = boxesXywh[truth * 4 + i]!
      this.#here[this.#count++] = truth
    }
  }

  /** Looks at one detection of the image entered last. */
  find(d: number): void {
    const { category } = this.#truths
    const { found } = this.#matches
    const boxes = this.#detections.boxesXywh
    const own = this.#detections.category[d]!
    let [same, other] = [-1, -1]
    let [sameIou, otherIou, takenIou] = [0, 0, 0]
    for (let g = 0; g < this.#count; g++) {
      const iou = overlap(boxes, d * 4, this.#boxes, g * 4, false)
      if (iou === 0) continue
      const truth = this.#here[g]!
      if (category[truth] === own) {
        if (found[truth] === 1 && iou > takenIou) takenIou = iou
        if (iou <= sameIou) continue
        sameIou = iou
        same = truth
      } else if (iou > otherIou) {
        otherIou = iou
        other = truth
      }
    }
    this.same = same
    this.sameIou = sameIou
    this.other = other
    this.otherIou = otherIou
    this.takenIou = takenIou
  }

  /** The type of error that this is. */
  error(threshold: number): number {
    if (this.sameIou >= BACKGROUND_OVERLAP && this.sameIou <= threshold) return LOCALIZATION
    if (this.otherIou >= threshold) return CLASSIFICATION
    if (this.takenIou >= threshold) return DUPLICATE
    return Math.max(this.sameIou, this.otherIou) <= BACKGROUND_OVERLAP ? BACKGROUND : BOTH
  }
}

/** The detections of each class, best score first, with what became of them. */
interface RankedErrors {
  readonly starts: Int32Array
  readonly state: Uint8Array
  readonly type: Int8Array
  /** 1 for an error that mending makes right. */
  readonly mendable: Uint8Array
}

function rankErrors(
  { order, starts }: Arrangement["ranking"],
  { type, target }: Errors,
  matches: MatchesAt,
): RankedErrors {
  const state = new Uint8Array(order.length)
  const types = new Int8Array(order.length)
  const mendable = new Uint8Array(order.length)
  for (let p = 0; p < order.length; p++) {
    const d = order[p]!
    state[p] = matches.state[d]!
    types[p] = type[d]!
    mendable[p] = target[d]! >= 0 ? 1 : 0
  }
  return { starts, state, type: types, mendable }
}

/** The same with each mendable classification error in the class of its truth. */
function reclassified(
  truths: TruthTable,
  detections: DetectionTable,
  ranked: Int32Array,
  { type, target }: Errors,
): Arrangement["ranking"] {
  const category = detections.category.slice()
  for (let d = 0; d < type.length; d++) {
    if (type[d] === CLASSIFICATION && target[d]! >= 0) category[d] = truths.category[target[d]!]!
  }
  return groupBy(ranked, category, truths.categoryIds.length)
}

/** Mean AP over the classes that have truths, with the errors of one type mended; NaN without any. */
function meanPrecision(
  mended: number,
  errors: RankedErrors,
  counted: Int32Array,
  missed: Int32Array | undefined,
  precision: Float64Array,
): number {
  const { starts, state, type } = errors
  const perClass = Array.from(counted, (truths, k) => {
    if (truths === 0) return -1
    const left = truths - (missed?.[k] ?? 0)
    if (left > 0) return interpolatedAp(errors, starts[k]!, starts[k + 1]!, mended, left, precision)
    let wrong = false
    for (let p = starts[k]!; p < starts[k + 1]!; p++) wrong ||= state[p] === WRONG && type[p] !== mended
    return wrong ? 0 : -1
  })
  const mean = meanOfMeasured(Float64Array.from(perClass))
  return mean === -1 ? Number.NaN : mean
}

/** COCO's AP of one class: the mean of 101 precisions, summed as in `evaluateCoco`. */
function interpolatedAp(
  { state, type, mendable }: RankedErrors,
  from: number,
  to: number,
  mended: number,
  truths: number,
  precision: Float64Array,
): number {
  let wrong = 0
  let right = 0
  for (let p = from; p < to; p++) {
    const became = type[p] !== mended ? state[p]! : mendable[p] === 1 ? RIGHT : UNUSED
    if (became === WRONG) wrong++
    else if (became === RIGHT) {
      right++
      precision[right - 1] = right / (wrong + right + 2 ** -52)
    }
  }
  for (let n = right - 2; n >= 0; n--) if (precision[n + 1]! > precision[n]!) precision[n] = precision[n + 1]!
  let sum = 0
  let n = 0
  for (let r = 0; r <= 100; r++) {
    while (n <= right && n / truths < r * 0.01) n++
    if (n <= right && right > 0) sum += precision[Math.max(0, n - 1)]!
  }
  return sum / 101
}
