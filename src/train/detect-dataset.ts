import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import { openInputs } from "../../datasets/loader/open-inputs.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { InputConfig } from "../detector/model.js"

const nothing: Detections = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param faults takes what is wrong with the images
 * @param onImage is told how many are done
 * @param signal ends it early: the rest stays empty
 * @returns one entry an image, in their order, boxes in image pixels; empty where the image could not be used
 */
export async function detectDataset(
  detector: FasterRcnn,
  images: readonly ImageRecord[],
  { size, maxSize, sizeRule = "exact", input: normalisation }: InputConfig,
  { faults, signal, onImage }: { faults?: PhotoFaults; signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<readonly Detections[]> {
  const perImage: Detections[] = images.map(() => nothing)
  for await (const { input, index } of openInputs(images, { size, maxSize, sizeRule, ...normalisation, faults })) {
    if (input !== undefined) {
      const { pixels, shape, height, width, imageHeight, imageWidth } = input
      const tensor = tf.tensor4d(pixels, [...shape])
      try {
        const [found] = await detector.detect(tensor, [[height, width]])
        perImage[index] = toImagePixels(found!, { scaleY: height / imageHeight, scaleX: width / imageWidth })
      } finally {
        tensor.dispose()
      }
    }
    onImage?.(index + 1)
    if (signal?.aborted) break
  }
  return perImage
}
