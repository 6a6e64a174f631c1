import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { concatFloat32 } from "../../src/boxes/boxes.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { assemble, buildLayers, type DetectorLayers, detectorOptions } from "../../src/detector/build.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import { trainingTruths } from "../../src/detector/truths.js"
import { alignOnLevels } from "../../src/roi/levels.js"
import { roiTargets } from "../../src/roi/targets.js"
import { levelAnchors } from "../../src/rpn/anchors.js"
import { proposeBoxes } from "../../src/rpn/proposals.js"
import { rpnTargets } from "../../src/rpn/targets.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import {
  expectBoxes,
  expectSampled,
  fixedChoice,
  type GoldenBatch,
  type GoldenDetector,
  goldenConfig,
  goldenImages,
  goldenTruths,
  goldenWeights,
  readGolden,
  type Sampled,
} from "../support/golden-detector.js"

describe.each(["c4", "dc5", "fpn", "fpn_v2"] as const)("a %s detector with torchvision's weights", (kind) => {
  const golden = readGolden<GoldenDetector>(kind)
  const config = goldenConfig(kind, golden)
  const options = detectorOptions(config)
  const weights = goldenWeights(kind, golden)

  onEveryEngine("which runs", () => {
    let parameters: Parameters
    let layers: DetectorLayers
    let detector: FasterRcnn

    beforeAll(() => {
      parameters = new Parameters(seededRandom(0), weights)
      layers = buildLayers(parameters, config, golden.classes)
      detector = assemble(layers, options)
    })
    afterAll(() => parameters.dispose())

    test("finds every parameter by torchvision's name and shape", () => {
      expect([...parameters.initialised, ...parameters.unused()]).toEqual([])
    })

    describe.each(golden.batches)("for the batch of $sizes", (batch) => {
      const stem = () => layers.backbone.frozen!(goldenImages(kind, batch))
      const features = () => layers.backbone.features(stem())
      // The running statistics stay as they are, for the tests to come.
      const trainingFeatures = () => layers.backbone.train!(stem(), () => {})

      test("has torchvision's features, RPN outputs and anchors", () => {
        tf.tidy(() => {
          const levels = features()
          const { logits, deltas } = layers.rpnHead.apply(levels)
          const anchors = levelAnchors(levelSizes(batch), options.anchors)
          expectSampled(tf.tensor1d(concatFloat32(anchors)), batch.anchors)
          expect(levels).toHaveLength(batch.features.length)
          let from = 0
          for (const [level, expected] of batch.features.entries()) {
            expectSampled(levels[level]!, expected)
            const count = anchors[level]!.length / 4
            const ofLevel = (said: tf.Tensor, { shape }: Sampled) =>
              tf.reshape(tf.slice(said, [0, from], [-1, count]), [...shape])
            expectSampled(ofLevel(logits, batch.logits[level]!), batch.logits[level]!)
            expectSampled(ofLevel(deltas, batch.deltas[level]!), batch.deltas[level]!)
            from += count
          }
          expect(logits.shape[1]).toBe(from)
        })
      })

      test.each(["train", "test"] as const)("proposes torchvision's regions in its order (%s)", (when) => {
        const expected = when === "train" ? batch.training.proposals : batch.proposals
        tf.tidy(() => {
          const levels = when === "train" ? trainingFeatures() : features()
          const { logits, deltas } = layers.rpnHead.apply(levels)
          const grid = levelAnchors(levelSizes(batch), options.anchors)
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
          const pooled = alignOnLevels(features(), boxes, images, layers.backbone.strides, options.align)
          expectSampled(pooled, batch.pooled)
          const vectors = layers.boxHead.apply(pooled)
          expectSampled(tf.reshape(vectors, [-1]), batch.vectors)
          const { logits, deltas } = layers.predictor.apply(vectors)
          expectSampled(tf.reshape(logits, [-1]), batch.classLogits)
          expectSampled(tf.reshape(deltas, [-1]), batch.boxDeltas)
        })
      })

      test("detects what torchvision detects, in its order", async () => {
        const found = await detector.detect(goldenImages(kind, batch), batch.sizes)
        batch.detections.forEach(({ boxes, scores, labels }, n) => {
          expect([...found[n]!.labels]).toEqual(labels)
          expectClose(found[n]!.scores, scores, 1e-4)
          expectBoxes(found[n]!.boxes, boxes)
        })
      })

      test("learns from torchvision's anchors and regions when the same are drawn", () => {
        const grid = concatFloat32(levelAnchors(levelSizes(batch), options.anchors))
        goldenTruths(batch).forEach((image, n) => {
          const truth = trainingTruths(image, "exclude")
          const anchors = rpnTargets(grid, truth.boxes, truth.crowds, options.rpn, fixedChoice)
          const expected = batch.training.anchors[n]!
          expect([...anchors.positives]).toEqual(expected.positives)
          expect([...anchors.negatives]).toEqual(expected.negatives)
          expectClose(anchors.deltas, expected.deltas, 1e-4)
          const proposals = Float32Array.from(batch.training.proposals[n]!)
          const regions = roiTargets(proposals, truth, truth.crowds, options.roi, fixedChoice)
          const { boxes, labels, deltas } = batch.training.regions[n]!
          expectBoxes(regions.boxes, boxes)
          expect([...regions.labels]).toEqual(labels)
          expectClose(regions.deltas, deltas, 1e-4)
        })
      })

      test("has torchvision's losses and their gradients", async () => {
        const { losses, gradients } = batch.training
        const names = Object.keys(gradients)
        const prepared = await detector.prepare(goldenImages(kind, batch), goldenTruths(batch))
        tf.tidy(() => {
          const found = new Map<string, number>()
          const total = () => {
            const parts = Object.entries(detector.losses(prepared, fixedChoice))
            for (const [name, loss] of parts) found.set(name, loss.dataSync()[0]!)
            return tf.addN(parts.map(([, loss]) => loss)) as tf.Scalar
          }
          const { grads } = keepingStatistics(parameters, () =>
            tf.variableGrads(
              total,
              names.map((name) => parameters.get(name)!.variable),
            ),
          )
          expect([...found.keys()].sort()).toEqual(Object.keys(losses).sort())
          for (const [name, value] of Object.entries(losses)) expectClose([found.get(name)!], [value], 1e-4)
          for (const name of names) expectGradient(grads[parameters.get(name)!.variable.name]!, gradients[name]!)
        })
      })
    })
  })
})

/** Does work that moves running statistics, and puts them back, for the tests to come. */
function keepingStatistics<Result>(parameters: Parameters, work: () => Result): Result {
  const statistics = [...parameters].filter(({ kind }) => kind === "statistic")
  const before = statistics.map(({ variable }) => tf.clone(variable))
  const result = work()
  for (const [i, { variable }] of statistics.entries()) variable.assign(before[i]!)
  return result
}

/** `[height, width]` of each level. */
const levelSizes = ({ features }: GoldenBatch) => features.map(({ shape }) => [shape[1]!, shape[2]!] as const)

function expectGradient(actual: tf.Tensor, expected: Sampled): void {
  expect(actual.shape).toEqual(expected.shape)
  expectSampled(tf.reshape(actual, [-1]), { ...expected, shape: [actual.size] })
}
