import { chancesOfBeingRight } from "./chance.js"

import { shownImageId } from "./find-image.js"

import { isIgnored, RIGHT, WRONG } from "./match-at.js"

import type { MatchedDetections } from "./matched.js"
import { groupBy } from "./order.js"
import { overlap } from "./overlap.js"
import type { TruthTable } from "./tables.js"

/** A label that detectors contradict. */
export interface Suspect {
  /**
   * `missing`: an object without a label. `class`: a label of another class. `spurious`: a label without an object.
   */
  readonly kind: "missing" | "class" | "spurious"
  readonly imageId: number | string
  readonly imageName: string
  /** x, y, width, height in image pixels: of the label, or of the detection where none is there. */
  readonly bbox: readonly [number, number, number, number]
  /** The label's id; undefined where it is missing. */
  readonly truthId: number | undefined
  /** The label's class; undefined where it is missing. */
  readonly labelled: string | undefined
  /** The class that was found; undefined where nothing was. */
  readonly found: string | undefined
  /** Of the detection, the mean where several detectors agree; undefined where nothing was found. */
  readonly score: number | undefined
  /** 0..1: how often such detections are right elsewhere, the mean over the detectors. */
  readonly suspicion: number
}

/** Two boxes that overlap less are not of one object. */
const APART = 0.3
/** A detection with so much of itself inside a label of its class is a part of that object. */
const PART = 0.8
const TOGETHER = 0.5
/** A class must be found in so many images before its detections can contradict a label. */
const LEAST_IMAGES = 3

/**
 * Labels that are probably wrong, the most suspicious first. A detector's scores are first made into chances of being
 * right, class by class, by isotonic regression on all images: of being right at all where there is no label, of having
 * the right class where there is one. Then confident detections where there is no label, or one of another class, and
 * labels where nothing is found although the class mostly is, become suspects.
 * @param detectors matches of one detector or more on the same truths; what only some suspect counts less
 */
export function labelSuspects(detectors: readonly MatchedDetections[], most = Number.POSITIVE_INFINITY): Suspect[] {
  const merged: (Suspect & { readonly votes: number })[] = []
  const places = new Map<string, number[]>()
  for (const matched of detectors) {
    for (const suspect of suspectsOf(matched)) {
      const key = `${suspect.kind} ${suspect.imageId} ${suspect.truthId} ${suspect.found}`
      const near = places.get(key) ?? []
      const same = near.find((place) => overlaps(merged[place]!, suspect))
      if (same !== undefined) merged[same] = joined(merged[same]!, suspect)
      else places.set(key, [...near, merged.push({ ...suspect, votes: 1 }) - 1])
    }
  }
  return merged
    .map(({ votes: _, ...suspect }) => ({ ...suspect, suspicion: suspect.suspicion / detectors.length }))
    .sort((a, b) => b.suspicion - a.suspicion)
    .slice(0, most)
}

function overlaps(a: Suspect, b: Suspect): boolean {
  return overlap(Float64Array.from(a.bbox), 0, Float64Array.from(b.bbox), 0, false) >= TOGETHER
}

function joined(one: Suspect & { readonly votes: number }, other: Suspect): Suspect & { readonly votes: number } {
  const votes = one.votes + 1
  const score = one.score === undefined ? undefined : (one.score * one.votes + other.score!) / votes
  return { ...one, votes, score, suspicion: one.suspicion + other.suspicion }
}

