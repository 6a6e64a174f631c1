import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { buildParts } from "../../src/detector/build.js"
import { FasterRcnn, type FasterRcnnParts } from "../../src/detector/faster-rcnn.js"
import { trainingTruths } from "../../src/detector/truths.js"
import { roiAlign } from "../../src/roi/align.js"
import { roiTargets } from "../../src/roi/targets.js"
import { gridAnchors } from "../../src/rpn/anchors.js"
import { proposeBoxes } from "../../src/rpn/proposals.js"
import { rpnTargets } from "../../src/rpn/targets.js"
import type { Parameters } from "../../src/tensor/parameters.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import {
  expectBoxes,
  expectSampled,
  firstOnes,
  type GoldenDetector,
  goldenConfig,
  goldenImages,
  goldenParameters,
  goldenTruths,
  readGolden,
} from "../support/golden-detector.js"

const kind = "c4"
const golden = readGolden<GoldenDetector>(kind)
const config = goldenConfig("fasterrcnn_resnet18_c4", golden)
const { options } = config

onEveryEngine("a C4 detector with torchvision's weights", () => {
  let parameters: Parameters
  let parts: FasterRcnnParts
  let detector: FasterRcnn

  beforeAll(() => {
    parameters = goldenParameters(golden)
    parts = buildParts(parameters, config, golden.classes)
    detector = new FasterRcnn(parts, options)
  })
  afterAll(() => parameters.dispose())

  test("finds every parameter by torchvision's name and shape", () => {
    expect([...parameters.initialised, ...parameters.unused()]).toEqual([])
  })

  describe.each(golden.batches)("for the batch of $sizes", (batch) => {
    const features = () => parts.backbone.trainable(parts.backbone.frozen(goldenImages(kind, batch)))

    test("has torchvision's features, RPN outputs and anchors", () => {
      tf.tidy(() => {
        const maps = features()
        expectSampled(maps, batch.features[0]!)
        const { logits, deltas } = parts.rpn.apply(maps)
        expectSampled(logits, batch.logits[0]!)
        expectSampled(deltas, batch.deltas[0]!)
        expectSampled(tf.tensor1d(gridAnchors([maps.shape[1], maps.shape[2]], options.anchors)), batch.anchors)
      })
    })

    test.each(["train", "test"] as const)("proposes torchvision's regions in its order (%s)", (when) => {
      const expected = when === "train" ? batch.training.proposals : batch.proposals
      tf.tidy(() => {
        const maps = features()
        const { logits, deltas } = parts.rpn.apply(maps)
        const grid = gridAnchors([maps.shape[1], maps.shape[2]], options.anchors)
        batch.sizes.forEach((size, n) => {
          const own = (values: tf.Tensor) => tf.slice(values, n, 1).dataSync<"float32">()
          expectBoxes(proposeBoxes(grid, own(logits), own(deltas), size, options.proposals[when]), expected[n]!)
        })
      })
    })

    test("pools torchvision's regions and says the same of them", () => {
      const boxes = Float32Array.from(batch.proposals.flat())
      const images = Int32Array.from(batch.proposals.flatMap((own, n) => new Array(own.length / 4).fill(n)))
      tf.tidy(() => {
        const pooled = roiAlign(features(), boxes, images, options.anchors.stride, options.align)
        expectSampled(pooled, batch.pooled)
        const vectors = parts.regions.apply(pooled)
        expectSampled(tf.reshape(vectors, [-1]), batch.vectors)
        const { logits, deltas } = parts.predictor.apply(vectors)
        expectSampled(tf.reshape(logits, [-1]), batch.classLogits)
        expectSampled(tf.reshape(deltas, [-1]), batch.boxDeltas)
      })
    })

    test("detects what torchvision detects, in its order", () => {
      const found = tf.tidy(() => detector.detect(goldenImages(kind, batch), batch.sizes))
      batch.detections.forEach(({ boxes, scores, labels }, n) => {
        expect([...found[n]!.labels]).toEqual(labels)
        expectClose(found[n]!.scores, scores, 1e-4)
        expectBoxes(found[n]!.boxes, boxes)
      })
    })

    test("learns from torchvision's anchors and regions when the same are drawn", () => {
      const maps = batch.features[0]!.shape
      const grid = gridAnchors([maps[1]!, maps[2]!], options.anchors)
      goldenTruths(batch).forEach((image, n) => {
        const truth = trainingTruths(image, "exclude")
        const anchors = rpnTargets(grid, truth.boxes, truth.crowds, options.rpn, firstOnes)
        const expected = batch.training.anchors[n]!
        expect([...anchors.positives]).toEqual(expected.positives)
        expect([...anchors.negatives]).toEqual(expected.negatives)
        expectClose(anchors.deltas, expected.deltas, 1e-4)
        const proposals = Float32Array.from(batch.training.proposals[n]!)
        const regions = roiTargets(proposals, truth, truth.crowds, options.roi, firstOnes)
        const { boxes, labels, deltas } = batch.training.regions[n]!
        expectBoxes(regions.boxes, boxes)
        expect([...regions.labels]).toEqual(labels)
        expectClose(regions.deltas, deltas, 1e-4)
      })
    })

    test("has torchvision's losses and their gradients", () => {
      const { losses, gradients } = batch.training
      const names = Object.keys(gradients)
      tf.tidy(() => {
        const stem = detector.frozenFeatures(goldenImages(kind, batch))
        const found: Record<string, tf.Scalar> = detector.losses(stem, goldenTruths(batch), firstOnes)
        for (const [name, value] of Object.entries(losses)) expectClose(found[name]!.dataSync(), [value], 1e-4)
        const total = () => tf.addN(Object.values(detector.losses(stem, goldenTruths(batch), firstOnes))) as tf.Scalar
        const { grads } = tf.variableGrads(
          total,
          names.map((name) => parameters.get(name)!.variable),
        )
        for (const name of names) expectGradient(grads[parameters.get(name)!.variable.name]!, gradients[name]!)
      })
    })
  })
})

function expectGradient(actual: tf.Tensor, expected: GoldenDetector["batches"][number]["features"][number]): void {
  expect(actual.shape).toEqual(expected.shape)
  expectSampled(tf.reshape(actual, [-1]), { ...expected, shape: [actual.size] })
}
