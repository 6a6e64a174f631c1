import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import { RgbPhoto } from "../../datasets/image/photo.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { openSamples } from "../../datasets/open-samples.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { ModelConfig } from "../detector/model.js"

type Inputs = Pick<ModelConfig, "size" | "maxSize" | "input">

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param take is given what was found in an image, boxes in image pixels; not called where the image could not be used
 * @param faults takes what is wrong with the images
 * @param signal ends it early
 */
export async function detectDataset(
  detector: FasterRcnn,
  images: readonly ImageRecord[],
  inputs: Inputs,
  take: (image: ImageRecord, found: Detections) => void,
  { faults, signal }: { faults?: PhotoFaults; signal?: AbortSignal } = {},
): Promise<void> {
  for await (const { record, image } of openSamples(images, faults && { faults })) {
    if (image !== undefined) take(record, await detectOne(detector, image, inputs))
    if (signal?.aborted) break
  }
}

async function detectOne(detector: FasterRcnn, image: RgbImage, { input: normalisation, ...sizes }: Inputs) {
  const { values, shape, height, width } = new RgbPhoto(image).input(sizes, normalisation)
  const input = tf.tensor4d(values, [...shape])
  try {
    const [found] = await detector.detect(input, [[height, width]])
    return toImagePixels(found!, { scaleY: height / image.height, scaleX: width / image.width })
  } finally {
    input.dispose()
  }
}
