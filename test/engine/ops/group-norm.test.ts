import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { seededRandom } from "../../../src/core/random.js"
import { groupNorm, groupNormDefaults } from "../../../src/engine/ops/group-norm.js"
import { expectClose } from "../../support/close.js"
import { onAwaitedEngines } from "../../support/engines.js"

const random = seededRandom(8)
const draw = (length: number) => Float32Array.from({ length }, () => 2 + random.normal())
const [count, pixels, channels, groups] = [2, 12, 6, 3] as const
const shape: [number, number, number, number] = [count, 3, 4, channels]
const size = count * pixels * channels

/** By the definition, group by group, in double precision. */
function naive(x: Float32Array, scale: Float32Array, offset: Float32Array, dy: Float32Array) {
  const [y, dx, dScale, dOffset] = [size, size, channels, channels].map((length) => new Float64Array(length))
  for (let n = 0; n < count; n++)
    for (let g = 0; g < groups; g++) {
      const at: number[] = []
      for (let p = 0; p < pixels; p++) for (const c of [2 * g, 2 * g + 1]) at.push((n * pixels + p) * channels + c)
      const mean = (value: (i: number) => number) => at.reduce((sum, i) => sum + value(i), 0) / at.length
      const mu = mean((i) => x[i]!)
      const deviation = Math.sqrt(mean((i) => (x[i]! - mu) ** 2) + groupNormDefaults.epsilon)
      const normal = (i: number) => (x[i]! - mu) / deviation
      const inner = (i: number) => dy[i]! * scale[i % channels]!
      const [a, b] = [mean(inner), mean((i) => inner(i) * normal(i))]
      for (const i of at) {
        y![i] = normal(i) * scale[i % channels]! + offset[i % channels]!
        dx![i] = (inner(i) - a - normal(i) * b) / deviation
        dScale![i % channels]! += dy[i]! * normal(i)
        dOffset![i % channels]! += dy[i]!
      }
    }
  return { y: y!, dx: dx!, dScale: dScale!, dOffset: dOffset! }
}

await onAwaitedEngines("groupNorm", () => {
  test("normalises each image's groups of channels, and its gradients follow the chain rule", async () => {
    const [x, scale, offset, dy] = [draw(size), draw(channels), draw(channels), draw(size)]
    const expected = naive(x, scale, offset, dy)
    const run = (...[x4, scale1, offset1]: tf.Tensor[]) =>
      groupNorm(x4 as tf.Tensor4D, scale1 as tf.Tensor1D, offset1 as tf.Tensor1D, groups)
    const inputs = [tf.tensor(x, shape), tf.tensor1d(scale), tf.tensor1d(offset)]
    expectClose(await run(...inputs).data(), expected.y)
    const [dx, dScale, dOffset] = tf.grads(run)(inputs, tf.tensor(dy, shape))
    expectClose(await dx!.data(), expected.dx, 1e-4)
    expectClose(await dScale!.data(), expected.dScale)
    expectClose(await dOffset!.data(), expected.dOffset)
  })

  test("one image's result does not depend on the others", async () => {
    const x = draw(size)
    const both = groupNorm(tf.tensor4d(x, shape), tf.ones([6]), tf.zeros([6]), groups)
    const alone = groupNorm(tf.tensor4d(x.slice(size / 2), [1, 3, 4, 6]), tf.ones([6]), tf.zeros([6]), groups)
    expectClose(await alone.data(), (await both.data()).slice(size / 2))
  })

  test("no tensor is left behind", () => {
    const x = tf.tensor4d(draw(size), shape)
    const step = () =>
      tf.tidy(() => {
        tf.grad((x4) => groupNorm(x4 as tf.Tensor4D, tf.ones([6]), tf.zeros([6]), groups))(x)
      })
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })

  test("channels that the groups do not divide are named", () => {
    expect(() => groupNorm(tf.zeros([1, 2, 2, 48]), tf.ones([48]), tf.zeros([48]))).toThrow(
      "groupNorm: expected a number of channels that 32 groups divide, got 48",
    )
  })
})
