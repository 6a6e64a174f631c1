import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { boxLossDefaults } from "../../src/boxes/box-loss.js"
import { regionGoals, roiLosses } from "../../src/roi/loss.js"
import type { RoiTargets } from "../../src/roi/targets.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { readGolden } from "../support/golden-detector.js"

interface Golden {
  readonly labels: readonly number[]
  readonly logits: readonly number[]
  readonly cases: readonly {
    readonly weights: readonly number[] | null
    readonly loss: number
    readonly gradient: readonly number[]
  }[]
}
const { labels, logits, cases } = readGolden<Golden>("class-weights")
const none = new Float32Array(0)
const targetsOf = (own: readonly number[]): RoiTargets => ({
  boxes: new Float32Array(4 * own.length),
  labels: Int32Array.from(own),
  truths: none,
  deltas: none,
})
/** The regions of two images, and behind each image's two that do not count. */
const targets = [targetsOf(labels.slice(0, 5)), targetsOf(labels.slice(5))]
const perImage = [7, 5]
const rows = [0, 1, 2, 3, 4, 7, 8, 9]

function lossAndGradient(weights?: readonly number[]) {
  const values = new Float32Array(4 * 12).fill(3)
  for (const [at, row] of rows.entries()) values.set(logits.slice(4 * at, 4 * at + 4), 4 * row)
  return tf.tidy(() => {
    const goals = regionGoals(targets, perImage, weights)
    const classifier = (x: tf.Tensor2D) =>
      roiLosses({ logits: x, deltas: tf.zeros([12, 16]) }, goals, boxLossDefaults).loss_classifier
    const x = tf.tensor2d(values, [12, 4])
    const { value, grad } = tf.valueAndGrad((given: tf.Tensor) => classifier(given as tf.Tensor2D))(x)
    return { loss: value.dataSync<"float32">(), gradient: grad.dataSync<"float32">() }
  })
}

onEveryEngine("the loss of classes with weights", () => {
  test.each(cases)("$weights is torch's, and so is its gradient", ({ weights, loss, gradient }) => {
    const made = lossAndGradient(weights ?? undefined)
    expectClose(made.loss, [loss])
    expectClose(
      rows.flatMap((row) => [...made.gradient.subarray(4 * row, 4 * row + 4)]),
      gradient,
    )
    const others = made.gradient.filter((_, at) => !rows.includes(Math.floor(at / 4)))
    expect([...others]).toEqual(new Array(others.length).fill(0))
  })

  test("is bit for bit the usual one where all weights are 1", () => {
    expect(lossAndGradient([1, 1, 1, 1])).toEqual(lossAndGradient())
  })
})
