import type { ImageRecord } from "../../datasets/dataset.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import type { Detections } from "../boxes/boxes.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { PixelDetector } from "./pixel-detector.js"
import { prefetch } from "./prefetch.js"

const nothing: Detections = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }

/** How many images are decoded ahead of the network. */
const decodeAhead = 2

export interface RecordDetections {
  /** One entry an image, in their order, boxes in image pixels; empty where the image could not be read. */
  readonly perImage: readonly Detections[]
  /** What could not be read and why. */
  readonly failed: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Runs a detector over the images of a data set. A file that ended early is looked at all the same: its truths count.
 * @param onImage is told how many are done
 * @param signal ends it early: the rest stays empty
 */
export async function detectRecords(
  network: PixelDetector,
  images: readonly ImageRecord[],
  options: DetectOptions = {},
  { signal, onImage }: { signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<RecordDetections> {
  const perImage: Detections[] = []
  const failed: { file: string; message: string }[] = []
  for await (const { item, ...outcome } of prefetch(each(images), ({ file }) => decodeImage(file), decodeAhead)) {
    if ("value" in outcome) {
      const { pixels, height, width } = outcome.value
      perImage.push(await network.detect({ data: pixels, height, width }, options))
    } else if (outcome.error instanceof ImageError) {
      perImage.push(nothing)
      failed.push({ file: item.file, message: outcome.error.message })
    } else throw outcome.error
    onImage?.(perImage.length)
    if (signal?.aborted) break
  }
  return { perImage: images.map((_, i) => perImage[i] ?? nothing), failed }
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
}
