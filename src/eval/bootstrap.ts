import { atLeastOne, type Rule, withDefaults } from "../core/options.js"
import { type Random, seededRandom } from "../core/random.js"
import { isIgnored } from "./match-at.js"
import type { MatchedDetections } from "./matched.js"

export interface BootstrapOptions {
  /** How many times the images are drawn anew. */
  readonly samples: number
  /** How much of the samples the interval holds. */
  readonly confidence: number
  readonly seed: number
}

/** @source Efron and Tibshirani 1993 "An Introduction to the Bootstrap": 1,000 samples or more for percentiles */
export const bootstrapDefaults: BootstrapOptions = { samples: 1000, confidence: 0.95, seed: 1 }

const inside: Rule = (value) =>
  typeof value === "number" && value > 0 && value < 1 ? undefined : "a number above 0 and below 1"

/** A figure with what it might have been on other images of the same kind. */
export interface Interval {
  /** On the images as they are. */
  readonly value: number
  readonly low: number
  readonly high: number
  /** Standard deviation over the samples. */
  readonly standardError: number
}

/** 0..1; NaN where there is nothing to measure. */
export interface BootstrapAp {
  readonly AP: Interval
  readonly AP50: Interval
  readonly options: BootstrapOptions
}

/**
 * Intervals of COCO's AP and AP50: images are drawn with replacement, and the same matches accumulated with each image as
 * often as it was drawn. The same seed gives the same interval.
 * @throws UsageError for an unknown option or a value out of range
 */
export function bootstrapAp(matched: MatchedDetections, overrides: Partial<BootstrapOptions> = {}): BootstrapAp {
  const options = bootstrapOptions("bootstrapAp", overrides)
  const weighted = new WeightedAp(matched)
  const values = weighted.of(new Uint32Array(matched.truths.imageIds.length).fill(1))
  const samples = resample(matched.truths.imageIds.length, options, (weights) => weighted.of(weights))
  return {
    AP: interval(
      values.AP,
      samples.map(({ AP }) => AP),
      options.confidence,
    ),
    AP50: interval(
      values.AP50,
      samples.map(({ AP50 }) => AP50),
      options.confidence,
    ),
    options,
  }
}

export function bootstrapOptions(name: string, overrides: Partial<BootstrapOptions>): BootstrapOptions {
  return withDefaults(name, bootstrapDefaults, overrides, { samples: atLeastOne, confidence: inside })
}

/** Calls `measure` with how often each image was drawn, once a sample. */
export function resample<T>(
  images: number,
  { samples, seed }: BootstrapOptions,
  measure: (weights: Uint32Array) => T,
): T[] {
  const random = seededRandom(seed)
  const weights = new Uint32Array(images)
  return Array.from({ length: samples }, () => {
    draw(random, weights)
    return measure(weights)
  })
}

function draw(random: Random, weights: Uint32Array): void {
  weights.fill(0)
  for (let i = 0; i < weights.length; i++) weights[random.integer(weights.length)]!++
}

/**
 * The spread of the samples around their mean, laid around the figure: an image that is drawn twice makes AP rise by
 * itself, so that the plain percentiles of the samples would lie above the figure. NaN samples are left out.
 */
export function interval(value: number, samples: readonly number[], confidence: number): Interval {
  const sorted = Float64Array.from(samples.filter((sample) => !Number.isNaN(sample))).sort()
  const mean = sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length
  const squares = sorted.reduce((sum, sample) => sum + (sample - mean) ** 2, 0)
  return {
    value,
    low: value + (quantile(sorted, (1 - confidence) / 2) - mean),
    high: value + (quantile(sorted, (1 + confidence) / 2) - mean),
    standardError: Math.sqrt(squares / (sorted.length - 1)),
  }
}

