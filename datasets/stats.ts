import type { Dataset } from "./dataset.js"
import { inputSize, type SizeOptions } from "./image/size.js"

/** Upper edges of the box sizes that are counted: square root of the area in input pixels. */
export const sizeEdges: readonly number[] = [16, 32, 64, 128, 256, 512, Number.POSITIVE_INFINITY]

export interface DatasetStats {
  readonly images: number
  readonly withoutObjects: number
  readonly objects: number
  readonly crowd: number
  readonly difficult: number
  readonly classes: readonly { readonly name: string; readonly objects: number; readonly images: number }[]
  /** Boxes by the square root of their area after resizing, for each of `sizeEdges`. */
  readonly sizes: readonly number[]
}

/** Counts what a data set holds; box sizes as the model sees them at `size`. */
export function datasetStats(dataset: Pick<Dataset, "images" | "classes">, size: SizeOptions): DatasetStats {
  const classes = dataset.classes.map((name) => ({ name, objects: 0, images: 0 }))
  const sizes = sizeEdges.map(() => 0)
  const sum = (flags: Uint8Array) => flags.reduce((total, flag) => total + flag, 0)
  let [withoutObjects, objects, crowd, difficult] = [0, 0, 0, 0]
  for (const image of dataset.images) {
    if (image.labels.length === 0) withoutObjects++
    objects += image.labels.length
    crowd += sum(image.crowd)
    difficult += sum(image.difficult)
    for (const label of new Set(image.labels)) classes[label - 1]!.images++
    const known = image.width > 0 && image.height > 0
    const { scaleY, scaleX } = known ? inputSize(image.height, image.width, size) : { scaleY: 1, scaleX: 1 }
    for (const [i, label] of image.labels.entries()) {
      classes[label - 1]!.objects++
      const width = (image.boxes[4 * i + 2]! - image.boxes[4 * i]!) * scaleX
      const height = (image.boxes[4 * i + 3]! - image.boxes[4 * i + 1]!) * scaleY
      const side = Math.sqrt(width * height)
      const bin = sizeEdges.findIndex((edge) => side < edge)
      sizes[bin] = sizes[bin]! + 1
    }
  }
  return { images: dataset.images.length, withoutObjects, objects, crowd, difficult, classes, sizes }
}
