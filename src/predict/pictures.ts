import { join } from "node:path"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { safeNames } from "../core/safe-names.js"
import { writeWhole } from "../core/write-whole.js"
import { cropDetection } from "./crop.js"
import type { Detection } from "./detection.js"
import type { DrawingOptions } from "./images.js"
import type { SourceImage } from "./source-image.js"

/** A photo with its boxes, labels and scores drawn on it, as the bytes of a JPEG file. */
export type DrawDetections = (
  pixels: RgbImage,
  detections: readonly Detection[],
  options: DrawingOptions,
) => Promise<Uint8Array>

/** Pixels as the bytes of a JPEG file. */
export type EncodeImage = (pixels: RgbImage) => Promise<Uint8Array>

/** Writes `images/<image>.jpg` below `folder`, in the sub-folders of the source. */
export async function writePicture(
  folder: string,
  { stem }: SourceImage,
  pixels: RgbImage,
  detections: readonly Detection[],
  draw: DrawDetections,
  look: DrawingOptions,
): Promise<void> {
  writeWhole(join(folder, "images", `${stem}.jpg`), await draw(pixels, detections, look), {
    sync: false,
    within: folder,
  })
}

/** Writes `crops/<class>/<image>-<n>.jpg` below `folder`, n counting the image's detections from 1, best score first. */
export async function writeCrops(
  folder: string,
  classes: readonly string[],
  { stem }: SourceImage,
  pixels: RgbImage,
  detections: readonly Detection[],
  encode: EncodeImage,
): Promise<void> {
  const folders = safeNames(classes)
  for (const [d, { classId, box }] of detections.entries()) {
    const crop = cropDetection(pixels, box)
    if (crop === undefined) continue
    const path = join(folder, "crops", folders[classId - 1]!, `${stem}-${d + 1}.jpg`)
    writeWhole(path, await encode(crop), { sync: false, within: folder })
  }
}
