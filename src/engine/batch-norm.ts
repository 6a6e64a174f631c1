import * as tf from "@tensorflow/tfjs-core"
import { float32, isNative, nativeOps } from "./native-op.js"
import { holdScratch } from "./scratch.js"

/** Added to the variance before the root. @source torchvision: BatchNorm2d's default */
export const batchNormEpsilon = 1e-5

/**
 * Batch normalisation with the batch's own statistics: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.
 * @param x `[N, H, W, C]` float32
 * @param scale `[C]`
 * @param offset `[C]`
 * @returns the maps, and the batch's mean and unbiased variance `[C]`, through which no gradient flows
 */
export function batchNormOfBatch(x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D) {
  const [y, mean, variance] = tf.engine().runKernel(BATCH_NORM, { x, scale, offset }) as tf.Tensor[]
  return { y: y as tf.Tensor4D, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D }
}

const BATCH_NORM = "ResdetBatchNorm"
const settings = {
  T: float32,
  U: float32,
  epsilon: { float: batchNormEpsilon },
  data_format: "NHWC",
  is_training: true,
} as const

tf.registerKernel({
  kernelName: BATCH_NORM,
  backendName: "tensorflow",
  kernelFunc: ({ inputs }) => {
    const { x, scale, offset } = inputs as { x: tf.Tensor; scale: tf.Tensor; offset: tf.Tensor }
    return tf.tidy(() => {
      const nothing = tf.tensor1d([])
      const attributes = { ...settings, exponential_avg_factor: { float: 1 } }
      return nativeOps("FusedBatchNormV3", [x, scale, offset, nothing, nothing], attributes, 6)
    })
  },
})

tf.registerKernel({
  kernelName: BATCH_NORM,
  backendName: "wasm",
  kernelFunc: ({ inputs }) => {
    const { x, scale, offset } = inputs as { x: tf.Tensor4D; scale: tf.Tensor; offset: tf.Tensor }
    return tf.tidy(() => {
      const count = x.size / x.shape[3]
      const mean = tf.mean(x, [0, 1, 2])
      const centred = tf.sub(x, mean)
      const biased = tf.mean(tf.square(centred), [0, 1, 2])
      const deviation = tf.sqrt(tf.add(biased, batchNormEpsilon))
      const y = tf.add(tf.mul(centred, tf.div(scale, deviation)), offset)
      const unbiased = tf.mul(biased, count / Math.max(count - 1, 1))
      return [y, mean, unbiased, mean.clone(), biased, tf.scalar(0)]
    })
  },
})

tf.registerGradient({
  kernelName: BATCH_NORM,
  inputsToSave: ["x", "scale"],
  // TensorFlow's three reserve spaces: the mean, the variance, and what cuDNN wants back.
  outputsToSave: [false, false, false, true, true, true],
  gradFunc: (dys, saved) => {
    const [dy] = dys as tf.Tensor[]
    const [x, scale, mean, variance, reserve] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
    const all = isNative()
      ? nativeOps("FusedBatchNormGradV3", [dy!, x, scale, mean, variance, reserve], settings, 5)
      : gradientsOfParts(dy!, x, scale, mean, variance)
    holdScratch(...all)
    return { x: () => all[0]!.clone(), scale: () => all[1]!.clone(), offset: () => all[2]!.clone() }
  },
})

function gradientsOfParts(
  dy: tf.Tensor,
  x: tf.Tensor,
  scale: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
): tf.Tensor[] {
  return tf.tidy(() => {
    const axes = [0, 1, 2]
    const count = x.size / x.shape[3]!
    const inverse = tf.rsqrt(tf.add(variance, batchNormEpsilon))
    const normal = tf.mul(tf.sub(x, mean), inverse)
    const dOffset = tf.sum(dy, axes)
    const dScale = tf.sum(tf.mul(dy, normal), axes)
    const spread = tf.add(tf.div(dOffset, count), tf.mul(normal, tf.div(dScale, count)))
    const dx = tf.mul(tf.sub(dy, spread), tf.mul(inverse, scale))
    return [dx, dScale, dOffset]
  })
}
