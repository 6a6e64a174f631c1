import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { BoxPredictor } from "../../src/roi/head.js"
import { onEveryEngine } from "../support/engines.js"

onEveryEngine("BoxPredictor", () => {
  test("that knows no classes says one box for all, and learns from whichever is asked for", () => {
    const parameters = new Parameters(seededRandom(1))
    const predictor = new BoxPredictor(new Scope(parameters), { channels: 3, numClasses: 2, classAgnostic: true })
    const weight = parameters.get("bbox_pred.weight")!.variable
    expect(weight.shape).toEqual([3, 4])
    tf.tidy(() => {
      const vectors = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3])
      const { logits, deltas } = predictor.apply(vectors)
      expect([logits.shape, deltas.shape]).toEqual([
        [2, 3],
        [2, 12],
      ])
      const own = tf.matMul(vectors, weight as tf.Tensor2D).arraySync() as number[][]
      expect(deltas.arraySync()).toEqual(own.map((box) => [...box, ...box, ...box]))
      // Class 2 of the first region and class 1 of the second.
      const asked = () => tf.sum(tf.gather(tf.reshape(predictor.apply(vectors).deltas, [-1, 4]), [2, 4])) as tf.Scalar
      const gradient = tf.variableGrads(asked, [weight]).grads[weight.name]!
      expect(gradient.arraySync()).toEqual([5, 7, 9].map((sum) => [sum, sum, sum, sum]))
    })
    parameters.dispose()
  })

  test("has a box for each class otherwise", () => {
    const parameters = new Parameters(seededRandom(1))
    const predictor = new BoxPredictor(new Scope(parameters), { channels: 3, numClasses: 2 })
    expect(parameters.get("bbox_pred.weight")!.variable.shape).toEqual([3, 12])
    tf.tidy(() => {
      const [first, second] = tf.split(predictor.apply(tf.ones([1, 3])).deltas, 3, 1)
      expect(first!.dataSync()).not.toEqual(second!.dataSync())
    })
    parameters.dispose()
  })
})
