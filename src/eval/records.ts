import type { Detections } from "../boxes/boxes.js"
import { UsageError } from "../core/errors.js"
import type { CocoId } from "../json/coco-id.js"
import { DetectionBuilder } from "./detection-builder.js"
import { FindImage } from "./find-image.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/** What evaluation needs of an annotated image; a data set's `ImageRecord` fits. */
export interface TruthImage {
  readonly id: string
  readonly imageId: CocoId
  readonly width: number
  readonly height: number
  /** `[G * 4]` x1, y1, x2, y2 in image pixels, 0-based and continuous. */
  readonly boxes: Float64Array
  /** `[G]` 1..K. */
  readonly labels: Int32Array
  /** `[G]` 1 for a crowd region. */
  readonly crowd: Uint8Array
  /** `[G]` 1 for a difficult object. */
  readonly difficult: Uint8Array
  /** `[G]` square pixels. */
  readonly areas: Float64Array
  /** As LVIS has them: ids of categories known to be absent, and of those with more objects than are annotated. */
  readonly negative?: readonly number[]
  readonly notExhaustive?: readonly number[]
}

/** What evaluation needs of a data set; a `Dataset` fits. */
export interface TruthSet {
  readonly source?: string
  /** `coco`: its ids are its own. Other formats have none, so that theirs are positions. */
  readonly format?: string
  /** As in `TruthTable`. */
  readonly cornersFrom?: 0
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The data set's own id of each class. */
  readonly categoryIds: readonly CocoId[]
  /** `[K]` LVIS's "r", "c" or "f". */
  readonly frequencies?: readonly string[]
  readonly images: readonly TruthImage[]
}

/**
 * Truths from a data set in memory.
 * @throws DataError for a box that is not finite or has a negative size, or ids that appear twice
 */
export function truthsFromDataset(set: TruthSet): TruthTable {
  const isCoco = set.format === "coco"
  const builder = new TruthBuilder(set.source ?? "truths", isCoco ? "coco" : undefined)
  set.classes.forEach((name, k) => {
    builder.addCategory(set.categoryIds[k]!, name, set.frequencies?.[k])
  })
  let id = 1
  for (const image of set.images) {
    const { negative, notExhaustive } = image
    builder.addImage(image.imageId, image.id, image.width, image.height, { negative, notExhaustive })
    for (let g = 0; g < image.labels.length; g++) {
      const [x, y] = [image.boxes[g * 4]!, image.boxes[g * 4 + 1]!]
      builder.addTruth({
        id: id++,
        imageId: image.imageId,
        categoryId: set.categoryIds[image.labels[g]! - 1]!,
        x,
        y,
        width: image.boxes[g * 4 + 2]! - x,
        height: image.boxes[g * 4 + 3]! - y,
        area: image.areas[g]!,
        crowd: image.crowd[g] === 1,
        difficult: image.difficult[g] === 1,
      })
    }
  }
  const table = builder.finish()
  const own = { ...table, ...(set.cornersFrom === 0 && { cornersFrom: set.cornersFrom }) }
  return isCoco || set.format === undefined ? own : { ...own, unnumbered: true }
}

/**
 * What a detector found in the images of a data set.
 * @param perImage `[N]` in the order of `set.images`, boxes in image pixels
 * @throws UsageError unless there is one entry an image
 * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
 */
export function detectionsFromDetector(
  set: TruthSet,
  truths: TruthTable,
  perImage: readonly Detections[],
): DetectionTable {
  if (perImage.length !== set.images.length) {
    throw new UsageError(
      `detectionsFromDetector: expected detections of ${set.images.length} images, got ${perImage.length}`,
    )
  }
  const builder = new DetectionBuilder(truths, "detections")
  const places = new FindImage(truths)
  const categories = set.categoryIds.map((id) => builder.categoryPlace(id))
  perImage.forEach(({ boxes, scores, labels }, i) => {
    const image = places.withId(set.images[i]!.imageId)
    for (let d = 0; d < scores.length; d++) {
      const [x, y] = [boxes[d * 4]!, boxes[d * 4 + 1]!]
      const category = categories[labels[d]! - 1] ?? builder.unknownCategory(`label ${labels[d]}`)
      builder.addAt(image, category, x, y, boxes[d * 4 + 2]! - x, boxes[d * 4 + 3]! - y, scores[d]!)
    }
  })
  return builder.finish()
}
