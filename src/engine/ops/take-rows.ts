import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current } from "../kernels.js"
import { nativeOp } from "../native/op.js"

/**
 * Some rows of a tensor, as `tf.gather`, which on native TensorFlow would read the indices back to check them. The gradient
 * adds up what comes back for each.
 * @param x `[R, ...]` float32, or with `axis` 1 `[Q, R, ...]`
 * @param rows `[M]` int32 of 0..R-1, repeats allowed
 * @returns `[M, ...]`, or with `axis` 1 `[Q, M, ...]`
 */
export function takeRows<T extends tf.Tensor>(x: T, rows: tf.Tensor1D, axis: 0 | 1 = 0): T {
  const count = x.shape[axis]!
  const take = tf.customGrad((from, save) => {
    ;(save as tf.GradSaveFunc)([rows])
    return {
      value: current(takes)(from as tf.Tensor, rows, axis),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        rowsFirst(tf.unsortedSegmentSum(rowsFirst(dy, axis), saved as tf.Tensor1D, count), axis),
    }
  })
  return take(x) as T
}

/** Changes the first two axes with each other where the rows are the second; done twice it is undone. */
function rowsFirst(x: tf.Tensor, axis: 0 | 1): tf.Tensor {
  const [first, second, ...others] = x.shape.keys()
  return axis === 0 ? x : tf.transpose(x, [second!, first!, ...others])
}

const byGather = (x: tf.Tensor, rows: tf.Tensor1D, axis: number): tf.Tensor => tf.gather(x, rows, axis)

const types = {
  Tparams: { type: "float32" },
  Tindices: { type: "int32" },
  Taxis: { type: "int32" },
  batch_dims: 0,
} as const

const takes: ByEngine<typeof byGather> = {
  tensorflow: (x, rows, axis) => nativeOp("GatherV2", [x, rows, tf.scalar(axis, "int32")], types),
  wasm: byGather,
  webgpu: byGather,
}
