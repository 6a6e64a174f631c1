import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildLayers } from "../../src/detector/build.js"
import type { ModelConfig } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { alignOnLevels } from "../../src/roi/levels.js"
import { toTorchAxes } from "../../src/weights/axes.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { detectorWeights, planModel } from "../../src/weights/plan.js"
import { expectSampled, readGolden, type Sampled } from "../support/golden-detector.js"
import { madeUp, madeUpWeight } from "../support/made-up.js"
import { withCheckpoint } from "../support/read-info.js"
import { writePickle } from "../support/write-pickle.js"

type Shapes = Readonly<Record<string, number[]>>

interface Golden {
  readonly height: number
  readonly width: number
  readonly c4: Readonly<Record<"features" | "logits" | "deltas" | "classLogits" | "boxDeltas", Sampled>> & {
    readonly shapes: Shapes
    readonly boxes: readonly number[]
  }
  readonly msra: { readonly shapes: Shapes; readonly features: Sampled }
}

const golden = readGolden<Golden>("detectron2")
const folder = mkdtempSync(join(tmpdir(), "resdet-detectron2-"))
const [zoo, msra] = [join(folder, "model_final.pkl"), join(folder, "R-50.pkl")]
const withoutStd = { mean: imageNet.mean, std: [1 / 255, 1 / 255, 1 / 255] }

function* made(shapes: Shapes) {
  for (const [name, shape] of Object.entries(shapes)) {
    yield [name, shape, toTorchAxes(madeUpWeight(name, shape)).values] as const
  }
}

beforeAll(async () => {
  writePickle(zoo, "model", made(golden.c4.shapes), { __author__: "Detectron2 Model Zoo" })
  writePickle(msra, "blobs", made(golden.msra.shapes))
  await startEngine()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The picture of scripts/golden-detectron2.py as it enters a detector, red first. */
function picture({ input }: ModelConfig): tf.Tensor4D {
  const { height, width } = golden
  const values = madeUp("detectron2 picture", 3 * height * width, (value) => Math.floor((value + 0.5) * 256))
  return tf.tidy(() => {
    const pixels = tf.transpose(tf.tensor4d(values, [1, 3, height, width]), [0, 2, 3, 1])
    return tf.div(tf.sub(tf.div(pixels, 255), [...input.mean]), [...input.std]) as tf.Tensor4D
  })
}

test("a model of detectron2's zoo gives what it gives there, with nothing said but its file", () => {
  using checkpoint = Checkpoint.open(zoo)
  expect([checkpoint.format, checkpoint.model.kind, checkpoint.origin.name]).toEqual(["numpy", "foreign", "detectron2"])
  const config = planModel(checkpoint)
  expect(config).toMatchObject({
    model: "fasterrcnn_resnet50_c4",
    strideIn: "1x1",
    norm: "unfolded",
    conv5Norm: "unfolded",
  })
  expect(config).toMatchObject({ input: withoutStd, size: 800, maxSize: 1333, frozen: 2 })
  const { align, proposals, roi } = config.options
  expect(align).toEqual({ operator: "align", size: 14, samplingRatio: 0, aligned: true })
  expect(proposals.test).toMatchObject({ preNmsTopN: 6000, postNmsTopN: 1000 })
  expect(proposals.train).toMatchObject({ preNmsTopN: 12_000, postNmsTopN: 2000 })
  expect(roi.sample.batchSizePerImage).toBe(512)

  const parameters = new Parameters(seededRandom(0), detectorWeights(checkpoint, config))
  const { backbone, rpnHead, boxHead, predictor } = buildLayers(parameters, config, 4)
  expect([...parameters.initialised, ...parameters.unused()]).toEqual([])
  tf.tidy(() => {
    const levels = backbone.features(backbone.frozen!(picture(config)))
    expectSampled(levels[0]!, golden.c4.features)
    const { logits, deltas } = rpnHead.apply(levels)
    expectSampled(logits, golden.c4.logits)
    expectSampled(deltas, golden.c4.deltas)
    const boxes = Float32Array.from(golden.c4.boxes)
    const pooled = alignOnLevels(levels, boxes, new Int32Array(boxes.length / 4), backbone.strides, align)
    const said = predictor.apply(boxHead.apply(pooled))
    expectSampled(said.logits, golden.c4.classLogits)
    expectSampled(said.deltas, golden.c4.boxDeltas)
  })
  parameters.dispose()
}, 120_000)

test("an MSRA backbone gives what it gives in Detectron: its norms scale and add, its stride is in the 1x1", () => {
  using checkpoint = Checkpoint.open(msra)
  expect(checkpoint.origin).toMatchObject({ name: "MSRA", network: "resnet50", strideIn: "1x1", colors: "bgr" })
  const config = planModel(checkpoint)
  // It holds no conv5, which then starts anew; what it says of no more than its backbone leaves the rest to the preset.
  expect(config).toMatchObject({ model: "fasterrcnn_resnet50_c4", strideIn: "1x1", input: withoutStd, norm: "frozen" })
  expect(config).toMatchObject({ conv5Norm: "group", size: 400 })
  const parameters = new Parameters(seededRandom(0), detectorWeights(checkpoint, config))
  const { backbone } = buildLayers(parameters, config, 4)
  expect(parameters.unused()).toEqual([])
  tf.tidy(() => expectSampled(backbone.features(backbone.frozen!(picture(config)))[0]!, golden.msra.features))
  parameters.dispose()
})

test("the user's word counts more than the file's", () => {
  using checkpoint = Checkpoint.open(msra)
  const said = planModel(checkpoint, { strideIn: "3x3", input: { std: [1, 1, 1] }, preset: "paper", size: 300 })
  expect(said).toMatchObject({
    strideIn: "3x3",
    input: { mean: imageNet.mean, std: [1, 1, 1] },
    size: 300,
    maxSize: 500,
  })
})

test("a real pickle of Python's gives its arrays, and its pixel mean", () => {
  withCheckpoint("test/golden/detectron2.pkl", ({ tensors, origin }) => {
    const told = [...tensors].map(([name, tensor]) => [name, tensor.dtype, tensor.shape, [...tensor.read()]])
    expect(told).toEqual([
      ["backbone.conv1.weight", "F32", [2, 3, 1, 1], [0, 1, 2, 3, 4, 5]],
      ["fortran", "F32", [2, 3], [0, 1, 2, 3, 4, 5]],
      ["half", "F16", [6], [0, 1, 2, 3, 4, 5]],
    ])
    expect(origin.colors).toBe("bgr")
    expect(origin.input.std).toEqual([1 / 255, 1 / 255, 1 / 255])
    for (const [c, value] of origin.input.mean.entries()) expect(value).toBeCloseTo(imageNet.mean[c]!, 6)
  })
})
