import { UsageError } from "../core/errors.js"
import { atLeastOne, fraction, oneOf, type Rule, trueOrFalse, withDefaults } from "../core/options.js"
import { largestSide } from "../core/size-rule.js"
import { type SelectOptions, selectDefaults, selectOptions, softNmsRule } from "../roi/select.js"

/** How a detection is made; what is left out is the detector's own default, or not done. */
export interface DetectOptions {
  /** Detections scored below this are left out, 0..1. */
  readonly score?: number
  /** Of two boxes of one class whose IoU is above this only the better scored stays, 0..1. */
  readonly nms?: number
  /** Labels of the classes that are looked for, 1..K: no other box suppresses theirs or counts among the detections. */
  readonly only?: readonly number[]
  /** At most so many detections an image. */
  readonly maxDetections?: number
  /** Boxes that overlap better ones are scored lower instead of left out (down to 0.001, unless `score` is given). */
  readonly softNms?: SelectOptions["softNms"]
  /** Of boxes that overlap only the better scored stays, whatever their classes. */
  readonly agnosticNms?: boolean
  /** Each box is moved to the mean of the boxes of its class around it, weighted by their scores. */
  readonly vote?: boolean
  /** The boxes that were found are looked at again: new scores and boxes beside the first ones. */
  readonly refine?: boolean
  /** The mirror image is looked at too; what is found in either counts. */
  readonly flip?: boolean
  /** Shorter sides, in input pixels, at which regions are looked at: each at the two that suit its size. */
  readonly scales?: readonly number[]
  /**
   * How what several detectors, mirror images and scales have found comes together: `nms` as said above; `wbf`: each looks
   * for itself, and weighted boxes fusion makes one list of theirs.
   */
  readonly fusion?: "nms" | "wbf"
  /** Side, in pixels of the image, of square tiles that are looked at one by one beside the whole image. */
  readonly tiles?: number
  /** The minimum overlap of neighbouring tiles, as a share of a tile. */
  readonly overlap?: number
}

/** What is allowed of each option. */
export const detectRules: Readonly<Record<keyof DetectOptions, Rule>> = {
  score: fraction,
  nms: fraction,
  only: (value) =>
    Array.isArray(value) && value.every((label) => atLeastOne(label) === undefined)
      ? undefined
      : "a list of labels, 1 or more",
  maxDetections: atLeastOne,
  softNms: softNmsRule,
  agnosticNms: trueOrFalse,
  vote: trueOrFalse,
  refine: trueOrFalse,
  flip: trueOrFalse,
  scales: (value) =>
    Array.isArray(value) && value.every((side) => atLeastOne(side) === undefined && side <= largestSide)
      ? undefined
      : `a list of whole numbers, 1 to ${largestSide}`,
  fusion: oneOf("nms", "wbf"),
  tiles: (value) => (Number.isInteger(value) && (value as number) >= 32 ? undefined : "a whole number, 32 or more"),
  overlap: (value) =>
    fraction(value) === undefined && (value as number) <= 0.9 ? undefined : "a number from 0 to 0.9",
}

/** @throws UsageError for an unknown name or a value out of its range */
export function checkDetectOptions(name: string, options: DetectOptions): void {
  const known = Object.fromEntries(Object.keys(detectRules).map((option) => [option, undefined]))
  const ifGiven = Object.entries(detectRules).map(([option, rule]) => {
    return [option, (value: unknown) => (value === undefined ? undefined : rule(value))]
  })
  withDefaults<Record<string, unknown>>(name, known, { ...options }, Object.fromEntries(ifGiven))
  expectTogether(options)
}

/** @throws UsageError for options that do not go together */
export function expectTogether({ fusion, tiles }: Pick<DetectOptions, "fusion" | "tiles">): void {
  if (fusion !== "wbf" || tiles === undefined) return
  throw new UsageError("fusion wbf is of whole images. Leave out tiles, or take fusion nms")
}

/**
 * How detections are chosen among a detector's boxes: its own way, but for what `options` ask otherwise. Boxes scored
 * below the wanted score take part all the same (in votes, say), as long as the detector's own threshold lets them.
 */
export function selectionFor(own: Partial<SelectOptions>, options: DetectOptions): SelectOptions {
  const { score = 1, nms, maxDetections, softNms, vote, agnosticNms } = options
  const overrides = { nmsThreshold: nms, maxDetections, softNms, vote, agnostic: agnosticNms }
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))
  return selectOptions({ ...own, ...given, score: Math.min(own.score ?? selectDefaults.score, score) })
}
