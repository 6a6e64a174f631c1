import { rankAll } from "./arrange.js"
import { bestThresholds } from "./best-threshold.js"
import { type BootstrapOptions, bootstrapOptions, type Interval, interval, resample, WeightedAp } from "./bootstrap.js"
import { evaluateMatches } from "./coco.js"
import { cocoOptions } from "./coco-options.js"
import { type CocoSummary, cocoNames } from "./coco-summary.js"
import { shownImageId } from "./find-image.js"
import { rankImages } from "./image-ranking.js"
import { type MatchedDetections, matchDetections } from "./matched.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** How one class fares with two detectors; figures are 0..1 and NaN where there is nothing to measure. */
export interface ClassChange {
  readonly name: string
  readonly truths: number
  readonly a: number
  readonly b: number
  /** b - a */
  readonly change: Interval
  /** The interval does not hold 0. */
  readonly clear: boolean
}

/** How one image fares with two detectors, each from its own best score threshold on. */
export interface ImageChange {
  readonly imageId: number | string
  readonly name: string
  readonly a: number
  readonly b: number
}

/** Two detectors on the same truths. */
export interface Comparison {
  readonly images: number
  readonly a: CocoSummary
  readonly b: CocoSummary
  /** b - a of each of COCO's 12 figures; NaN where one has nothing to measure. */
  readonly difference: CocoSummary
  /** b - a with what it might have been on other images; the same images are drawn for both. */
  readonly AP: Interval
  readonly AP50: Interval
  /** Whether the interval of AP's difference does not hold 0: "noise" where it does. */
  readonly verdict: "a is better" | "b is better" | "noise"
  /** Classes with truths, the greatest change first. */
  readonly classes: readonly ClassChange[]
  /** Images whose F1 fell most from a to b, and rose most. */
  readonly worse: readonly ImageChange[]
  readonly better: readonly ImageChange[]
  readonly options: BootstrapOptions
}

/** How many images each list of a comparison names. */
const MOST_IMAGES = 20

/**
 * Says what changes from detector `a` to detector `b`, and whether it is more than noise: a paired bootstrap over images.
 * @throws UsageError for an unknown option or a value out of range
 */
export function compareDetections(
  truths: TruthTable,
  a: DetectionTable,
  b: DetectionTable,
  overrides: Partial<BootstrapOptions> = {},
): Comparison {
  const options = bootstrapOptions("compareDetections", overrides)
  const both = [matchDetections(truths, a), matchDetections(truths, b)] as const
  const [summaryA, summaryB] = both.map(summaryOf) as [CocoSummary, CocoSummary]
  const weighted = both.map((matched) => new WeightedAp(matched)) as [WeightedAp, WeightedAp]
  const differenceOf = (weights: Uint32Array) => {
    const [first, second] = [weighted[0].of(weights), weighted[1].of(weights)]
    return {
      AP: second.AP - first.AP,
      AP50: second.AP50 - first.AP50,
      perClass: second.perClass.map((value, k) => value - first.perClass[k]!),
    }
  }
  const once = new Uint32Array(truths.imageIds.length).fill(1)
  const whole = differenceOf(once)
  const samples = resample(truths.imageIds.length, options, differenceOf)
  const between = (of: (sample: typeof whole) => number) => interval(of(whole), samples.map(of), options.confidence)
  const AP = between((sample) => sample.AP)
  const [perClassA, perClassB] = [weighted[0].of(once).perClass, weighted[1].of(once).perClass]
  const classes = truths.categoryNames.flatMap((name, k): ClassChange[] => {
    if (Number.isNaN(perClassA[k])) return []
    const change = between((sample) => sample.perClass[k]!)
    const counted = both[0].at50.counted[k]!
    return [{ name, truths: counted, a: perClassA[k]!, b: perClassB[k]!, change, clear: isClear(change) }]
  })
  const images = imageChanges(both[0], both[1])
  return {
    images: truths.imageIds.length,
    a: summaryA,
    b: summaryB,
    difference: Object.fromEntries(
      cocoNames.map((name) => [name, summaryB[name] - summaryA[name]]),
    ) as unknown as CocoSummary,
    AP,
    AP50: between((sample) => sample.AP50),
    verdict: !isClear(AP) ? "noise" : AP.value > 0 ? "b is better" : "a is better",
    classes: classes.sort((x, y) => Math.abs(y.change.value) - Math.abs(x.change.value)),
    worse: images.filter((image) => image.b < image.a).slice(0, MOST_IMAGES),
    better: images
      .filter((image) => image.b > image.a)
      .reverse()
      .slice(0, MOST_IMAGES),
    options,
  }
}

/** 0 lies outside. */
function isClear({ low, high }: Interval): boolean {
  return low > 0 || high < 0
}

function summaryOf({ arranged, detections, coco }: MatchedDetections): CocoSummary {
  const { summary } = evaluateMatches(arranged, detections.scores, coco, cocoOptions())
  const entries = Object.entries(summary).map(([name, value]) => [name, value === -1 ? Number.NaN : value])
  return Object.fromEntries(entries) as unknown as CocoSummary
}

/** Images whose F1 differs, from the greatest fall to the greatest rise. */
function imageChanges(a: MatchedDetections, b: MatchedDetections): ImageChange[] {
  const [before, after] = [f1OfImages(a), f1OfImages(b)]
  const { imageNames } = a.truths
  const changes: ImageChange[] = []
  for (let i = 0; i < imageNames.length; i++) {
    // Without truths and detections there is nothing wrong.
    const imageId = shownImageId(a.truths, i)
    const [first, second] = [before.get(imageId) ?? 1, after.get(imageId) ?? 1]
    if (first !== second) changes.push({ imageId, name: imageNames[i]!, a: first, b: second })
  }
  return changes.sort((x, y) => x.b - x.a - (y.b - y.a))
}

function f1OfImages({ truths, detections, arranged, at50 }: MatchedDetections): Map<number | string, number> {
  const { overall } = bestThresholds(detections, arranged, rankAll(truths, detections), at50)
  const { best } = rankImages(truths, detections, at50, overall?.score ?? 0, truths.imageIds.length)
  return new Map(best.map(({ imageId, f1 }) => [imageId, f1]))
}
