import { DataError } from "../src/core/errors.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { nameInside } from "./folder.js"
import { isSameShape } from "./open-sample.js"
import type { ReadOptions } from "./options.js"
import { photoSize } from "./photo-size.js"

/**
 * Deals with photos whose annotated size is not their file's: `keep` leaves the boxes as they are, `scale` takes photos of
 * the same shape as resized after labelling and scales their boxes, `fail` allows none.
 * @throws DataError for `fail`
 */
export async function settleSizes(dataset: Dataset, mode: ReadOptions["sizeMismatch"]): Promise<Dataset> {
  if (mode === "keep") return dataset
  const images: ImageRecord[] = []
  let scaled = 0
  for (const image of dataset.images) {
    const { size, problems } = await photoSize(image)
    const mismatch = problems.find(({ kind }) => kind === "size-mismatch")
    if (size === undefined || mismatch === undefined || size.frame === "stored") images.push(image)
    else if (mode === "fail") throw new DataError(`${nameInside(dataset.source, image.file)}: ${mismatch.message}`)
    else if (!isSameShape(size, image.width, image.height)) images.push(image)
    else {
      images.push(scaledRecord(image, size))
      scaled++
    }
  }
  if (scaled === 0) return dataset
  const notice = `${scaled} photos were resized after labelling: their boxes are scaled to the files' sizes`
  return { ...dataset, images, notices: [...(dataset.notices ?? []), notice] }
}

function scaledRecord(image: ImageRecord, { width, height }: Pick<ImageRecord, "width" | "height">): ImageRecord {
  const [x, y] = [width / image.width, height / image.height]
  const boxes = image.boxes.map((value, i) => value * (i % 2 === 0 ? x : y))
  return { ...image, width, height, boxes, areas: image.areas.map((area) => area * x * y) }
}
