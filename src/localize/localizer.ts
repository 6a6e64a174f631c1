import * as tf from "@tensorflow/tfjs-core"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Normalisation } from "../core/normalisation.js"
import { atLeastOne, fraction, oneOf, type Rule, withDefaults } from "../core/options.js"
import { joinScoredBoxes, type PickOptions, pickBox, pickDefaults, type ScoredBoxes, thinBoxes } from "./candidates.js"
import type { ClassRpn } from "./class-rpn.js"
import { refinedProposals } from "./options.js"
import { toImage, type ViewOptions, viewDefaults, viewsOf } from "./view.js"

/** How boxes are found in testing. */
export interface LocalizeOptions extends ViewOptions, PickOptions {
  /** How many of the best anchors count, for each class and view. */
  readonly candidates: number
  /** How many proposals of a class the second stage looks at. */
  readonly proposals: number
  /** Proposals that overlap a better one by more than this are left out. */
  readonly nmsThreshold: number
}

/**
 * @source He et al. 2015, appendix C, does not mention suppression; 0.7 is Faster R-CNN's, and the number of candidates is
 * ours.
 */
const localizeDefaults: LocalizeOptions = {
  ...viewDefaults,
  ...pickDefaults,
  candidates: 1000,
  proposals: refinedProposals,
  nmsThreshold: 0.7,
}

const lengths: Rule = (value) => {
  const fits = Array.isArray(value) && value.length > 0 && value.every((one) => atLeastOne(one) === undefined)
  return fits ? undefined : "one or more whole numbers above 0"
}

/** @throws UsageError for an unknown option or a value out of range */
export const localizeOptions = (overrides: Partial<LocalizeOptions> = {}): LocalizeOptions =>
  withDefaults("localizeOptions", localizeDefaults, overrides, {
    view: oneOf("dense", "centre"),
    merge: oneOf("best", "vote"),
    sizes: lengths,
    voteIou: fraction,
    candidates: atLeastOne,
    proposals: atLeastOne,
    nmsThreshold: fraction,
  })

/** The shorter side at which images are looked at beside crops of `side`: 256 for 224, as the paper's section 3.4. */
export const usualSize = (side: number): number => Math.round((side * 8) / 7)

/** One box for one class of an image. */
export interface LocalizedObject {
  /** 1..K. */
  readonly label: number
  /** x1, y1, x2, y2 in image pixels. */
  readonly box: Float32Array
  /** 0..1: how sure it is that an object of this class is there. */
  readonly score: number
}

/** The second stage: new scores and boxes for the proposals of one class, one each in their order, in image pixels. */
export interface Refiner {
  refine(image: RgbImage, label: number, proposals: ScoredBoxes): Promise<ScoredBoxes>
}

/** A trained per-class RPN, perhaps with a second stage, and how images enter. */
export interface Localizer {
  readonly rpn: ClassRpn
  readonly refiner?: Refiner | undefined
  /** Side of the crops it was trained on, in input pixels. */
  readonly side: number
  readonly normalisation: Normalisation
}

/**
 * Finds one box for each of some classes; a class of which no box is found is left out. Of several localizers, an ensemble,
 * all propose, and the second stages' scores and boxes of each proposal are averaged.
 * @param labels 1..K, such as an image classifier's five best
 * @source He et al. 2015, appendix C, has an ensemble and does not say how it is made; appendix B's is made so
 */
export async function localize(
  localizer: Localizer | readonly Localizer[],
  image: RgbImage,
  labels: readonly number[],
  options: LocalizeOptions,
): Promise<LocalizedObject[]> {
  const members = "rpn" in localizer ? [localizer] : localizer
  const perMember: ScoredBoxes[][] = []
  for (const member of members) perMember.push(await candidatesOf(member, image, labels, options))
  const refiners = members.flatMap(({ refiner }) => refiner ?? [])
  const objects: LocalizedObject[] = []
  for (const [m, label] of labels.entries()) {
    const found = joinScoredBoxes(perMember.map((own) => own[m]!))
    const picked = pickBox((await refinedBy(refiners, image, label, proposalsOf(found, options))) ?? found, options)
    if (picked !== undefined) objects.push({ label, ...picked })
  }
  return objects
}

/** The means of what second stages say of the same proposals; undefined without any. */
async function refinedBy(
  refiners: readonly Refiner[],
  image: RgbImage,
  label: number,
  proposals: ScoredBoxes,
): Promise<ScoredBoxes | undefined> {
  const said: ScoredBoxes[] = []
  for (const refiner of refiners) said.push(await refiner.refine(image, label, proposals))
  const [first] = said
  if (first === undefined || said.length === 1) return first
  const mean = (part: "boxes" | "scores") =>
    first[part].map((_, at) => said.reduce((sum, one) => sum + one[part][at]!, 0) / said.length)
  return { boxes: mean("boxes"), scores: mean("scores") }
}

/**
 * The best anchors of each class from all views of an image.
 * @returns one entry a label, in image pixels
 */
export async function candidatesOf(
  { rpn, side, normalisation }: Omit<Localizer, "refiner">,
  image: RgbImage,
  labels: readonly number[],
  options: ViewOptions & Pick<LocalizeOptions, "candidates">,
): Promise<ScoredBoxes[]> {
  const perView: ScoredBoxes[][] = []
  for (const view of viewsOf(image, options, side, normalisation)) {
    const input = tf.tensor4d(view.pixels, [1, view.height, view.width, 3])
    const found = await rpn.find(input, labels, options.candidates)
    input.dispose()
    perView.push(found.map(({ boxes, scores }) => ({ boxes: toImage(boxes, view), scores })))
  }
  return labels.map((_, m) => joinScoredBoxes(perView.map((found) => found[m]!)))
}

/** What the second stage looks at. */
export function proposalsOf(found: ScoredBoxes, options: Pick<LocalizeOptions, "proposals" | "nmsThreshold">) {
  return thinBoxes(found, { limit: options.proposals, nmsThreshold: options.nmsThreshold })
}
