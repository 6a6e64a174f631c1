import { type Rule, withDefaults } from "../core/options.js"
import { type Arrangement, arrange } from "./arrange.js"
import { ascends } from "./order.js"
import { type DetectionTable, inclusiveCorners, setInclusiveCorners, type TruthTable } from "./tables.js"
import { allPointsAp, elevenPointAp, type VocCurve, vocCurve } from "./voc-ap.js"

export interface VocOptions {
  readonly iouThresholds: readonly number[]
  /**
   * "at-least": an overlap of exactly the threshold is a match, as in the official code. "above": it is not, as in the
   * Python versions of py-faster-rcnn, Detectron and detectron2.
   */
  readonly match: "at-least" | "above"
}

/** @source VOC devkit VOCevaldet.m: `ovmax >= VOCopts.minoverlap`, 0.5 */
export const vocDefaults: VocOptions = { iouThresholds: [0.5], match: "at-least" }

/** One class at one overlap threshold. AP is NaN where the class has no truths that count. */
export interface VocClassResult {
  readonly name: string
  /** Objects that count, those marked difficult left out. */
  readonly truths: number
  readonly difficult: number
  readonly detections: number
  /** Eleven points. */
  readonly voc07: number
  /** All points. */
  readonly voc12: number
  /** Made when it is asked for. */
  readonly curve: VocCurve
}

export interface VocResult {
  readonly iouThreshold: number
  readonly perClass: readonly VocClassResult[]
  /** Mean over the classes that have truths; NaN when none has. */
  readonly voc07: number
  readonly voc12: number
}

const thresholds: Rule = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((t) => typeof t === "number" && t >= 0 && t <= 1)
    ? undefined
    : "numbers from 0 to 1, at least one"

/**
 * VOC's AP by 11 points and by all points, one result an overlap threshold: best score first (equal scores in the order
 * of the table), each detection is compared with the truth it overlaps most (the first of equals), whether that is taken
 * or not; inclusive pixels ("+1"). A detection on a difficult object (or a crowd) counts neither way.
 * @param arranged the same tables in order, where they are already
 * @throws UsageError for an unknown option or a value out of range
 * @source VOC devkit VOCevaldet.m, VOCap.m. Precision before the first counted detection is 0, where MATLAB has NaN.
 */
export function evaluateVoc(
  truths: TruthTable,
  detections: DetectionTable,
  overrides: Partial<VocOptions> = {},
  arranged: Arrangement = arrange(truths, detections),
): VocResult[] {
  const options = withDefaults("evaluateVoc", vocDefaults, overrides, {
    iouThresholds: thresholds,
    match: (value) => (value === "at-least" || value === "above" ? undefined : `"at-least" or "above"`),
  })
  const classes = truths.categoryNames.length
  const order = rankByTable(detections, arranged)
  const { starts } = arranged.ranking
  const pairing = bestTruths(truths, detections, arranged)
  const difficult = new Int32Array(classes)
  const counted = new Int32Array(classes)
  for (let g = 0; g < truths.category.length; g++) {
    if (isDifficult(truths, g)) difficult[truths.category[g]!]!++
    else counted[truths.category[g]!]!++
  }
  return options.iouThresholds.map((threshold) => {
    const judged = judge(order, truths, pairing, threshold, options.match === "above")
    const perClass = truths.categoryNames.map((name, k): VocClassResult => {
      const ranked = order.subarray(starts[k]!, starts[k + 1])
      const points = truePositives(ranked, judged, counted[k]!)
      const ap = (of: (points: VocPoints) => number) => (counted[k] === 0 ? Number.NaN : of(points))
      return {
        name,
        truths: counted[k]!,
        difficult: difficult[k]!,
        detections: starts[k + 1]! - starts[k]!,
        voc07: ap(elevenPointAp),
        voc12: ap(allPointsAp),
        // Of all classes they would be the largest part of a report, and few ask for them.
        get curve() {
          return curveOf(ranked, detections.scores, judged, counted[k]!)
        },
      }
    })
    const measured = perClass.filter((one) => one.truths > 0)
    const mean = (key: "voc07" | "voc12") => measured.reduce((sum, one) => sum + one[key], 0) / measured.length
    return { iouThreshold: threshold, perClass, voc07: mean("voc07"), voc12: mean("voc12") }
  })
}

const FALSE = 0
const TRUE = 1
const NEITHER = 2

/**
 * What each detection is at one threshold: `[D]` FALSE, TRUE or NEITHER.
 * @param order by class, best score first
 */
function judge(
  order: Int32Array,
  truths: TruthTable,
  { truth, overlap }: Pairing,
  threshold: number,
  above: boolean,
): Uint8Array {
  const judged = new Uint8Array(truth.length)
  const taken = new Uint8Array(truths.image.length)
  for (let i = 0; i < order.length; i++) {
    const d = order[i]!
    const best = truth[d]!
    if (best < 0 || !(above ? overlap[d]! > threshold : overlap[d]! >= threshold)) continue
    judged[d] = isDifficult(truths, best) ? NEITHER : taken[best] === 1 ? FALSE : TRUE
    taken[best] = 1
  }
  return judged
}

