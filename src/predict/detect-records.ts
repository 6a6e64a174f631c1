import type { ImageRecord } from "../../datasets/dataset.js"
import { openSamples } from "../../datasets/open-samples.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { PixelDetector } from "./pixel-detector.js"

const nothing: Detections = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }

export interface RecordDetections {
  /** One entry an image, in their order, boxes in image pixels; empty where the image could not be read. */
  readonly perImage: readonly Detections[]
  /** What could not be read and why. */
  readonly failed: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param faults takes what is wrong with the images; without it a file that ended early is looked at all the same, for its
 * truths count
 * @param onImage is told how many are done
 * @param signal ends it early: the rest stays empty
 */
export async function detectRecords(
  network: PixelDetector,
  images: readonly ImageRecord[],
  options: DetectOptions = {},
  { faults, signal, onImage }: { faults?: PhotoFaults; signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<RecordDetections> {
  const perImage: Detections[] = []
  const failed: { file: string; message: string }[] = []
  for await (const { record, image, problems } of openSamples(images, faults && { faults })) {
    perImage.push(image === undefined ? nothing : await network.detect(image, options))
    if (image === undefined) failed.push({ file: record.file, message: problems[0]!.message })
    onImage?.(perImage.length)
    if (signal?.aborted) break
  }
  return { perImage: images.map((_, i) => perImage[i] ?? nothing), failed }
}
