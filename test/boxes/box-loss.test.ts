import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import {
  type BoxGoals,
  type BoxLossOptions,
  boxLoss,
  boxLossDefaults,
  boxLossOptions,
  boxTargets,
} from "../../src/boxes/box-loss.js"
import { type CoderWeights, encodeBoxes, roiCoderWeights, rpnCoderWeights } from "../../src/boxes/coder.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { readGolden } from "../support/golden-detector.js"

interface Golden {
  readonly references: readonly (readonly number[])[]
  readonly truths: readonly (readonly number[])[]
  readonly cases: readonly {
    readonly coder: "rpn" | "roi"
    readonly type: BoxLossOptions["type"]
    readonly beta: number
    readonly said: readonly number[]
    readonly loss: number
    readonly gradient: readonly number[]
  }[]
}
const golden = readGolden<Golden>("box-loss")
const references = Float32Array.from(golden.references.flat())
const truths = Float32Array.from(golden.truths.flat())
/** As `boxLoss`, with the goals of all rows as arrays. */
const lossOf = (
  predictions: tf.Tensor2D,
  goals: Omit<BoxGoals, "rows">,
  coder: CoderWeights,
  options: BoxLossOptions,
): tf.Scalar => {
  const rows = Array.from({ length: predictions.shape[0] }, (_, row) => row)
  return tf.tidy(() => boxLoss(predictions, boxTargets({ rows, ...goals }, rows.length), coder, options))
}
const coders = { rpn: rpnCoderWeights, roi: roiCoderWeights }

onEveryEngine("boxLoss", () => {
  test.each(golden.cases)(
    "of type $type, beta $beta for the $coder is torchvision's, and so is its gradient",
    (one) => {
      const { said, loss, gradient, type, beta } = one
      const coder = coders[one.coder]
      const goals = { deltas: encodeBoxes(truths, references, coder), references, truths }
      const options = boxLossOptions("box", { type, beta })
      tf.tidy(() => {
        const deltas = tf.tensor2d([...said], [said.length / 4, 4])
        const run = (x: tf.Tensor) => lossOf(x as tf.Tensor2D, goals, coder, options)
        expectClose(run(deltas).dataSync(), [loss])
        // Where the delta is the goal, float32 is to either side of the kink.
        expectClose(tf.grad(run)(deltas).dataSync().subarray(0, -4), gradient.slice(0, -4), 1e-4)
      })
    },
  )

  test("GIoU takes the empty third between two boxes beside each other off their IoU of 0", () => {
    const goals = {
      deltas: Float32Array.of(2, 0, 0, 0),
      references: Float32Array.of(0, 0, 10, 10),
      truths: Float32Array.of(20, 0, 30, 10),
    }
    const loss = lossOf(tf.zeros([1, 4]), goals, rpnCoderWeights, boxLossOptions("box", { type: "giou" }))
    expect(loss.dataSync()[0]).toBeCloseTo(1 - (0 - 1 / 3), 6)
  })

  describe.each(["smooth_l1", "l1", "giou"] as const)("of type %s", (type) => {
    const options = boxLossOptions("box", { type })
    const none = { deltas: new Float32Array(0), references: new Float32Array(0), truths: new Float32Array(0) }
    const deltas = encodeBoxes(truths, references, roiCoderWeights)
    const goals = { deltas, references, truths }

    test("is 0 for right deltas and for none, and a multiple of the weight for wrong ones", () => {
      tf.tidy(() => {
        const right = tf.tensor2d(deltas, [5, 4])
        expect(lossOf(right, goals, roiCoderWeights, options).dataSync()[0]).toBeCloseTo(0, 5)
        expect(lossOf(tf.zeros([0, 4]), none, roiCoderWeights, options).dataSync()[0]).toBe(0)
        const wrong = tf.zeros<tf.Rank.R2>([5, 4])
        const [once, thrice] = [1, 3].map((weight) => lossOf(wrong, goals, roiCoderWeights, { ...options, weight }))
        expect(once!.dataSync()[0]).toBeGreaterThan(0.1)
        expect(thrice!.dataSync()[0]! / once!.dataSync()[0]!).toBeCloseTo(3, 5)
      })
    })

    test("leaves no tensor behind", () => {
      const said: tf.Tensor2D = tf.zeros([5, 4])
      const before = tf.memory().numTensors
      tf.grad((x) => lossOf(x as tf.Tensor2D, goals, roiCoderWeights, options))(said).dispose()
      expect(tf.memory().numTensors).toBe(before)
      said.dispose()
    })
  })
})

test("unknown types and numbers below 0 are refused where they stand", () => {
  expect(boxLossOptions("detector.rpn.loss", { beta: 0 })).toEqual({ ...boxLossDefaults, beta: 0 })
  expect(() => boxLossOptions("detector.rpn.loss", { type: "ciou" as never })).toThrow(
    'detector.rpn.loss: expected type to be smooth_l1, l1 or giou, got "ciou"',
  )
  expect(() => boxLossOptions("detector.roi.loss", { beta: -1 })).toThrow(
    "detector.roi.loss: expected beta to be a number, 0 or more, got -1",
  )
})
