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
  inputs: Inputs,
  { faults, signal, onImage }: { faults?: PhotoFaults; signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<readonly Detections[]> {
  const perImage: Detections[] = images.map(() => nothing)
  for await (const { image, index } of openSamples(images, faults && { faults })) {
    if (image !== undefined) perImage[index] = await detectOne(detector, image, inputs)
    onImage?.(index + 1)
    if (signal?.aborted) break
  }
  return perImage
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
