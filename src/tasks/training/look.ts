import { encodeImage } from "../../../datasets/image/encode.js"
import type { RgbImage } from "../../../datasets/image/rgb.js"
import { shrink } from "../../../datasets/image/shrink.js"
import type { Normalisation } from "../../core/normalisation.js"
import type { DrawnBox, Picture } from "../../report/picture.js"
import type { ShownImage } from "../../report/training-pictures.js"

/** How many images of a batch, and of the worst and of the best in validation, a training report shows. */
export const mostOfBatch = 12
export const mostOfValidation = 6

/** The longest side of pictures in pixels, and their JPEG quality: about 20 kB each. */
const LONGEST = 400
const QUALITY = 75

/** What a kind of training has to show in its report; each is asked for once. */
export interface Look {
  /** Images of the first batch: made again from the seed, so that a run that goes on shows the same. */
  batch(): Promise<readonly ShownImage[]>
  /** Of the last validation, if there was one. */
  validation(): Promise<{ readonly worst: readonly ShownImage[]; readonly best: readonly ShownImage[] } | undefined>
}

/** A picture as a report keeps it. */
export async function smallPicture(image: RgbImage): Promise<Picture> {
  const jpeg = await encodeImage(shrink(image, LONGEST), { quality: QUALITY })
  return { jpeg, region: [0, 0, image.width, image.height] }
}

/** Pixels of a batch: `[N, H, W, 3]`, normalised. */
interface BatchPixels {
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
}

/** An image of a batch, back in 0..255 and without its padding. */
export function inputImage(
  { pixels, shape: [, height, width] }: BatchPixels,
  n: number,
  { mean, std }: Normalisation,
  size: { readonly height: number; readonly width: number } = { height, width },
): RgbImage {
  const data = new Uint8Array(3 * size.height * size.width)
  for (let y = 0, to = 0; y < size.height; y++) {
    const from = 3 * (n * height + y) * width
    for (let x = 0; x < 3 * size.width; x++) {
      const c = x % 3
      const value = 255 * (pixels[from + x]! * std[c]! + mean[c]!)
      data[to++] = Math.max(0, Math.min(255, Math.round(value)))
    }
  }
  return { data, ...size }
}

/** Truths of a batch's image, in its own pixels. @param boxes `[G * 4]` corners @param labels `[G]` 1..K */
export function drawnTruths(
  boxes: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: readonly string[],
): DrawnBox[] {
  return Array.from(labels, (label, g) => {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => boxes[4 * g + side]!) as [number, number, number, number]
    return { kind: "object", label: classes[label - 1] ?? String(label), bbox: [x1, y1, x2 - x1, y2 - y1] }
  })
}
