import { shownMessage } from "../core/shown.js"
import { guessBoxes } from "./box-forms.js"
import { guessCategories } from "./category-ids.js"
import type { CocoSummary } from "./coco-summary.js"
import type { ImageIndex } from "./image-index.js"
import { LOOSE_SAMPLE, looseMatches, sampleOf } from "./loose-match.js"
import { isIgnored } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

export interface Diagnosis {
  readonly kind:
    | "no-truths"
    | "no-detections"
    | "unknown-categories"
    | "shifted-categories"
    | "no-shared-images"
    | "images-without-detections"
    | "box-form"
    | "normalised-boxes"
    | "equal-scores"
    | "no-objects-of-size"
    | "truth-id-zero"
    | "federated"
    | "repeated-ids"
    | "many-objects"
  /** One line: what was seen, and what would fix it. */
  readonly message: string
}

const SIZES = [
  { key: "APs", name: "small", means: "below 32 x 32 pixels" },
  { key: "APm", name: "medium", means: "from 32 x 32 to 96 x 96 pixels" },
  { key: "APl", name: "large", means: "above 96 x 96 pixels" },
] as const

/**
 * Says why figures may be 0, low or undefined. Empty when nothing stands out.
 * @param ranked positions of the detections, best score first
 * @param maxDetections how many detections of an image and class count
 */
export function diagnose(
  truths: TruthTable,
  detections: DetectionTable,
  ranked: Int32Array,
  index: ImageIndex,
  coco: CocoSummary,
  maxDetections: number,
): Diagnosis[] {
  const found: Diagnosis[] = []
  let counted = 0
  for (let g = 0; g < truths.image.length; g++) if (!isIgnored(truths, g)) counted++
  if (counted === 0) {
    const message = `No ground truth counts in ${truths.imageIds.length} images: every figure is n/a.`
    return [{ kind: "no-truths", message }]
  }
  if (detections.image.length === 0) {
    found.push({
      kind: "no-detections",
      message: `There are no detections: all ${counted} ground-truth boxes are missed.`,
    })
  } else {
    const sample = sampleOf(detections, ranked.subarray(0, LOOSE_SAMPLE))
    const matches = looseMatches(truths, detections, index, sample)
    found.push(
      ...aboutImages(truths, detections),
      ...guessCategories(truths, detections, sample, matches),
      ...guessBoxes(truths, detections, index, sample, matches),
      ...aboutScores(detections),
    )
  }
  if (truths.ids.includes(0)) {
    const message =
      "A ground truth has id 0: pycocotools counts a detection matched with it as wrong, here it counts as found" +
      ' (truthIdZero: "pycocotools" gives its figure).'
    found.push({ kind: "truth-id-zero", message })
  }
  const repeated = repeatedIds(truths)
  if (repeated > 0) {
    const message =
      `${repeated} annotations have an id that another has too: all of them count here (pycocotools scores the last of each` +
      " id in the place of the others)."
    found.push({ kind: "repeated-ids", message })
  }
  found.push(...aboutCrowded(truths, index, maxDetections))
  if (truths.federated) {
    const message =
      "The ground truth is annotated class by class (LVIS, Open Images): COCO's and VOC's figures count detections of classes that nobody" +
      " looked for as wrong. Compare LVIS's or Open Images' own with others."
    found.push({ kind: "federated", message })
  }
  for (const { key, name, means } of SIZES) {
    if (coco[key] !== -1) continue
    const message = `${key} is n/a: the ground truth has no ${name} objects (${means}).`
    found.push({ kind: "no-objects-of-size", message })
  }
  // Names of others are in them.
  return found.map(({ kind, message }) => ({ kind, message: shownMessage(message) }))
}

function aboutImages(truths: TruthTable, detections: DetectionTable): Diagnosis[] {
  const [withTruths, withDetections] = [truths, detections].map((table) => {
    const marks = new Uint8Array(truths.imageIds.length)
    for (const image of table.image) marks[image] = 1
    return marks
  }) as [Uint8Array, Uint8Array]
  const count = (marks: Uint8Array) => marks.reduce((sum, mark) => sum + mark, 0)
  const [annotated, looked] = [count(withTruths), count(withDetections)]
  const without = count(withTruths.map((mark, image) => (withDetections[image] === 0 ? mark : 0)))
  if (without < annotated) return aboutUnseen(without, annotated, detections.image.length / looked)
  const message =
    `No image has both: ground truth is in ${annotated} images, detections in ${looked} others.` +
    " Are they of the same split, and the image ids of the same list?"
  return [{ kind: "no-shared-images", message }]
}

/** Many detections in some images and none in many others: a detector with a low threshold leaves few images without any. @source ours */
const unseen = { detections: 10, share: 0.1 } as const

/** @param without how many of `annotated` images with objects have no detection; those with some have `mean` */
function aboutUnseen(without: number, annotated: number, mean: number): Diagnosis[] {
  if (mean < unseen.detections || without < unseen.share * annotated) return []
  const message =
    `${without} of ${annotated} images with objects have no detection at all, where others have ${Math.round(mean)} on average: were they` +
    " looked at? --image-ids scores a part of the images."
  return [{ kind: "images-without-detections", message }]
}

/** Ids of a COCO file; other data have none of their own. */
function repeatedIds({ ids, format }: TruthTable): number {
  if (format !== "coco") return 0
  const sorted = ids.slice().sort()
  let repeated = 0
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) repeated++
  return repeated
}

/** Images with more objects of a class than detections that count. */
function aboutCrowded(truths: TruthTable, { truths: inImage }: ImageIndex, most: number): Diagnosis[] {
  const counts = new Int32Array(truths.categoryIds.length)
  let images = 0
  let worst = { count: most, image: -1, category: -1 }
  for (let image = 0; image < truths.imageIds.length; image++) {
    if (inImage.starts[image + 1]! - inImage.starts[image]! <= most) continue
    counts.fill(0)
    for (let at = inImage.starts[image]!; at < inImage.starts[image + 1]!; at++) {
      const truth = inImage.order[at]!
      if (!isIgnored(truths, truth)) counts[truths.category[truth]!]!++
    }
    const count = counts.reduce((max, one) => Math.max(max, one), 0)
    if (count > most) images++
    if (count > worst.count) worst = { count, image, category: counts.indexOf(count) }
  }
  if (images === 0) return []
  const example = `${truths.imageNames[worst.image]} has ${worst.count} of ${truths.categoryNames[worst.category]}`
  const message =
    `${images} images have more than ${most} objects of a class (${example}), of which COCO's figures count the best ${most}` +
    ` detections: the others cannot be found. --max-dets 1,10,${worst.count} counts them.`
  return [{ kind: "many-objects", message }]
}

function aboutScores({ scores }: DetectionTable): Diagnosis[] {
  if (scores.length < 2 || scores.some((score) => score !== scores[0])) return []
  const message =
    `All ${scores.length} scores are ${scores[0]}: AP rests on the order of the scores, and depends here on the order of` +
    " the images. Write the detector's own scores."
  return [{ kind: "equal-scores", message }]
}
