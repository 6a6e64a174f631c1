import { UsageError } from "../core/errors.js"
import type { Arrangement } from "./arrange.js"
import { arrange } from "./arrange.js"
import { accumulate } from "./coco-accumulate.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import { type CocoOptions, cocoDefaults } from "./coco-options.js"
import { meanPrecision, meanRecall } from "./coco-summary.js"
import { byImage, ScoreSorter } from "./order.js"
import { type DetectionTable, type Federated, pickDetections, pickTruths, type TruthTable } from "./tables.js"

/** LVIS's 13 numbers, 0..1; NaN where there is nothing to measure. r, c, f: rare, common, frequent classes. */
export interface LvisSummary {
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  readonly APs: number
  readonly APm: number
  readonly APl: number
  readonly APr: number
  readonly APc: number
  readonly APf: number
  readonly AR300: number
  readonly ARs300: number
  readonly ARm300: number
  readonly ARl300: number
}

/** How many of the best detections of an image count, whatever their classes. @source lvis-api results.py */
const LVIS_DETECTIONS = 300

const OPTIONS: CocoOptions = {
  ...cocoDefaults,
  maxDetections: [LVIS_DETECTIONS],
  truthIdZero: "pycocotools",
  difficult: "counted",
}

/**
 * LVIS's box evaluation, equal to the lvis package to the last bit. LVIS is annotated class by class: a detection counts
 * only where its class was looked for in the image (a truth has it, or it is listed as absent), and unmatched ones not
 * where a class is marked as not exhaustively annotated. Boxes without an area take no part; there are no crowds.
 * @throws UsageError for truths that do not say which classes were looked for
 * @source Gupta et al. 2019 "LVIS", lvis-api 0.5.3 eval.py
 */
export function evaluateLvis(truths: TruthTable, detections: DetectionTable): LvisSummary {
  const { federated } = truths
  if (!federated) {
    throw new UsageError("evaluateLvis: expected LVIS annotations (images with neg_category_ids), got others")
  }
  const solid = ({ boxesXywh }: DetectionTable, d: number) => boxesXywh[d * 4 + 2]! * boxesXywh[d * 4 + 3]! > 0
  const withArea = pickTruths(truths, (g) => truths.areas[g]! > 0)
  const judged = { ...withArea, crowd: new Uint8Array(withArea.crowd.length) }
  const lookedFor = classesLookedFor(judged, federated)
  const best = bestOfImages(detections, truths.imageIds.length, LVIS_DETECTIONS)
  const chosen = pickDetections(detections, (d) => {
    const k = detections.category[d]!
    return best[d] === 1 && k >= 0 && solid(detections, d) && lookedFor.has(detections.image[d]!, k)
  })
  const arranged = arrange(judged, chosen)
  const matches = matchCoco(judged, chosen, arranged, OPTIONS)
  ignoreUnexhaustive(matches, arranged, chosen, new ImageClasses(judged, federated.notExhaustive))
  const curves = accumulate(arranged, chosen.scores, matches, OPTIONS)
  const T = OPTIONS.iouThresholds.length
  const thresholds = Array.from({ length: T }, (_, t) => t)
  const all = Array.from(truths.categoryIds, (_, k) => k)
  const measured = (value: number) => (value === -1 ? Number.NaN : value)
  const ap = (ts: readonly number[], a: number, classes: readonly number[] = all) =>
    measured(meanPrecision(curves, ts, classes, a, 0))
  const ar = (a: number) => measured(meanRecall(curves, all, a, 0))
  const group = (frequency: string) => all.filter((k) => federated.frequency[k] === frequency)
  return {
    AP: ap(thresholds, 0),
    AP50: ap([0], 0),
    AP75: ap([5], 0),
    APs: ap(thresholds, 1),
    APm: ap(thresholds, 2),
    APl: ap(thresholds, 3),
    APr: ap(thresholds, 0, group("r")),
    APc: ap(thresholds, 0, group("c")),
    APf: ap(thresholds, 0, group("f")),
    AR300: ar(0),
    ARs300: ar(1),
    ARm300: ar(2),
    ARl300: ar(3),
  }
}

/** Pairs of image and class. */
class ImageClasses {
  readonly #classes: number
  readonly #pairs = new Set<number>()

  /** @param perImage category ids, by place of the image; unknown ones are left out */
  constructor({ categoryIds }: TruthTable, perImage: readonly (readonly number[])[]) {
    this.#classes = categoryIds.length
    const place = new Map(Array.from(categoryIds, (id, k) => [id, k]))
    perImage.forEach((ids, image) => {
      for (const id of ids) if (place.has(id)) this.add(image, place.get(id)!)
    })
  }

  add(image: number, k: number): void {
    this.#pairs.add(image * this.#classes + k)
  }

  has(image: number, k: number): boolean {
    return this.#pairs.has(image * this.#classes + k)
  }
}

/** The classes that have a truth in an image, or are known to be absent. */
function classesLookedFor(truths: TruthTable, { negative }: Federated): ImageClasses {
  const lookedFor = new ImageClasses(truths, negative)
  for (let g = 0; g < truths.image.length; g++) lookedFor.add(truths.image[g]!, truths.category[g]!)
  return lookedFor
}

/** `[D]` 1 for the best `most` detections of each image, of equal scores those that come first. */
function bestOfImages({ image, scores }: DetectionTable, images: number, most: number): Uint8Array {
  const best = new Uint8Array(image.length)
  const order = byImage(image, images)
  const sorter = new ScoreSorter()
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && image[order[to]!] === image[order[from]!]) to++
    if (to - from > most) sorter.sort(order, from, to, scores)
    for (let i = from; i < Math.min(to, from + most); i++) best[order[i]!] = 1
    from = to
  }
  return best
}

/** Unmatched detections of classes that are not exhaustively annotated in their image count neither way. */
function ignoreUnexhaustive(
  { matched, ignored, rank, options }: CocoMatches,
  { ranking }: Arrangement,
  { image, category }: DetectionTable,
  notExhaustive: ImageClasses,
): void {
  const size = rank.length
  for (let p = 0; p < size; p++) {
    const d = ranking.order[p]!
    if (!notExhaustive.has(image[d]!, category[d]!)) continue
    for (let a = 0; a < options.areaRanges.length; a++) ignored[a * size + p]! |= ~matched[a * size + p]!
  }
}
