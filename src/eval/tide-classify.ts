import type { ImageIndex } from "./image-index.js"
import { isIgnored, type MatchesAt, WRONG } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** A wrong detection overlapping no truth by more than this is on the background. @source TIDE section 2.2 */
const BACKGROUND_OVERLAP = 0.1

/** The types of error by their places in `tideNames`. */
export const CLASSIFICATION = 0
export const LOCALIZATION = 1
const BOTH = 2
const DUPLICATE = 3
const BACKGROUND = 4
export const MISSED = 5

/** What kind of error each detection is. */
export interface ErrorTypes {
  /** `[D]` place in `tideNames`; -1 for no error. */
  readonly type: Int8Array
  /** `[D]` for localization and classification: the free truth that the detection would be right for; else -1. */
  readonly target: Int32Array
}

/** Gives each wrong detection its type of error, image by image. */
export function classifyErrors(
  truths: TruthTable,
  detections: DetectionTable,
  index: ImageIndex,
  matches: MatchesAt,
): ErrorTypes {
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

/** Where a truth's numbers lie in `#boxes`. */
const SIDES = 5

/** What one detection overlaps most. */
class BestOverlaps {
  /** The truth of the detection's class that it overlaps most; -1 for none. */
  same = -1
  /** The same for the other classes. */
  other = -1
  readonly #truths: TruthTable
  readonly #detections: DetectionTable
  readonly #index: ImageIndex
  readonly #matches: MatchesAt
  #sameIou = 0
  #otherIou = 0
  /** The greatest overlap with a truth of its class that another detection found. */
  #takenIou = 0
  /** The counted truths of the image at hand: position, class, whether found; left, top, right, bottom, area. */
  #count = 0
  #here = new Int32Array(64)
  #category = new Int32Array(64)
  #found = new Uint8Array(64)
  #boxes = new Float64Array(64 * SIDES)

  constructor(truths: TruthTable, detections: DetectionTable, index: ImageIndex, matches: MatchesAt) {
    this.#truths = truths
    this.#detections = detections
    this.#index = index
    this.#matches = matches
  }

  /** Lays the counted truths of an image side by side. */
  enter(image: number): void {
    const { boxesXywh, category } = this.#truths
    const { order, starts } = this.#index.truths
    const most = starts[image + 1]! - starts[image]!
    if (this.#here.length < most) {
      this.#here = new Int32Array(2 * most)
      this.#category = new Int32Array(2 * most)
      this.#found = new Uint8Array(2 * most)
      this.#boxes = new Float64Array(2 * most * SIDES)
    }
    this.#count = 0
    for (let at = starts[image]!; at < starts[image + 1]!; at++) {
      const truth = order[at]!
      if (isIgnored(this.#truths, truth)) continue
      const g = this.#count++
      const [x, y] = [boxesXywh[truth * 4]!, boxesXywh[truth * 4 + 1]!]
      const [width, height] = [boxesXywh[truth * 4 + 2]!, boxesXywh[truth * 4 + 3]!]
      this.#here[g] = truth
      this.#category[g] = category[truth]!
      this.#found[g] = this.#matches.found[truth]!
      this.#boxes.set([x, y, width + x, height + y, width * height], g * SIDES)
    }
  }

  /** Looks at one detection of the image entered last; overlaps are those of `overlap`, to the bit. */
  find(d: number): void {
    const boxes = this.#detections.boxesXywh
    const own = this.#detections.category[d]!
    const left = boxes[d * 4]!
    const top = boxes[d * 4 + 1]!
    const right = boxes[d * 4 + 2]! + left
    const bottom = boxes[d * 4 + 3]! + top
    const area = boxes[d * 4 + 2]! * boxes[d * 4 + 3]!
    const sides = this.#boxes
    let same = -1
    let other = -1
    let sameIou = 0
    let otherIou = 0
    let takenIou = 0
    for (let g = 0, at = 0; g < this.#count; g++, at += SIDES) {
      const width = Math.min(right, sides[at + 2]!) - Math.max(left, sides[at]!)
      if (!(width > 0)) continue
      const height = Math.min(bottom, sides[at + 3]!) - Math.max(top, sides[at + 1]!)
      if (!(height > 0)) continue
      const shared = width * height
      const iou = shared / (area + sides[at + 4]! - shared)
      if (this.#category[g] === own) {
        if (this.#found[g] === 1 && iou > takenIou) takenIou = iou
        if (iou <= sameIou) continue
        sameIou = iou
        same = g
      } else if (iou > otherIou) {
        otherIou = iou
        other = g
      }
    }
    this.same = same < 0 ? -1 : this.#here[same]!
    this.other = other < 0 ? -1 : this.#here[other]!
    this.#sameIou = sameIou
    this.#otherIou = otherIou
    this.#takenIou = takenIou
  }

  /** The type of error that this is. */
  error(threshold: number): number {
    if (this.#sameIou >= BACKGROUND_OVERLAP && this.#sameIou <= threshold) return LOCALIZATION
    if (this.#otherIou >= threshold) return CLASSIFICATION
    if (this.#takenIou >= threshold) return DUPLICATE
    return Math.max(this.#sameIou, this.#otherIou) <= BACKGROUND_OVERLAP ? BACKGROUND : BOTH
  }
}
