import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import { openInputs } from "../../datasets/loader/open-inputs.js"
import { placeTruths } from "../../datasets/loader/truths.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import { mixSeeds, seededRandom } from "../core/random.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { InputConfig } from "../detector/model.js"
import { sizeOf, type TrainingImage } from "../detector/truths.js"

/** What goes on around `detectDataset`. */
interface DetectDatasetOptions {
  /** Takes what is wrong with the images. */
  readonly faults?: PhotoFaults
  /** Ends it early. */
  readonly signal?: AbortSignal
  /** Where several processes share the images out: this one takes every `size`-th from the `rank`-th on. */
  readonly share?: { readonly rank: number; readonly size: number }
  /** Told how many images are done. */
  readonly onImage?: ((done: number, total: number) => void) | undefined
  /** Takes the losses of each image, by torchvision's names, before what was found; nothing computes them when left out. */
  onLosses?(losses: Readonly<Record<string, number>>): void
}

/**
 * Runs a detector over the images of a data set, each in the frame of its boxes.
 * @param take is given what was found in an image, boxes in image pixels, and its index; not called where the image could not be used
 */
export async function detectDataset(
  detector: FasterRcnn,
  images: readonly ImageRecord[],
  { size, maxSize, sizeRule = "exact", input: normalisation }: InputConfig,
  take: (image: ImageRecord, found: Detections, index: number) => void,
  { faults, signal, share = { rank: 0, size: 1 }, onImage, onLosses }: DetectDatasetOptions = {},
): Promise<void> {
  let done = 0
  const own = images.filter((_, index) => index % share.size === share.rank)
  onImage?.(done, images.length)
  const how = { size, maxSize, sizeRule, ...normalisation, faults }
  for await (const { record, index: at, input } of openInputs(own, how)) {
    const index = at * share.size + share.rank
    if (input !== undefined) {
      const { pixels, shape, height, width, imageHeight, imageWidth } = input
      const tensor = tf.tensor4d(pixels, [...shape])
      try {
        const [found] = await look(tensor, { height, width, ...placeTruths(record, input, false) }, index)
        take(record, toImagePixels(found!, { scaleY: height / imageHeight, scaleX: width / imageWidth }), index)
      } finally {
        tensor.dispose()
      }
    }
    done += share.size
    onImage?.(Math.min(done, images.length), images.length)
    if (signal?.aborted) break
  }

  async function look(photo: tf.Tensor4D, target: TrainingImage, index: number): Promise<Detections[]> {
    if (onLosses === undefined) return detector.detect(photo, [sizeOf(target)])
    // The same samples in every validation: what changes is the detector alone.
    const { found, losses } = await detector.detectWithLosses(photo, [target], seededRandom(mixSeeds(SAMPLES, index)))
    onLosses(losses)
    return found
  }
}

/** The purpose of the seeds of validation's samples. */
const SAMPLES = 3
