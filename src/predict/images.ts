import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import { drawBoxes } from "../../datasets/image/draw.js"
import { encodeImage } from "../../datasets/image/encode.js"
import { DataError } from "../tensor/errors.js"
import type { Detection } from "./detect-images.js"
import type { Pixels } from "./pixel-detector.js"

/**
 * Decodes an image file, or its bytes, as upright RGB pixels. A file that ended early is refused too: half a photo would
 * give half the objects.
 * @throws DataError when it cannot be read
 */
export async function decodePixels(image: string | Uint8Array): Promise<Pixels> {
  try {
    const { pixels, height, width, truncated } = await decodeImage(image)
    if (truncated) throw new DataError("the file is truncated")
    return { data: pixels, height, width }
  } catch (error) {
    if (error instanceof ImageError) throw new DataError(error.message)
    throw error
  }
}

/** The photo as JPEG with boxes, labels and scores in percent, the best on top. */
export function drawDetections({ data, height, width }: Pixels, detections: readonly Detection[]): Promise<Uint8Array> {
  const drawn = [...detections].reverse().map(({ box, label, classId, score }) => {
    return { box, label: classId, text: `${label} ${Math.round(100 * score)}%` }
  })
  return encodeImage(drawBoxes({ pixels: data, height, width }, drawn))
}

/** Pixels as JPEG. */
export function encodePixels({ data, height, width }: Pixels): Promise<Uint8Array> {
  return encodeImage({ pixels: data, height, width })
}