function suspectsOf(matched: MatchedDetections): Suspect[] {
  const { truths, detections, arranged, at50 } = matched
  const images = truths.imageIds.length
  const ranked = groupBy(arranged.ranking.order, detections.image, images)
  const inTruths = groupBy(truths.image.length, truths.image, images)
  const chance = chancesOfBeingRight(matched, LEAST_IMAGES)
  const under = labelsUnder(matched, inTruths)
  const contradicts = (d: number) => under[d]! >= 0 && truths.category[under[d]!] !== detections.category[d]
  // Where a label lies there is an object, and only its class can be wrong.
  const chanceOfClass = chancesOfBeingRight(
    matched,
    LEAST_IMAGES,
    (d) => under[d]! >= 0 && (at50.state[d] === RIGHT || contradicts(d)),
  )
  const support = bestSupport(matched, chance)
  const recall = recallOfClasses(truths, at50.found)
  const suspects: Suspect[] = []
  for (let image = 0; image < images; image++) {
    const where = { imageId: shownImageId(truths, image), imageName: truths.imageNames[image]! }
    const labels = inTruths.order.subarray(inTruths.starts[image], inTruths.starts[image + 1])
    const here = ranked.order
      .slice(ranked.starts[image], ranked.starts[image + 1])
      .sort((a, b) => chance[b]! - chance[a]! || detections.scores[b]! - detections.scores[a]!)
    const reported: number[] = []
    const contradicted = new Set<number>()
    for (const d of here) {
      if (at50.state[d] !== WRONG || chance[d] === 0) continue
      const iouWith = (other: Float64Array, i: number) => overlap(detections.boxesXywh, d * 4, other, i * 4, false)
      if (reported.some((one) => iouWith(detections.boxesXywh, one) >= TOGETHER)) continue
      const nearest = closest(labels, (g) => iouWith(truths.boxesXywh, g))
      const detection = {
        ...where,
        found: truths.categoryNames[detections.category[d]!]!,
        score: detections.scores[d]!,
      }
      const isPart = (g: number) =>
        truths.category[g] === detections.category[d] &&
        overlap(detections.boxesXywh, d * 4, truths.boxesXywh, g * 4, true) >= PART
      if (nearest.iou < APART) {
        if (labels.some(isPart)) continue
        reported.push(d)
        suspects.push({
          ...detection,
          kind: "missing",
          bbox: boxAt(detections.boxesXywh, d),
          truthId: undefined,
          labelled: undefined,
          suspicion: chance[d]!,
        })
      } else if (contradicts(d)) {
        if (contradicted.has(nearest.at)) continue
        contradicted.add(nearest.at)
        suspects.push({
          ...detection,
          kind: "class",
          bbox: boxAt(truths.boxesXywh, nearest.at),
          truthId: truths.ids[nearest.at]!,
          labelled: truths.categoryNames[truths.category[nearest.at]!]!,
          suspicion: chanceOfClass[d]! * (1 - support[nearest.at]!),
        })
      }
    }
    for (const g of labels) {
      if (isIgnored(truths, g) || at50.found[g] === 1 || contradicted.has(g)) continue
      suspects.push({
        ...where,
        kind: "spurious",
        bbox: boxAt(truths.boxesXywh, g),
        truthId: truths.ids[g]!,
        labelled: truths.categoryNames[truths.category[g]!]!,
        found: undefined,
        score: undefined,
        // What is missed is more often hard than not there.
        suspicion: (recall[truths.category[g]!]! * (1 - support[g]!)) / 2,
      })
    }
  }
  return suspects
}

/** `[D]` the label that a detection overlaps most, whatever its class; -1 where that is less than half, or ignored. */
function labelsUnder({ truths, detections }: MatchedDetections, inTruths: ReturnType<typeof groupBy>): Int32Array {
  const under = new Int32Array(detections.image.length).fill(-1)
  for (let d = 0; d < under.length; d++) {
    const image = detections.image[d]!
    const labels = inTruths.order.subarray(inTruths.starts[image], inTruths.starts[image + 1])
    const { at, iou } = closest(labels, (g) => overlap(detections.boxesXywh, d * 4, truths.boxesXywh, g * 4, false))
    if (iou >= TOGETHER && !isIgnored(truths, at)) under[d] = at
  }
  return under
}

/** `[G]` the greatest chance of a detection of the label's own class that overlaps it by half. */
function bestSupport({ detections, truths, at50 }: MatchedDetections, chance: Float64Array): Float64Array {
  const support = new Float64Array(truths.image.length)
  for (let d = 0; d < detections.scores.length; d++) {
    const g = at50.truth[d]!
    if (g >= 0) support[g] = Math.max(support[g]!, chance[d]!)
  }
  return support
}

function recallOfClasses(truths: TruthTable, found: Uint8Array): Float64Array {
  const all = new Float64Array(truths.categoryIds.length)
  const right = new Float64Array(truths.categoryIds.length)
  for (let g = 0; g < truths.image.length; g++) {
    if (isIgnored(truths, g)) continue
    all[truths.category[g]!]!++
    if (found[g] === 1) right[truths.category[g]!]!++
  }
  return right.map((count, k) => (all[k] === 0 ? 0 : count / all[k]!))
}

function closest(labels: Int32Array, iouOf: (g: number) => number): { readonly at: number; readonly iou: number } {
  let found = { at: -1, iou: 0 }
  for (const g of labels) {
    const iou = iouOf(g)
    if (iou > found.iou) found = { at: g, iou }
  }
  return found
}

function boxAt(boxes: Float64Array, i: number): [number, number, number, number] {
  return [boxes[i * 4]!, boxes[i * 4 + 1]!, boxes[i * 4 + 2]!, boxes[i * 4 + 3]!]
}
