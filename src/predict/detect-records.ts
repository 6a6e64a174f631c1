import type { ImageRecord } from "../../datasets/dataset.js"
import { openSamples } from "../../datasets/open-samples.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { PixelDetector } from "./pixel-detector.js"

/** An image that could not be read, and why. */
export interface UnreadRecord {
  readonly file: string
  readonly message: string
}

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param take is given what was found in an image, boxes in image pixels; not called where the image could not be read
 * @param faults takes what is wrong with the images; without it a file that ended early is looked at all the same, for its
 * truths count
 * @param onImage is told how many are done
 * @param signal ends it early
 * @returns what could not be read
 */
export async function detectRecords(
  network: PixelDetector,
  images: readonly ImageRecord[],
  options: DetectOptions,
  take: (image: ImageRecord, found: Detections) => void,
  { faults, signal, onImage }: { faults?: PhotoFaults; signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<readonly UnreadRecord[]> {
  const failed: UnreadRecord[] = []
  for await (const { record, image, index, problems } of openSamples(images, faults && { faults })) {
    if (image === undefined) failed.push({ file: record.file, message: problems[0]!.message })
    else take(record, await network.detect(image, options))
    onImage?.(index + 1)
    if (signal?.aborted) break
  }
  return failed
}
