import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { noGrad } from "../../../src/engine/no-grad.js"
import { gatherRows } from "../../../src/engine/ops/gather-rows.js"
import { onAwaitedEngines } from "../../support/engines.js"

await onAwaitedEngines("gatherRows", () => {
  test("takes rows, and their gradients add up where they came from", async () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ])
    const rows = Int32Array.of(2, 0, 2)
    expect([...(await gatherRows(x, rows).data())]).toEqual([5, 6, 1, 2, 5, 6])
    const weights = tf.tensor2d([
      [1, 10],
      [2, 20],
      [3, 30],
    ])
    const slopes = tf.grad((x) => tf.sum(tf.mul(gatherRows(x as tf.Tensor2D, rows), weights)))(x)
    expect([...(await slopes.data())]).toEqual([2, 20, 0, 0, 4, 40, 0, 0])
  })

  test("leaves no tensor behind", () => {
    const x = tf.ones([4, 2])
    const step = () => tf.tidy(() => void tf.grad((x) => tf.sum(gatherRows(x as tf.Tensor2D, Int32Array.of(1, 1))))(x))
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })
})

await onAwaitedEngines("noGrad", () => {
  test("hands its result on; the tape sees nothing of it, and its tensors are gone", async () => {
    const x = tf.variable(tf.scalar(3))
    let inside = 0
    const loss = () => {
      const before = tf.memory().numTensors
      const told = noGrad(() => {
        const square = tf.square(x)
        inside = tf.memory().numTensors - before
        return square.shape.length
      })
      expect(told).toBe(0)
      expect(tf.memory().numTensors).toBe(before)
      return tf.mul(x, 5) as tf.Scalar
    }
    const { grads } = tf.variableGrads(loss, [x as tf.Variable])
    expect([...(await grads[x.name]!.data())]).toEqual([5])
    expect(inside).toBeGreaterThan(0)
    x.dispose()
  })
})
