import { join } from "node:path"
import sharp from "sharp"
import { type RgbImage, turnBack } from "../../datasets/image/rgb.js"
import { vocFile, vocObject, writeFiles } from "./samples.js"

/** A dark picture, as people see it, with one bright rectangle. */
export const shown = { width: 48, height: 36, box: [20, 14, 44, 24] } as const

function picture(): RgbImage {
  const { width, height, box } = shown
  const data = new Uint8Array(3 * width * height).fill(20)
  for (let y = box[1]; y < box[3]; y++) data.fill(240, 3 * (y * width + box[0]), 3 * (y * width + box[2]))
  return { data, width, height }
}

/**
 * `plain`: no EXIF. `upright`: a phone's photo, its box drawn in the picture as it is shown. `stored`: the same way of
 * storing, its box drawn by a tool that ignores EXIF in what is the shown picture then.
 */
export type Twin = "plain" | "upright" | "stored"
export const twins: readonly Twin[] = ["plain", "upright", "stored"]

/** Writes a VOC folder of one photo `a`, class "bright", in split train; all twins have the same annotation. */
export async function writeTwin(folder: string, twin: Twin, orientation = 6): Promise<string> {
  const inFile = twin === "upright" ? turnBack(picture(), orientation) : picture()
  const { data, width, height } = inFile
  const image = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
  const [x1, y1, x2, y2] = shown.box
  writeFiles(join(folder, twin), {
    "JPEGImages/a.jpg": await (twin === "plain" ? image : image.withMetadata({ orientation })).toBuffer(),
    "Annotations/a.xml": vocFile(vocObject("bright", [x1 + 1, y1 + 1, x2, y2]), shown.width, shown.height),
    "ImageSets/Main/train.txt": "a\n",
  })
  return join(folder, twin)
}

/** The box around all that is bright, image pixels. */
export function brightBox({ data, width, height }: RgbImage): number[] {
  const bright = Array.from({ length: width * height }, (_, i) => i).filter((i) => data[3 * i]! > 130)
  const [xs, ys] = [bright.map((i) => i % width), bright.map((i) => Math.floor(i / width))]
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1]
}
