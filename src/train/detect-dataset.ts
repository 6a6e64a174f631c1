import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import { openInputs } from "../../datasets/loader/open-inputs.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { InputConfig } from "../detector/model.js"

interface DetectDatasetOptions {
  readonly faults?: PhotoFaults
  readonly signal?: AbortSignal
  readonly onImage?: ((done: number, total: number) => void) | undefined
}

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param take is given what was found in an image, boxes in image pixels; not called where the image could not be used
 * @param faults takes what is wrong with the images
 * @param signal ends it early
 * @param onImage told how many images are done
 */
export async function detectDataset(
  detector: FasterRcnn,
  images: readonly ImageRecord[],
  { size, maxSize, sizeRule = "exact", input: normalisation }: InputConfig,
  take: (image: ImageRecord, found: Detections) => void,
  { faults, signal, onImage }: DetectDatasetOptions = {},
): Promise<void> {
  let done = 0
  onImage?.(done, images.length)
  for await (const { record, input } of openInputs(images, { size, maxSize, sizeRule, ...normalisation, faults })) {
    if (input !== undefined) {
      const { pixels, shape, height, width, imageHeight, imageWidth } = input
      const tensor = tf.tensor4d(pixels, [...shape])
      try {
        const [found] = await detector.detect(tensor, [[height, width]])
        take(record, toImagePixels(found!, { scaleY: height / imageHeight, scaleX: width / imageWidth }))
      } finally {
        tensor.dispose()
      }
    }
    onImage?.(++done, images.length)
    if (signal?.aborted) break
  }
}