type VocPoints = Pick<VocCurve, "recall" | "precision">

/** The points of the curve at true positives: recall changes only there, and precision is the highest. */
function truePositives(ranked: Int32Array, judged: Uint8Array, truths: number): VocPoints {
  const recall = new Float64Array(truths)
  const precision = new Float64Array(truths)
  let seen = 0
  let right = 0
  for (let i = 0; i < ranked.length; i++) {
    const is = judged[ranked[i]!]
    if (is === NEITHER) continue
    seen++
    if (is !== TRUE) continue
    right++
    recall[right - 1] = right / truths
    precision[right - 1] = right / seen
  }
  return { recall: recall.subarray(0, right), precision: precision.subarray(0, right) }
}

function curveOf(ranked: Int32Array, scores: Float64Array, judged: Uint8Array, truths: number): VocCurve {
  const found = new Uint8Array(ranked.length)
  const scored = new Float64Array(ranked.length)
  let kept = 0
  for (let i = 0; i < ranked.length; i++) {
    const d = ranked[i]!
    if (judged[d] === NEITHER) continue
    found[kept] = judged[d] === TRUE ? 1 : 0
    scored[kept++] = scores[d]!
  }
  return vocCurve(found.subarray(0, kept), truths, scored.subarray(0, kept))
}

function isDifficult({ difficult, crowd }: TruthTable, g: number): boolean {
  return difficult[g] === 1 || crowd[g] === 1
}

interface Pairing {
  /** `[D]` the truth of the detection's image and class that it overlaps most, the first of equals; -1 for none. */
  readonly truth: Int32Array
  /** `[D]` by how much. */
  readonly overlap: Float64Array
}

/** By class, best score first, equal scores in the order of the table: the arrangement's own where images ascend in it. */
function rankByTable({ image, scores }: DetectionTable, { ranking }: Arrangement): Int32Array {
  if (ascends(image)) return ranking.order
  const order = ranking.order.slice()
  for (let k = 0; k + 1 < ranking.starts.length; k++) {
    const end = ranking.starts[k + 1]!
    for (let from = ranking.starts[k]!; from < end; ) {
      const score = scores[order[from]!]!
      let to = from + 1
      while (to < end && scores[order[to]!] === score) to++
      if (to - from > 1) order.subarray(from, to).sort()
      from = to
    }
  }
  return order
}

/** Pairs every detection with its truth; thresholds come later. */
function bestTruths(
  truths: TruthTable,
  detections: DetectionTable,
  { ranking, cells, truths: all }: Arrangement,
): Pairing {
  const { image, boxesXywh, corners: given } = detections
  const truthCorners = inclusiveCorners(truths.boxesXywh, truths.cornersFrom)
  const truth = new Int32Array(image.length).fill(-1)
  const overlap = new Float64Array(image.length)
  const box = new Float64Array(4)
  for (let k = 0; k < truths.categoryIds.length; k++) {
    let first = all.starts[k]!
    const last = all.starts[k + 1]!
    const end = ranking.starts[k + 1]!
    for (let at = ranking.starts[k]!; at < end && first < last; ) {
      const here = image[cells[at]!]!
      while (first < last && truths.image[all.order[first]!]! < here) first++
      let behind = first
      while (behind < last && truths.image[all.order[behind]!] === here) behind++
      for (; at < end && image[cells[at]!] === here; at++) {
        if (behind === first) continue
        const d = cells[at]!
        if (given === undefined) setInclusiveCorners(boxesXywh, d * 4, box, 0, truths.cornersFrom ?? 1)
        else for (let i = 0; i < 4; i++) box[i] = given[d * 4 + i]!
        let most = 0
        for (let g = first; g < behind; g++) {
          const iou = inclusiveIou(box, 0, truthCorners, all.order[g]! * 4)
          if (iou <= most) continue
          most = iou
          truth[d] = all.order[g]!
        }
        overlap[d] = most
      }
      first = behind
    }
  }
  return { truth, overlap }
}

/**
 * Overlap of the boxes at `i` in `a` and `j` in `b` (left, top, right, bottom), whose last pixels belong to them: a width
 * is right - left + 1.
 * @source VOC devkit VOCevaldet.m
 */
export function inclusiveIou(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  const width = Math.min(a[i + 2]!, b[j + 2]!) - Math.max(a[i]!, b[j]!) + 1
  const height = Math.min(a[i + 3]!, b[j + 3]!) - Math.max(a[i + 1]!, b[j + 1]!) + 1
  if (!(width > 0) || !(height > 0)) return 0
  const areaA = (a[i + 2]! - a[i]! + 1) * (a[i + 3]! - a[i + 1]! + 1)
  const areaB = (b[j + 2]! - b[j]! + 1) * (b[j + 3]! - b[j + 1]! + 1)
  const shared = width * height
  return shared / (areaA + areaB - shared)
}
