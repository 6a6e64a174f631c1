import { faultPolicies } from "../../datasets/faults.js"
import { type DrawOptions, drawBoxes } from "../../datasets/image/draw.js"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { openSample, type PhotoSource } from "../../datasets/open-sample.js"
import { DataError } from "../core/errors.js"
import type { Detection } from "./detection.js"

/** Half a photo would give half the objects. */
const policies = { ...faultPolicies, "truncated-image": "skip" } as const

/**
 * Decodes an image file, or its bytes, as upright RGB pixels; makes such of decoded ones. A file that ended early is refused too.
 * @throws DataError when it cannot be read
 */
export async function decodePixels(source: PhotoSource): Promise<RgbImage> {
  const photo = typeof source === "string" ? { file: source } : { file: "", image: source }
  const { image, problems } = await openSample(photo, { policies })
  if (image === undefined) throw new DataError(problems[0]!.message)
  return image
}

/** How detections are drawn. */
export interface DrawingOptions extends DrawOptions {
  readonly hideLabels?: boolean
  readonly hideScores?: boolean
}

/** The photo as JPEG with boxes, labels and scores in percent, the best on top. */
export async function drawDetections(
  image: RgbImage,
  detections: readonly Detection[],
  { hideLabels, hideScores, lineWidth }: DrawingOptions = {},
): Promise<Uint8Array> {
  const drawn = [...detections].reverse().map(({ box, label, classId, score }) => {
    const text = hideScores ? label : `${label} ${Math.round(100 * score)}%`
    return { box, label: classId, text: hideLabels ? "" : text }
  })
  return encodeImage(await drawBoxes(image, drawn, { lineWidth }))
}
