import type { ImageRecord } from "../../datasets/dataset.js"
import { type LocalizationImage, localizationError } from "../eval/imagenet.js"
import type { ImageLocalization } from "./localize-dataset.js"
import type { LocalizedObject } from "./localizer.js"
import { type ClassTruths, classTruths } from "./truths.js"

/** The figures of ImageNet's localization task, each a share of the images, 0..1; NaN where there is nothing to measure. */
export interface LocalizationFigures {
  /** Images that have objects. */
  readonly images: number
  /** With the classifier's classes: none of five guesses has both class and box right; then of one. */
  readonly localizationError: number
  readonly localizationErrorTop1: number
  /** The classifier's own: none of its guesses is right. */
  readonly classificationError: number
  readonly classificationErrorTop1: number
  /** With the ground-truth classes given; where an image has several classes, each counts as an image. */
  readonly gtClassError: number
  /** The same when the whole image is the box: what no network at all would reach. */
  readonly wholeImageError: number
}

/**
 * @param records the images with their truths
 * @param perImage what was found in each; an image that could not be read counts as wrong
 * @source ILSVRC localization evaluation; "oracle" testing with ground-truth classes: He et al. 2015, appendix C
 */
export function localizationFigures(
  records: readonly ImageRecord[],
  perImage: readonly (ImageLocalization | undefined)[],
): LocalizationFigures {
  const rows = records.flatMap((record, i) => {
    const truths = classTruths(record)
    return truths.length > 0 ? [{ record, truths, found: perImage[i] }] : []
  })
  const isGuessed = perImage.some((found) => found?.guessed !== undefined)
  const guessed = isGuessed
    ? rows.map(({ truths, found }) => entry(truths.flatMap(listed), found?.guessed ?? []))
    : ([] as LocalizationImage[])
  const perClass = (boxOf: (row: (typeof rows)[number], label: number) => readonly LocalizedObject[]) => {
    const images = rows.flatMap((row) => row.truths.map((truth) => entry(listed(truth), boxOf(row, truth.label))))
    return localizationError(images, { guesses: 1 }).localization
  }
  const [five, one] = [localizationError(guessed), localizationError(guessed, { guesses: 1 })]
  return {
    images: rows.length,
    localizationError: five.localization,
    localizationErrorTop1: one.localization,
    classificationError: five.classification,
    classificationErrorTop1: one.classification,
    gtClassError: perClass(({ found }, label) => (found?.given ?? []).filter((object) => object.label === label)),
    wholeImageError: perClass(({ record, found }, label) => {
      const { height, width } = found ?? record
      return [{ label, box: Float32Array.of(0, 0, width, height), score: 1 }]
    }),
  }
}

type Labelled = { readonly label: number; readonly box: readonly number[] }

function entry(truths: readonly Labelled[], found: readonly LocalizedObject[]): LocalizationImage {
  return { truths, guesses: found.map(({ label, box }) => ({ label, box: inclusive(box, 0) })) }
}

function listed({ label, boxes }: ClassTruths): Labelled[] {
  return Array.from({ length: boxes.length / 4 }, (_, g) => ({ label, box: inclusive(boxes, g) }))
}

/** The same pixels as corners of which the last belongs to the box, counted from 1, as ImageNet writes them. */
function inclusive(boxes: Float32Array, g: number): number[] {
  const [x1, y1, x2, y2] = boxes.subarray(4 * g, 4 * g + 4) as unknown as [number, number, number, number]
  return [x1 + 1, y1 + 1, x2, y2]
}
