import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { seededRandom } from "../../../src/core/random.js"
import { stemPool } from "../../../src/engine/ops/max-pool.js"
import { onAwaitedEngines } from "../../support/engines.js"

const random = seededRandom(8)
/** Many zeros, as behind a ReLU, so that windows have several maxima. */
const draw = (length: number) => Float32Array.from({ length }, () => Math.max(0, random.normal()))
type Shape = [count: number, rows: number, columns: number, channels: number]
const shapes: Shape[] = [
  [1, 6, 8, 3],
  [2, 7, 5, 4],
  [1, 1, 2, 1],
  [2, 9, 12, 16],
]

/** Window by window, by the definition; of equal values the first in reading order takes the gradient. */
function naive([count, rows, columns, channels]: Shape, x: Float32Array, dy: Float32Array) {
  const [high, wide] = [Math.ceil(rows / 2), Math.ceil(columns / 2)]
  const y: number[] = []
  const dx = new Float32Array(x.length)
  for (let n = 0; n < count; n++)
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++)
        for (let c = 0; c < channels; c++) {
          let [best, where] = [0, -1]
          for (let r = 2 * row - 1; r <= 2 * row + 1; r++)
            for (let k = 2 * column - 1; k <= 2 * column + 1; k++) {
              if (r < 0 || k < 0 || r >= rows || k >= columns) continue
              const at = ((n * rows + r) * columns + k) * channels + c
              if (x[at]! > best) [best, where] = [x[at]!, at]
            }
          if (where >= 0) dx[where]! += dy[y.length]!
          y.push(best)
        }
  return { y, dx, shape: [count, high, wide, channels] as Shape }
}

await onAwaitedEngines("stemPool", () => {
  test.each(shapes)("takes the maxima of [%i, %i, %i, %i], and its gradient goes to them", async (...shape) => {
    const x = draw(shape.reduce((product, side) => product * side, 1))
    const count = naive(shape, x, x).y.length
    const dy = Float32Array.from({ length: count }, (_, i) => i + 1)
    const expected = naive(shape, x, dy)
    const input = tf.tensor4d(x, shape)
    const run = (x4: tf.Tensor) => stemPool(x4 as tf.Tensor4D)
    expect(run(input).shape).toEqual(expected.shape)
    expect(Array.from(await run(input).data())).toEqual(expected.y)
    const dx = tf.grad(run)(input, tf.tensor4d(dy, expected.shape))
    // Where a whole window is zero the gradient may go to any of its pixels: a ReLU below stops it.
    const behindRelu = Array.from(await dx.data(), (value, i) => (x[i]! > 0 ? value : 0))
    expect(behindRelu).toEqual(Array.from(expected.dx))
  })

  test("no tensor is left behind", () => {
    const x = tf.tensor4d(draw(96), [1, 6, 8, 2])
    const step = () =>
      tf.tidy(() => {
        tf.grad((x4) => stemPool(x4 as tf.Tensor4D))(x)
      })
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })
})
