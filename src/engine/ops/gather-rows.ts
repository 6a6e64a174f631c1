import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current } from "../kernels.js"
import { runShader } from "../webgpu/shader.js"
import { takeRows } from "./take-rows.js"

/**
 * Some rows of a matrix; the gradient adds up, in the order of `rows`, what comes back for each.
 * @param x `[R, C]` float32
 * @param rows `[M]` of 0..R-1, repeats allowed
 * @param tensor of the rows, where there is one
 * @returns `[M, C]`
 */
export function gatherRows(x: tf.Tensor2D, rows: Int32Array, tensor?: tf.Tensor1D): tf.Tensor2D {
  const count = x.shape[0]
  const gather = tf.customGrad((matrix, save) => {
    const places = tensor ?? tf.tensor1d(rows, "int32")
    ;(save as tf.GradSaveFunc)([places])
    return {
      value: takeRows(matrix as tf.Tensor, places),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        current(addRows)(dy as tf.Tensor2D, saved as tf.Tensor1D, rows, count),
    }
  })
  return gather(x) as tf.Tensor2D
}

/** `[M, C]` to `[R, C]`. */
type AddRows = (dy: tf.Tensor2D, places: tf.Tensor1D, rows: Int32Array, count: number) => tf.Tensor

const segmentSum: AddRows = (dy, places, _, count) => tf.unsortedSegmentSum(dy, places, count)

const addRows: ByEngine<AddRows> = { tensorflow: segmentSum, wasm: segmentSum, webgpu: addRowsInOrder }

/** WebGPU's own sum adds in an order of chance. Here each row of the result goes through the list of those that reach it. */
function addRowsInOrder(dy: tf.Tensor2D, _: tf.Tensor1D, rows: Int32Array, count: number): tf.Tensor {
  const starts = new Int32Array(count + 1)
  for (const row of rows) starts[row + 1]!++
  for (let row = 0; row < count; row++) starts[row + 1]! += starts[row]!
  const next = starts.slice()
  const sources = new Int32Array(rows.length)
  for (const [source, row] of rows.entries()) sources[next[row]!++] = source
  const inputs = { dy, starts: tf.tensor1d(starts, "int32"), sources: tf.tensor1d(sources, "int32") }
  return runShader({ name: "resdetAddRows", inputs, shape: [count, dy.shape[1]], code })
}

const code = `
  fn main(index : i32) {
    if (index < uniforms.size) {
      let place = getCoordsFromIndex(index);
      var sum = 0.0;
      for (var k = i32(getStarts(place[0])); k < i32(getStarts(place[0] + 1)); k++) {
        sum += getDy(i32(getSources(k)), place[1]);
      }
      setOutputAtIndex(index, sum);
    }
  }
`
