import { join } from "node:path"
import type { ImageRecord } from "../../datasets/dataset.js"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { writeWhole } from "../../src/core/write-whole.js"

/** An annotated image as a reader gives it. */
export function record(
  file: string,
  height: number,
  width: number,
  boxes: readonly number[],
  labels: readonly number[],
  marks: { crowd?: readonly number[]; difficult?: readonly number[] } = {},
): ImageRecord {
  const mask = (marked: readonly number[] | undefined) => Uint8Array.from(labels, (_, g) => marked?.[g] ?? 0)
  return {
    id: file,
    imageId: 1,
    file,
    width,
    height,
    boxes: Float64Array.from(boxes),
    labels: Int32Array.from(labels),
    crowd: mask(marks.crowd),
    difficult: mask(marks.difficult),
    areas: new Float64Array(labels.length),
  }
}

/** A grey picture with one coloured rectangle: red is class 1, green class 2. */
export function rectangle(height: number, width: number, box: readonly number[], label: number): RgbImage {
  const pixels = new Uint8Array(height * width * 3).fill(110)
  const [x1, y1, x2, y2] = box as [number, number, number, number]
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) pixels[3 * (y * width + x) + label - 1] = 250
  }
  return { data: pixels, height, width }
}

/** Writes pictures of one rectangle each into `folder` and returns their annotations; 2 classes by turns. */
export async function writeRectangles(folder: string, boxes: readonly (readonly number[])[]): Promise<ImageRecord[]> {
  const [height, width] = [72, 96]
  return Promise.all(
    boxes.map(async (box, i) => {
      const label = 1 + (i % 2)
      const file = join(folder, `${i}.png`)
      writeWhole(file, await encodeImage(rectangle(height, width, box, label), { format: "png" }))
      return record(file, height, width, box, [label])
    }),
  )
}
