import * as tf from "@tensorflow/tfjs-core"
import { float32, nativeOp } from "../native/op.js"

/**
 * Some rows of a tensor, by indices that native TensorFlow has computed itself: tfjs's own gather would read them to check
 * them, for which a GPU would have to be waited for. It leaves nothing on the gradient tape.
 * @param x `[R, ...]` float32; with `batched` `[N, R, ...]`
 * @param rows `[M]` int32 of 0..R-1, which nobody checks; with `batched` `[N, M]`, of each N its own
 * @returns `[M, ...]`; with `batched` `[N, M, ...]`
 */
export function gatherOnDevice(x: tf.Tensor, rows: tf.Tensor, { batched = false } = {}): tf.Tensor {
  const axis = batched ? 1 : 0
  const types = { Tparams: float32, Tindices: { type: "int32" }, Taxis: { type: "int32" } } as const
  const at = tf.scalar(axis, "int32")
  const gathered = nativeOp("GatherV2", [x, rows, at], { batch_dims: axis, ...types })
  at.dispose()
  return gathered
}
