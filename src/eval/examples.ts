import { shownImageId } from "./find-image.js"
import type { ImageIndex } from "./image-index.js"
import type { ImageScore } from "./image-ranking.js"
import { isIgnored, type MatchesAt, RIGHT, WRONG } from "./match-at.js"
import { overlap } from "./overlap.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { type TideError, tideNames } from "./tide.js"
import { CLASSIFICATION, classifyErrors } from "./tide-classify.js"

/** x, y, width, height in image pixels. */
export type Xywh = readonly [x: number, y: number, width: number, height: number]

/** A detection or a truth of an image, and what became of it. */
export interface ExampleBox {
  /** `right` and `wrong` are detections, the others truths; `ignored` is a crowd or a difficult object. */
  readonly kind: "right" | "wrong" | "found" | "missed" | "ignored"
  readonly label: string
  /** Of a detection. */
  readonly score?: number
  readonly bbox: Xywh
}

/** An image with everything that is in it, the best detections last. */
export interface ExampleImage extends ImageScore {
  readonly boxes: readonly ExampleBox[]
}

/** A wrong detection, or a truth that was missed. */
export interface ErrorExample {
  readonly imageId: number | string
  readonly name: string
  readonly box: ExampleBox
  /** The truth that the detection overlaps most: of its class, but for a wrong class. */
  readonly truth?: ExampleBox
}

/** What is to be looked at: the figures' images and boxes, without their photos. */
export interface Examples {
  /** Detections below are left out. */
  readonly scoreThreshold: number
  readonly worst: readonly ExampleImage[]
  readonly best: readonly ExampleImage[]
  /** Of each type of error the best scored ones, of missed truths the largest; one an image. */
  readonly errors: Readonly<Record<TideError, readonly ErrorExample[]>>
  /** `[K + 1, K + 1]` for each cell of the confusion matrix names of images; empty on the diagonal. */
  readonly confused: readonly (readonly (readonly string[])[])[]
}

/** What examples are chosen from. */
interface Matched {
  readonly truths: TruthTable
  readonly detections: DetectionTable
  readonly index: ImageIndex
  readonly matches: MatchesAt
  readonly scoreThreshold: number
}

/** How many images a cell of the confusion matrix names. */
const NAMED = 24

/**
 * Examples of what a detector got right and wrong.
 * @param most how many of each type of error
 */
export function examplesOf(
  matched: Matched,
  ranking: { readonly best: readonly ImageScore[]; readonly worst: readonly ImageScore[] },
  confused: Examples["confused"],
  most: number,
): Examples {
  const places = new Map(Array.from(matched.truths.imageIds, (_, i) => [shownImageId(matched.truths, i), i]))
  const whole = (image: ImageScore) => ({ ...image, boxes: boxesOf(matched, places.get(image.imageId)!) })
  return {
    scoreThreshold: matched.scoreThreshold,
    worst: ranking.worst.map(whole),
    best: ranking.best.map(whole),
    errors: errorExamples(matched, most),
    confused,
  }
}

/** Collects images of the confusion matrix for `Examples.confused`. */
export class ConfusedImages {
  readonly #names: readonly string[]
  readonly cells: string[][][]

  constructor({ categoryNames, imageNames }: TruthTable) {
    const size = categoryNames.length + 1
    this.#names = imageNames
    this.cells = Array.from({ length: size }, () => Array.from({ length: size }, () => []))
  }

  add(truth: number, taken: number, image: number): void {
    const cell = this.cells[truth]![taken]!
    const name = this.#names[image]!
    if (truth !== taken && cell.length < NAMED && cell.at(-1) !== name) cell.push(name)
  }
}

function boxesOf({ truths, detections, index, matches, scoreThreshold }: Matched, image: number): ExampleBox[] {
  const of = ({ order, starts }: ImageIndex["truths"]) => [...order.subarray(starts[image], starts[image + 1])]
  const found = of(index.detections)
    .filter(
      (d) => detections.scores[d]! >= scoreThreshold && (matches.state[d] === RIGHT || matches.state[d] === WRONG),
    )
    .reverse()
  const kept = new Set(found.map((d) => matches.truth[d]))
  return [
    ...of(index.truths).map((g) => truthBox(truths, g, kept.has(g) ? "found" : "missed")),
    ...found.map((d) => detectionBox(truths, detections, matches, d)),
  ]
}

