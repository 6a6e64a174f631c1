import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import { type StreamBatch, streamImages } from "../../datasets/loader/stream.js"
import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { ModelConfig } from "../detector/model.js"

const nothing: Detections = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }

export interface DatasetDetections {
  /** One entry an image, in their order, boxes in image pixels; empty where the image could not be read. */
  readonly perImage: readonly Detections[]
  /** What could not be read and why. */
  readonly failed: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Runs a detector over the images of a data set.
 * @param onImage is told how many are done
 * @param signal ends it early: the rest stays empty
 */
export async function detectDataset(
  detector: FasterRcnn,
  images: readonly ImageRecord[],
  { size, maxSize, input }: Pick<ModelConfig, "size" | "maxSize" | "input">,
  { signal, onImage }: { signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<DatasetDetections> {
  const perImage: Detections[] = images.map(() => nothing)
  const failed: { file: string; message: string }[] = []
  const files = images.map(({ file }) => file)
  for await (const batch of streamImages(files, { size, maxSize, ...input })) {
    for (const { source, problem } of batch.failed) failed.push({ file: source, message: problem.message })
    for (const found of await detectBatch(detector, batch)) perImage[found.index] = found.detections
    onImage?.((batch.images.at(-1) ?? batch.failed.at(-1))!.index + 1)
    if (signal?.aborted) break
  }
  return { perImage, failed }
}

async function detectBatch(detector: FasterRcnn, { pixels, shape, images }: StreamBatch<string>) {
  if (images.length === 0) return []
  const input = tf.tensor4d(pixels, [...shape])
  try {
    const sizes = images.map(({ height, width }) => [height, width] as const)
    const found = await detector.detect(input, sizes)
    return images.map((image, n) => ({ index: image.index, detections: toImagePixels(found[n]!, image) }))
  } finally {
    input.dispose()
  }
}
