import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current } from "../../kernels.js"
import { isOnCuda } from "../../native/op.js"
import { arrays } from "./arrays.js"
import { tables } from "./tables.js"
import { webgpu } from "./webgpu.js"

/** The cells of R regions' bins along both axes: `[R * bins * 2]`, each bin's first and the one behind its last. */
export interface RegionBins {
  readonly rows: Int32Array
  readonly columns: Int32Array
}

/**
 * The largest value of each bin of each region, channel by channel, 0 where a bin has no cell. The gradient goes to that
 * value, of equal ones to the first in reading order. None of the engines has such an operation: it is done in
 * plain arrays, by shaders of ours on WebGPU, and by tables of maxima on CUDA.
 * @param features `[N, H, W, C]` float32
 * @param images `[R]` which of the N maps a region is in
 * @param bins within the maps, as many of one region down as across
 * @returns `[R, bins, bins, C]` float32
 */
export function regionMaxima(features: tf.Tensor4D, images: Int32Array, bins: RegionBins): tf.Tensor4D {
  const maxima = tf.customGrad((map, save) => {
    const method = current(methods)()
    const { values, saved } = method.forward(map as tf.Tensor4D, images, bins)
    ;(save as tf.GradSaveFunc)(saved)
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      method.gradient(dy as tf.Tensor4D, saved, { shape: features.shape, images, bins })
    return { value: values, gradFunc }
  })
  return maxima(features) as tf.Tensor4D
}

export interface RegionMaxima {
  /** The values, and what the gradient needs. */
  forward(map: tf.Tensor4D, images: Int32Array, bins: RegionBins): { values: tf.Tensor4D; saved: tf.Tensor[] }
  gradient(dy: tf.Tensor4D, saved: readonly tf.Tensor[], given: Pooled): tf.Tensor4D
}

/** What was pooled: maps of `[N, H, W, C]`, and where. */
interface Pooled {
  readonly shape: tf.Tensor4D["shape"]
  readonly images: Int32Array
  readonly bins: RegionBins
}

const methods: ByEngine<() => RegionMaxima> = {
  tensorflow: () => (isOnCuda() ? tables : arrays),
  wasm: () => arrays,
  webgpu: () => webgpu,
}