function errorExamples(matched: Matched, most: number): Examples["errors"] {
  const { truths, detections, index, matches, scoreThreshold } = matched
  const { type, target } = classifyErrors(truths, detections, index, matches)
  const claimed = new Set(target)
  const wrong = Array.from(type.keys()).filter((d) => type[d]! >= 0 && detections.scores[d]! >= scoreThreshold)
  wrong.sort((a, b) => detections.scores[b]! - detections.scores[a]!)
  const missed = Array.from(matches.found.keys()).filter(
    (g) => matches.found[g] === 0 && !claimed.has(g) && !isIgnored(truths, g),
  )
  missed.sort((a, b) => truths.areas[b]! - truths.areas[a]!)
  const examples = tideNames.map((name, t) => {
    if (name === "missed") {
      const chosen = onePerImage(missed, truths.image, most)
      return chosen.map((g) => ({ ...imageOf(truths, truths.image[g]!), box: truthBox(truths, g, "missed") }))
    }
    const ofType = wrong.filter((d) => type[d] === t)
    return onePerImage(ofType, detections.image, most).map((d) => {
      const truth = nearestTruth(matched, d, t !== CLASSIFICATION)
      const box = detectionBox(truths, detections, matches, d)
      return {
        ...imageOf(truths, detections.image[d]!),
        box,
        ...(truth >= 0 && { truth: truthBox(truths, truth, matches.found[truth] === 1 ? "found" : "missed") }),
      }
    })
  })
  return Object.fromEntries(tideNames.map((name, t) => [name, examples[t]!])) as unknown as Examples["errors"]
}

/** The truth of its image that a detection overlaps most, those of its class before others where `ownFirst`; -1 for none. */
function nearestTruth({ truths, detections, index }: Matched, d: number, ownFirst: boolean): number {
  const { order, starts } = index.truths
  const image = detections.image[d]!
  let nearest = -1
  let most = 0
  for (const g of order.subarray(starts[image], starts[image + 1])) {
    const iou = overlap(detections.boxesXywh, d * 4, truths.boxesXywh, g * 4, false)
    const isOwn = truths.category[g] === detections.category[d]
    const weight = iou + (iou > 0 && isOwn && ownFirst ? 1 : 0)
    if (weight > most) [nearest, most] = [g, weight]
  }
  return nearest
}

function onePerImage(candidates: readonly number[], imageOf: Int32Array, most: number): number[] {
  const images = new Set<number>()
  const chosen: number[] = []
  for (const one of candidates) {
    if (chosen.length === most) break
    if (images.has(imageOf[one]!)) continue
    images.add(imageOf[one]!)
    chosen.push(one)
  }
  return chosen
}

const imageOf = (truths: TruthTable, image: number) => ({
  imageId: shownImageId(truths, image),
  name: truths.imageNames[image]!,
})

function truthBox(truths: TruthTable, g: number, kind: "found" | "missed"): ExampleBox {
  const label = truths.categoryNames[truths.category[g]!]!
  return { kind: isIgnored(truths, g) ? "ignored" : kind, label, bbox: boxAt(truths.boxesXywh, g) }
}

function detectionBox(truths: TruthTable, detections: DetectionTable, matches: MatchesAt, d: number): ExampleBox {
  return {
    kind: matches.state[d] === RIGHT ? "right" : "wrong",
    label: truths.categoryNames[detections.category[d]!]!,
    score: detections.scores[d]!,
    bbox: boxAt(detections.boxesXywh, d),
  }
}

const boxAt = (boxes: Float64Array, i: number): Xywh => [...boxes.subarray(4 * i, 4 * i + 4)] as unknown as Xywh
