import type * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import type { DetectionBatch } from "../../datasets/loader/detection-loader.js"
import type { Loader } from "../../datasets/loader/loader.js"
import type { Detections } from "../../src/boxes/boxes.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { type Random, seededRandom } from "../../src/core/random.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import { startEngine } from "../../src/engine/start.js"
import { evaluateDetections } from "../../src/eval/report.js"
import type { Peers } from "../../src/train/agreement.js"
import { detectionTask } from "../../src/train/detection-task.js"
import { peersOf } from "../support/peers.js"

/** The figures of a validation with a detector that finds this in the first picture, that in the second, and so on. */
async function validate(perImage: readonly Detections[], set: Dataset) {
  await startEngine()
  let next = 0
  const detector = { detect: async () => [perImage[next++]!] } as unknown as FasterRcnn
  const loader = { batchesPerEpoch: 1 } as unknown as Loader<unknown, DetectionBatch>
  const inputs = { size: 40, maxSize: 40, input: imageNet }
  const task = detectionTask(detector, new Parameters(seededRandom(0)), loader, set, inputs)
  return task.validate!(new AbortController().signal)
}

const found = (boxes: readonly (readonly number[])[], scores: readonly number[]): Detections => ({
  boxes: Float32Array.from(boxes.flat()),
  scores: Float32Array.from(scores),
  labels: new Int32Array(scores.length).fill(1),
})

test("every figure of a validation stands under its own name", async () => {
  const image = { data: new Uint8Array(3 * 40 * 40), height: 40, width: 40 }
  const set = await datasetFromSamples([{ image, boxes: [[0, 0, 40, 40]], labels: ["thing"] }], { classes: ["thing"] })
  // 24 of 40 columns: IoU 0.6, right at 0.5, 0.55 and 0.6 of COCO's ten thresholds.
  const figures = await validate([found([[0, 0, 24, 40]], [0.9])], set)
  expect(figures).toEqual({
    ...{ voc12: 1, AP50: expect.closeTo(1, 6), AP75: 0, AP: expect.closeTo(0.3, 6) },
    voc07: expect.closeTo(1, 6),
    bestScore: expect.closeTo(0.9, 6),
  })
})

test("a validation's figures are those of all its detections at once, also where an image was unreadable", async () => {
  const image = { data: new Uint8Array(3 * 40 * 40), height: 40, width: 40 }
  const boxes = [
    [0, 0, 20, 20],
    [10, 12, 40, 33],
  ]
  const whole = await datasetFromSamples(
    [0, 1, 2].map(() => ({ image, boxes, labels: ["thing", "thing"] })),
    { classes: ["thing"] },
  )
  const [first, second, third] = whole.images
  const set = { ...whole, images: [first!, { ...second!, file: "gone.jpg", image: "gone.jpg" }, third!] }
  const seen = [
    found(
      [
        [1, 0, 22, 20],
        [9, 12, 41, 30],
      ],
      [0.7, 0.8],
    ),
    found(
      [
        [5, 5, 30, 30],
        [0, 1, 19, 22],
      ],
      [0.9, 0.3],
    ),
  ]
  const { coco, voc, bestThreshold } = evaluateDetections(set, [seen[0]!, found([], []), seen[1]!])
  expect(await validate(seen, set)).toEqual({
    voc12: voc[0]!.voc12,
    voc07: voc[0]!.voc07,
    bestScore: bestThreshold!.score,
    AP: coco.AP,
    AP50: coco.AP50,
    AP75: coco.AP75,
  })
  expect(coco.AP).toBeGreaterThan(0)
  expect(coco.AP).toBeLessThan(0.6)
})

test("the losses of a validation are means over its images, named beside those of training", async () => {
  await startEngine()
  const image = { data: new Uint8Array(3 * 40 * 60), height: 40, width: 60 }
  const boxes = [[0, 0, 30, 40]]
  const set = await datasetFromSamples(
    [1, 2].map(() => ({ image, boxes, labels: ["thing"] })),
    { classes: ["thing"] },
  )
  const seen: unknown[] = []
  const detector = {
    detectWithLosses: async (_: unknown, [target]: [{ boxes: Float32Array; height: number; width: number }]) => {
      seen.push([[...target.boxes], target.height, target.width])
      return { found: [found([[0, 0, 1, 1]], [0.5])], losses: { loss_objectness: seen.length, loss_box_reg: 0.5 } }
    },
  } as unknown as FasterRcnn
  const loader = { batchesPerEpoch: 1 } as unknown as Loader<unknown, DetectionBatch>
  const inputs = { size: 20, maxSize: 40, input: imageNet }
  const task = detectionTask(detector, new Parameters(seededRandom(0)), loader, set, inputs, { losses: true })
  const figures = await task.validate!(new AbortController().signal)
  expect(figures).toMatchObject({ val_loss_objectness: 1.5, val_loss_box_reg: 0.5, val_loss: 2 })
  expect(Object.keys(figures).slice(0, 5)).toEqual(["voc12", "voc07", "AP", "AP50", "AP75"])
  expect(seen[0]).toEqual([[0, 0, 15, 20], 20, 30])
})

test("processes that share a validation out get every digit of one", async () => {
  await startEngine()
  const samples = Array.from({ length: 8 }, (_, i) => {
    const image = { data: new Uint8Array(3 * 40 * 40).fill(20 * (i + 1)), height: 40, width: 40 }
    return { image, boxes: [[i, i, 20 + i, 24 + i]], labels: ["thing"] }
  })
  const set = await datasetFromSamples(samples, { classes: ["thing"] })
  const seen: number[] = []
  /** Finds by the photo's brightness, and draws its losses from the source that it is given. */
  const detectWithLosses = async (photo: tf.Tensor4D, _: unknown, random: Random) => {
    const i = Math.round(((photo.dataSync()[0]! * 0.229 + 0.485) * 255) / 20) - 1
    seen.push(i)
    const box = [i + (i % 3), i, 18 + i, 24 + i]
    return {
      found: [found([box, [0, 0, 9, 9]], [0.9 - i / 20, 0.3])],
      losses: { loss_classifier: random.normal() / 3 },
    }
  }
  const look = (peers?: Peers) => {
    const loader = { batchesPerEpoch: 1 } as unknown as Loader<unknown, DetectionBatch>
    const detector = { detectWithLosses } as unknown as FasterRcnn
    const inputs = { size: 40, maxSize: 40, input: imageNet }
    const task = detectionTask(detector, new Parameters(seededRandom(0)), loader, set, inputs, { losses: true })
    return task.validate!(new AbortController().signal, undefined, peers)
  }
  const alone = await look()
  expect(alone).toMatchObject({ voc12: expect.closeTo(0.9, 0), val_loss: expect.any(Number) })
  for (const size of [2, 3]) {
    seen.length = 0
    const shared = await Promise.all(peersOf(size).map((peers) => look(peers)))
    for (const figures of shared) expect(figures).toEqual(alone)
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  }
})
