import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import type { TrainingImage } from "../../src/detector/truths.js"
import { countTraffic, sumOf } from "../../src/engine/native/traffic.js"
import { detectorGradients } from "../../src/train/detector-gradients.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { gpuKernel } from "../support/gpu-kernels.js"
import { slowTest } from "../support/slow-test.js"
import { quickRandom } from "../support/untrained-detector.js"

const [height, width] = [64, 96]

/** What training steps of two images and a detection of one ask of TensorFlow, behind those that do not count. */
async function trafficOf(model: string, presetName: string) {
  const { options: usual } = preset(presetName, model)
  const options = {
    ...usual,
    proposals: { ...usual.proposals, test: { ...usual.proposals.test, postNmsTopN: 8 } },
    align: { ...usual.align, size: 7 },
    roi: { ...usual.roi, sample: { ...usual.roi.sample, batchSizePerImage: 16 } },
  }
  const parameters = new Parameters(quickRandom(1))
  const norms = { norm: "unfolded", conv5Norm: "unfolded" } as const
  const detector = buildFasterRcnn(parameters, { ...modelDefaults, model, ...norms, options }, 3)
  const trainable = parameters.trainable()
  const optimizer = new Sgd(trainable)
  const gradients = detectorGradients(detector, () => trainable)!
  const random = quickRandom(2)
  const pixels = (count: number) => Float32Array.from({ length: 3 * count * height * width }, () => random.normal())
  const images = Array.from({ length: 2 }, (): TrainingImage => {
    const boxes = Float32Array.of(10, 10, 40, 60, 30, 20, 90, 60)
    const none = new Uint8Array(2)
    return { height, width, boxes, labels: Int32Array.of(1, 2), crowd: none, difficult: none }
  })
  const step = async () => {
    const input = tf.tensor4d(pixels(2), [2, height, width, 3])
    const batch = await detector.prepare(input, images)
    const made = () => gradients(batch, 3)
    await trainStep(() => ({}), trainable, optimizer, { rate: 1e-5, clipNorm: 1, gradients: made })
    tf.dispose([input, batch.stem])
  }
  await step()
  const recording = (await countTraffic(step)).traffic
  const before = tf.memory().numTensors
  const recorded = (await countTraffic(step)).traffic
  const left = tf.memory().numTensors - before
  const image = tf.tensor4d(pixels(1), [1, height, width, 3])
  const detection = (await countTraffic(() => detector.detect(image, [[height, width]]))).traffic
  tf.dispose(image)
  optimizer.dispose()
  parameters.dispose()
  return { recording, recorded, detection, left }
}

/**
 * Asserts that every operation, of recorded functions too, has a kernel for GPUs, of the types that it is given; that a training
 * step reads what is proposed and its figures, and no more than 100 kB; and that what it asks of TensorFlow grows in no way.
 * @param most calls of any kind, and about the bytes beside the photos that there are today
 */
function expectLaws(
  { recording, recorded, detection, left }: Awaited<ReturnType<typeof trafficOf>>,
  most: { calls: number; sent: number },
): void {
  const typed = [...recording.typed, ...detection.typed]
  expect(typed.length).toBeGreaterThan(50)
  expect(typed.filter((own) => gpuKernel(own) === undefined)).toEqual([])
  expect(sumOf(recorded.read)).toBeLessThan(100_000)
  const photos = 4 * 2 * height * width * 3
  const sent = sumOf(recorded.sent) - photos
  expect({ reads: recorded.read.length, left }).toEqual({ reads: 2, left: 0 })
  expect(recorded.calls).toBeLessThanOrEqual(most.calls)
  expect(sent).toBeLessThanOrEqual(most.sent)
}

onCudaBranch("a training step of a detector keeps to what a GPU can do at once", () => {
  test("with conv5 on pooled regions, as in the paper", async () => {
    expectLaws(await trafficOf("fasterrcnn_resnet18_c4", "paper"), { calls: 23, sent: 19_000 })
  })

  slowTest("with a pyramid", async () => {
    expectLaws(await trafficOf("fasterrcnn_resnet50_fpn", "torchvision"), { calls: 23, sent: 19_000 })
  })
})

test("an operation that GPUs have no kernel for is named as one", () => {
  const processorsAlone = [
    "NonMaxSuppressionV5 T=float32",
    "_MklNativeMaxPool T=float32",
    "Cast SrcT=string DstT=float32",
  ]
  expect(processorsAlone.map(gpuKernel)).toEqual([undefined, undefined, undefined])
  expect(gpuKernel("MatMul T=float32")).toBeDefined()
})
