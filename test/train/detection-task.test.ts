import type * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import type { DetectionBatch } from "../../datasets/loader/detection-loader.js"
import type { Loader } from "../../datasets/loader/loader.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import { startEngine } from "../../src/engine/start.js"
import { detectionTask } from "../../src/train/detection-task.js"

/** The figures of a validation with a detector that finds the same box in every picture. */
async function validate(box: readonly number[], set: Dataset) {
  await startEngine()
  const detector = {
    detect: async (images: tf.Tensor4D) =>
      Array.from({ length: images.shape[0] }, () => ({
        boxes: Float32Array.from(box),
        scores: Float32Array.of(0.9),
        labels: Int32Array.of(1),
      })),
  } as unknown as FasterRcnn
  const loader = { batchesPerEpoch: 1 } as unknown as Loader<unknown, DetectionBatch>
  const inputs = { size: 40, maxSize: 40, input: imageNet }
  const task = detectionTask(detector, new Parameters(seededRandom(0)), loader, set, inputs)
  return task.validate!(new AbortController().signal)
}

test("every figure of a validation stands under its own name", async () => {
  const image = { data: new Uint8Array(3 * 40 * 40), height: 40, width: 40 }
  const set = await datasetFromSamples([{ image, boxes: [[0, 0, 40, 40]], labels: ["thing"] }], { classes: ["thing"] })
  // 24 of 40 columns: IoU 0.6, right at 0.5, 0.55 and 0.6 of COCO's ten thresholds.
  const figures = await validate([0, 0, 24, 40], set)
  expect(figures).toEqual({
    ...{ voc12: 1, AP50: expect.closeTo(1, 6), AP75: 0, AP: expect.closeTo(0.3, 6) },
    voc07: expect.closeTo(1, 6),
  })
})
