import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current } from "../kernels.js"
import { nativeOp } from "../native/op.js"

/**
 * Some rows of a tensor, as `tf.gather`, which on native TensorFlow would read the indices back to check them. The gradient
 * adds up what comes back for each.
 * @param x `[R, ...]` float32
 * @param rows `[M]` int32 of 0..R-1, repeats allowed
 * @returns `[M, ...]`
 */
export function takeRows<T extends tf.Tensor>(x: T, rows: tf.Tensor1D): T {
  const count = x.shape[0]!
  const take = tf.customGrad((from, save) => {
    ;(save as tf.GradSaveFunc)([rows])
    return {
      value: current(takes)(from as tf.Tensor, rows),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.unsortedSegmentSum(dy, saved as tf.Tensor1D, count),
    }
  })
  return take(x) as T
}

const byGather = (x: tf.Tensor, rows: tf.Tensor1D): tf.Tensor => tf.gather(x, rows)

const types = {
  Tparams: { type: "float32" },
  Tindices: { type: "int32" },
  Taxis: { type: "int32" },
  batch_dims: 0,
} as const

const takes: ByEngine<typeof byGather> = {
  tensorflow: (x, rows) => nativeOp("GatherV2", [x, rows, tf.scalar(0, "int32")], types),
  wasm: byGather,
  webgpu: byGather,
}
