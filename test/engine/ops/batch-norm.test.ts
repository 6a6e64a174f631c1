import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { seededRandom } from "../../../src/core/random.js"
import { batchNormEpsilon, batchNormOfBatch } from "../../../src/engine/ops/batch-norm.js"
import { expectClose } from "../../support/close.js"
import { onAwaitedEngines } from "../../support/engines.js"

const random = seededRandom(6)
const draw = (length: number) => Float32Array.from({ length }, () => 2 + random.normal())
const shape = [3, 5, 4, 6] as const
const channels = 6
const count = 60

/** By the definition, channel by channel, in double precision; gradients by the chain rule written out. */
function naive(x: Float32Array, scale: Float32Array, offset: Float32Array, dy: Float32Array) {
  const y = new Float64Array(x.length)
  const dx = new Float64Array(x.length)
  const [mean, variance, dScale, dOffset] = Array.from({ length: 4 }, () => new Float64Array(channels))
  for (let c = 0; c < channels; c++) {
    const at = Array.from({ length: count }, (_, i) => i * channels + c)
    const total = (value: (i: number) => number) => at.reduce((sum, i) => sum + value(i), 0)
    const mu = total((i) => x[i]!) / count
    const biased = total((i) => (x[i]! - mu) ** 2) / count
    const deviation = Math.sqrt(biased + batchNormEpsilon)
    const normal = (i: number) => (x[i]! - mu) / deviation
    mean![c] = mu
    variance![c] = (biased * count) / (count - 1)
    dOffset![c] = total((i) => dy[i]!)
    dScale![c] = total((i) => dy[i]! * normal(i))
    for (const i of at) {
      y[i] = normal(i) * scale[c]! + offset[c]!
      dx[i] = (scale[c]! / deviation) * (dy[i]! - dOffset![c]! / count - (normal(i) * dScale![c]!) / count)
    }
  }
  return { y, mean: mean!, variance: variance!, dx, dScale: dScale!, dOffset: dOffset! }
}

await onAwaitedEngines("batchNormOfBatch", () => {
  test("normalises each channel over the batch, and its gradients follow the chain rule", async () => {
    const [x, scale, offset, dy] = [draw(360), draw(channels), draw(channels), draw(360)]
    const expected = naive(x, scale, offset, dy)
    const inputs = [tf.tensor(x, [...shape]), tf.tensor1d(scale), tf.tensor1d(offset)]
    const run = (...[x4, scale1, offset1]: tf.Tensor[]) =>
      batchNormOfBatch(x4 as tf.Tensor4D, scale1 as tf.Tensor1D, offset1 as tf.Tensor1D)
    const { y, mean, variance } = run(...inputs)
    expectClose(await y.data(), expected.y)
    expectClose(await mean.data(), expected.mean)
    expectClose(await variance.data(), expected.variance)
    const [dx, dScale, dOffset] = tf.grads((...all) => run(...all).y)(inputs, tf.tensor(dy, [...shape]))
    expectClose(await dx!.data(), expected.dx, 1e-4)
    expectClose(await dScale!.data(), expected.dScale)
    expectClose(await dOffset!.data(), expected.dOffset)
  })

  test("with ReLU nothing below zero passes, forward or back", async () => {
    const [x, scale, offset, dy] = [draw(360), draw(channels), draw(channels).map((value) => value - 2), draw(360)]
    const { y } = naive(x, scale, offset, dy)
    const masked = dy.map((value, i) => (y[i]! > 0 ? value : 0))
    const expected = naive(x, scale, offset, masked)
    const inputs = [tf.tensor(x, [...shape]), tf.tensor1d(scale), tf.tensor1d(offset)]
    const run = (...[x4, scale1, offset1]: tf.Tensor[]) =>
      batchNormOfBatch(x4 as tf.Tensor4D, scale1 as tf.Tensor1D, offset1 as tf.Tensor1D, { relu: true }).y
    expectClose(
      await run(...inputs).data(),
      y.map((value) => Math.max(value, 0)),
    )
    const [dx, dScale, dOffset] = tf.grads(run)(inputs, tf.tensor(dy, [...shape]))
    expectClose(await dx!.data(), expected.dx, 1e-4)
    expectClose(await dScale!.data(), expected.dScale)
    expectClose(await dOffset!.data(), expected.dOffset)
  })

  test.each([false, true])(
    "moves running statistics by the momentum (ReLU %s), and the gradients stay",
    async (relu) => {
      const [x, scale, offset, dy] = [draw(360), draw(channels), draw(channels), draw(360)]
      const [mean, variance] = [draw(channels), draw(channels)]
      const batch = naive(x, scale, offset, dy)
      const running = { mean: tf.tensor1d(mean), variance: tf.tensor1d(variance), momentum: 0.3 }
      const run = (x4: tf.Tensor, running1?: typeof running) =>
        batchNormOfBatch(x4 as tf.Tensor4D, tf.tensor1d(scale), tf.tensor1d(offset), {
          relu,
          ...(running1 && { running: running1 }),
        })
      const x4 = tf.tensor(x, [...shape])
      const moved = run(x4, running)
      expectClose(
        await moved.mean.data(),
        batch.mean.map((value, c) => 0.7 * mean[c]! + 0.3 * value),
      )
      expectClose(
        await moved.variance.data(),
        batch.variance.map((value, c) => 0.7 * variance[c]! + 0.3 * value),
      )
      expect(await moved.y.data()).toEqual(await run(x4).y.data())
      const gradient = async (running1?: typeof running) =>
        await tf
          .grad((x1) => run(x1, running1).y)(x4, tf.tensor(dy, [...shape]))
          .data()
      expect(await gradient(running)).toEqual(await gradient())
    },
  )

  test("no tensor is left behind", () => {
    const x = tf.tensor(draw(360), [...shape])
    const step = () =>
      tf.tidy(() => {
        tf.grad((x4) => batchNormOfBatch(x4 as tf.Tensor4D, tf.ones([6]), tf.zeros([6])).y)(x)
      })
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })
})
