import { readFileSync } from "node:fs"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { DataError } from "../../src/core/errors.js"
import { decodePixels } from "../../src/predict/images.js"
import type { DecodeImage, PixelDetector } from "../../src/predict/pixel-detector.js"

/** Decodes a "photo" whose file holds its size as text, such as `8x6`; anything else is unreadable. Pixels are what they are. */
export const decodeDummy: DecodeImage = async (image) => {
  if (typeof image === "object" && "data" in image) return decodePixels(image)
  const text = typeof image === "string" ? readFileSync(image, "utf8") : Buffer.from(image).toString()
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text.trim()) ?? []
  if (!width || !height) throw new DataError("not an image")
  return { width: Number(width), height: Number(height), data: new Uint8Array(Number(width) * Number(height) * 3) }
}

export interface DummyDetector extends PixelDetector {
  readonly seen: RgbImage[]
  disposals: number
}

/** Finds a dog that fills the photo (score .75) and a cat in its first pixel (score .25), if the score allows. */
export function dummyDetector(): DummyDetector {
  const found = (width: number, height: number) => [
    { score: 0.75, label: 2, box: [0, 0, width, height] },
    { score: 0.25, label: 1, box: [0, 0, 1, 1] },
  ]
  return {
    engine: "wasm",
    classes: ["cat", "dog"],
    seen: [],
    disposals: 0,
    async detect(image, { score = 0, only = [1, 2] }) {
      this.seen.push(image)
      const kept = found(image.width, image.height).filter((one) => one.score >= score && only.includes(one.label))
      return {
        boxes: Float32Array.from(kept.flatMap(({ box }) => box)),
        scores: Float32Array.from(kept.map((one) => one.score)),
        labels: Int32Array.from(kept.map(({ label }) => label)),
      }
    },
    dispose() {
      this.disposals++
    },
  }
}
