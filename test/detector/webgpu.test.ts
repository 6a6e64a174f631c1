import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import { RgbPhoto } from "../../datasets/image/photo.js"
import type { Detections } from "../../src/boxes/boxes.js"
import { imageNet } from "../../src/core/normalisation.js"
import { seededRandom } from "../../src/core/random.js"
import { detectPhoto } from "../../src/detector/detect-photo.js"
import { awaitReadback } from "../../src/engine/readback.js"
import { startEngine } from "../../src/engine/start.js"
import { detectionTask } from "../../src/train/detection-task.js"
import { runTraining } from "../../src/train/run.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import { expectClose } from "../support/close.js"
import { hasWebGpu, wasmAndWebGpu } from "../support/engines.js"
import { slowTest } from "../support/slow-test.js"
import { imageSize, rectangles, tinyDetector } from "../support/tiny-detector.js"

describe.skipIf(!(await hasWebGpu()))("a detector on a GPU behind WebGPU", () => {
  slowTest("learns and detects what it does on WebAssembly, and leaves no tensor behind", async () => {
    const { expected, actual } = await wasmAndWebGpu(learnAndDetect)
    expect(actual.losses).toHaveLength(2)
    for (const [step, losses] of expected.losses.entries()) {
      for (const [name, value] of Object.entries(losses)) expect(actual.losses[step]![name]).toBeCloseTo(value, 4)
    }
    expectClose(actual.weights, expected.weights, 1e-4)
    expect(expected.found[1]!.scores.length).toBeGreaterThan(3)
    for (const [n, found] of expected.found.entries()) expectSameDetections(actual.found[n]!, found)
    expectSameDetections(actual.inPhoto, expected.inPhoto)
    expect(actual.leaked).toBe(0)
  })

  test("what goes wrong on the GPU is an error, not a wrong number", async () => {
    await startEngine("webgpu")
    const { device } = tf.backend() as unknown as { device: { createBuffer(options: object): object } }
    device.createBuffer({ size: 2 ** 42, usage: 128 })
    const one = tf.add(tf.scalar(1), 1)
    await expect(awaitReadback([one])).rejects.toThrow(/^WebGPU: Buffer size \(4398046511104\) .*Try a smaller --size/)
  })
})

/** Two steps of training by the same loop as `resdet train`, then detections in a batch and in a photo. */
async function learnAndDetect() {
  const { detector, parameters } = tinyDetector(2, undefined, { context: true })
  const { pixels, shape, images } = rectangles()
  const losses: Readonly<Record<string, number>>[] = []
  const batch = {
    pixels,
    shape,
    images: images.map((image, id) => ({ ...image, record: { id } })),
    index: 0,
    waitedMs: 0,
  }
  const loader = {
    batchesPerEpoch: () => 2,
    async *epoch() {
      for (let index = 0; index < 2; index++) yield { ...batch, index }
    },
  }
  const config = { size: imageSize[0], maxSize: 2 * imageSize[0], input: imageNet }
  const task = detectionTask(detector, parameters, loader as never, undefined, config)
  const before = tf.memory().numTensors
  await runTraining(
    task,
    {
      epochs: 1,
      seed: 3,
      schedule: scheduleOptions({ base: 0.02, steps: 2, warmup: 0 }),
      sgd: { momentum: 0.9, weightDecay: 1e-4 },
      clipNorm: 10,
      validateEvery: 0,
      metric: "AP",
      reportEvery: 1,
    },
    {
      async onStep(report) {
        losses.push(report.losses)
      },
      async onEpoch() {},
      async onBest() {
        return true
      },
      async onSave() {},
    },
    new AbortController().signal,
  )
  const input = tf.tensor4d(pixels, shape)
  const found = await detector.detect(input, [imageSize, [50, 60]], { score: 0.2 })
  input.dispose()
  const network = { detector, config }
  const inPhoto = await detectPhoto([network], noise(), { score: 0.2, refine: true, scales: [48, 64] })
  const leaked = tf.memory().numTensors - before
  // Read as a checkpoint reads them: the run has waited for them when it saved.
  const weights = [...parameters].flatMap(({ variable }) => [...variable.dataSync()])
  parameters.dispose()
  return { losses, found, inPhoto, weights, leaked }
}

function noise(): RgbPhoto {
  const random = seededRandom(5)
  const [height, width] = imageSize
  const pixels = Uint8Array.from({ length: 3 * height * width }, () => random.integer(256))
  return new RgbPhoto({ data: pixels, height, width })
}

function expectSameDetections(actual: Detections, expected: Detections): void {
  expect([...actual.labels]).toEqual([...expected.labels])
  expectClose(actual.scores, expected.scores, 1e-3)
  expectClose(actual.boxes, expected.boxes, 1e-3)
}