/** Between two values in proportion, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below] ?? Number.NaN
  return low + (at - below) * ((sorted[below + 1] ?? low) - low)
}

/** COCO's AP and AP50 (all sizes, best 100 detections) of images that count several times or not at all. */
export class WeightedAp {
  readonly #matched: MatchedDetections
  /** `[K]` classes: what counts of their detections, best score first, down to the last right one. */
  readonly #classes: readonly ClassOutcomes[]
  readonly #recalls = Array.from({ length: 101 }, (_, i) => i * 0.01)

  constructor(matched: MatchedDetections) {
    this.#matched = matched
    this.#classes = Array.from(matched.truths.categoryIds, (_, k) => outcomesOf(matched, k))
  }

  /** @param weights `[N]` how often each image counts */
  of(weights: Uint32Array): { readonly AP: number; readonly AP50: number; readonly perClass: Float64Array } {
    const T = this.#matched.coco.options.iouThresholds.length
    const perClass = new Float64Array(this.#classes.length).fill(Number.NaN)
    let [sum, sum50, measured] = [0, 0, 0]
    this.#classes.forEach((outcomes, k) => {
      let truths = 0
      for (const image of outcomes.truthImages) truths += weights[image]!
      if (truths === 0) return
      let all = 0
      for (let t = 0; t < T; t++) {
        const ap = this.#averagePrecision(outcomes, t, truths, weights)
        if (t === 0) sum50 += ap
        all += ap
      }
      perClass[k] = all / T
      sum += all / T
      measured++
    })
    return { AP: sum / measured, AP50: sum50 / measured, perClass }
  }

  #averagePrecision({ image, right, wrong }: ClassOutcomes, t: number, truths: number, weights: Uint32Array): number {
    const found = new Float64Array(image.length)
    const precision = new Float64Array(image.length)
    let [steps, truePositives, falsePositives] = [0, 0, 0]
    for (let i = 0; i < image.length; i++) {
      const weight = weights[image[i]!]!
      if (weight === 0) continue
      if (((right[i]! >>> t) & 1) === 1) {
        truePositives += weight
        found[steps] = truePositives
        // Within copies of one detection precision only rises: their last one is enough.
        precision[steps++] = truePositives / (falsePositives + truePositives + 2 ** -52)
      } else if (((wrong[i]! >>> t) & 1) === 1) falsePositives += weight
    }
    for (let n = steps - 2; n >= 0; n--) if (precision[n + 1]! > precision[n]!) precision[n] = precision[n + 1]!
    let sum = 0
    let n = 0
    for (const recall of this.#recalls) {
      while (n < steps && found[n]! / truths < recall) n++
      if (n === steps) break
      sum += precision[n]!
    }
    return sum / this.#recalls.length
  }
}

interface ClassOutcomes {
  /** `[G]` images of the truths that count. */
  readonly truthImages: Int32Array
  /** `[D]` */
  readonly image: Int32Array
  /** `[D]` bit t: a true positive at threshold t. */
  readonly right: Uint32Array
  readonly wrong: Uint32Array
}

function outcomesOf({ truths, detections, arranged, coco }: MatchedDetections, k: number): ClassOutcomes {
  const { order, starts } = arranged.ranking
  const most = coco.options.maxDetections.at(-1)!
  const inClass = arranged.truths.order.subarray(arranged.truths.starts[k], arranged.truths.starts[k + 1])
  const [image, right, wrong]: [number[], number[], number[]] = [[], [], []]
  let last = 0
  for (let p = starts[k]!; p < starts[k + 1]!; p++) {
    if (coco.rank[p]! >= most) continue
    const counts = ~coco.ignored[p]!
    const hit = counts & coco.matched[p]!
    image.push(detections.image[order[p]!]!)
    right.push(hit)
    wrong.push(counts & ~coco.matched[p]!)
    if (hit !== 0) last = image.length
  }
  return {
    truthImages: inClass.filter((g) => !isIgnored(truths, g)).map((g) => truths.image[g]!),
    image: Int32Array.from(image.slice(0, last)),
    right: Uint32Array.from(right.slice(0, last)),
    wrong: Uint32Array.from(wrong.slice(0, last)),
  }
}
