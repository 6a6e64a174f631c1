import { guessBoxes } from "./box-forms.js"
import { guessCategories } from "./category-ids.js"
import type { CocoSummary } from "./coco-summary.js"
import { LOOSE_SAMPLE } from "./loose-match.js"
import { isIgnored } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

export interface Diagnosis {
  readonly kind:
    | "no-truths"
    | "no-detections"
    | "unknown-categories"
    | "shifted-categories"
    | "no-shared-images"
    | "box-form"
    | "normalised-boxes"
    | "equal-scores"
    | "no-objects-of-size"
    | "truth-id-zero"
  /** One line: what was seen, and what would mend it. */
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
 */
export function diagnose(
  truths: TruthTable,
  detections: DetectionTable,
  ranked: Int32Array,
  coco: CocoSummary,
): Diagnosis[] {
  const sample = ranked.subarray(0, LOOSE_SAMPLE)
  const found: Diagnosis[] = []
  const counted = truths.image.reduce((sum, _, g) => sum + (isIgnored(truths, g) ? 0 : 1), 0)
  if (counted === 0) {
    const message = `There are no truths that count in ${truths.imageIds.length} images, so that every figure is n/a.`
    return [{ kind: "no-truths", message }]
  }
  if (detections.image.length === 0) {
    found.push({ kind: "no-detections", message: `There are no detections, so that all ${counted} truths are missed.` })
  } else {
    found.push(...aboutImages(truths, detections))
    found.push(...guessCategories(truths, detections, sample))
    found.push(...guessBoxes(truths, detections, sample))
    found.push(...aboutScores(detections))
  }
  if (truths.ids.includes(0)) {
    const message =
      "A truth has id 0: pycocotools counts a detection matched with it as wrong, here it counts as found" +
      ' (truthIdZero: "pycocotools" gives its figure).'
    found.push({ kind: "truth-id-zero", message })
  }
  for (const { key, name, means } of SIZES) {
    if (coco[key] !== -1) continue
    const message = `${key} is n/a: the truths hold no ${name} objects (${means}).`
    found.push({ kind: "no-objects-of-size", message })
  }
  return found
}

function aboutImages(truths: TruthTable, detections: DetectionTable): Diagnosis[] {
  const withTruths = new Set(truths.image)
  const withDetections = new Set(detections.image)
  const shared = [...withTruths].filter((image) => withDetections.has(image)).length
  if (shared > 0) return []
  const message =
    `No image has both: truths lie in ${withTruths.size} images, detections in ${withDetections.size} others.` +
    " Are they of the same split, and the image ids of the same list?"
  return [{ kind: "no-shared-images", message }]
}

function aboutScores({ scores }: DetectionTable): Diagnosis[] {
  if (scores.length < 2 || scores.some((score) => score !== scores[0])) return []
  const message =
    `All ${scores.length} scores are ${scores[0]}: AP rests on the order of the scores, and depends here on the order of` +
    " the images. Write the detector's own scores."
  return [{ kind: "equal-scores", message }]
}
