import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current, holdScratch, registerOp } from "../kernels.js"
import { float32, hasOneDnn, nativeOps, oneDnnOps } from "../native/op.js"
import { reluGradient } from "./relu.js"

/** Added to the variance before the root. @source torchvision: BatchNorm2d's default */
export const batchNormEpsilon = 1e-5

export interface BatchNormOptions {
  /** Whether `max(., 0)` follows. */
  readonly relu?: boolean
  /** Running mean and variance `[C]`, and how much of them the batch's replace. */
  readonly running?: { readonly mean: tf.Tensor1D; readonly variance: tf.Tensor1D; readonly momentum: number }
}

/**
 * Batch normalisation with the batch's own statistics: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.
 * @param x `[N, H, W, C]` float32
 * @param scale `[C]`
 * @param offset `[C]`
 * @returns the maps, and mean and unbiased variance `[C]`, through which no gradient flows: the batch's own, or the
 * running ones moved towards them
 */
export function batchNormOfBatch(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  { relu = false, running }: BatchNormOptions = {},
) {
  const inputs = { x, scale, offset, ...(running && { mean: running.mean, variance: running.variance }) }
  const attributes = { momentum: running?.momentum ?? 1 }
  const outputs = tf.engine().runKernel(relu ? BATCH_NORM_RELU : BATCH_NORM, inputs, attributes) as tf.Tensor[]
  const [y, mean, variance] = outputs as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]
  return { y, mean, variance }
}

// Two kernels, so that the output is kept for the gradient only where a ReLU needs it.
const BATCH_NORM = "ResdetBatchNorm"
const BATCH_NORM_RELU = "ResdetBatchNormRelu"

const settings = {
  T: float32,
  U: float32,
  epsilon: { float: batchNormEpsilon },
  data_format: "NHWC",
  is_training: true,
} as const

interface Inputs {
  readonly x: tf.Tensor4D
  readonly scale: tf.Tensor
  readonly offset: tf.Tensor
  /** Absent where the batch's own statistics are wanted. */
  readonly mean?: tf.Tensor
  readonly variance?: tf.Tensor
}

interface BatchNormMethod {
  /** y, the mean and variance asked for, and what the gradient needs: mean, variance, and what cuDNN wants back. */
  forward(inputs: Inputs, momentum: number, relu: boolean): tf.Tensor[]
  /** The gradients of x, scale and offset. */
  gradient(dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor, reserved: readonly tf.Tensor[]): tf.Tensor[]
}

const tensorflow: BatchNormMethod = {
  forward({ x, scale, offset, mean, variance }, momentum, relu) {
    const nothing = tf.tensor1d([])
    const inputs = [x, scale, offset, mean ?? nothing, variance ?? nothing]
    const attributes = { ...settings, exponential_avg_factor: { float: momentum } }
    if (relu && hasOneDnn()) {
      const fused = { ...attributes, num_side_inputs: 0, activation_mode: "Relu" }
      return oneDnnOps("FusedBatchNormEx", inputs, fused, 6)
    }
    const [y, ...rest] = nativeOps("FusedBatchNormV3", inputs, attributes, 6)
    return [relu ? tf.relu(y!) : y!, ...rest]
  },
  gradient: (dy, x, scale, reserved) => nativeOps("FusedBatchNormGradV3", [dy, x, scale, ...reserved], settings, 5),
}

const portable: BatchNormMethod = {
  forward({ x, scale, offset, mean, variance }, momentum, relu) {
    const count = x.size / x.shape[3]
    const batchMean = tf.mean(x, [0, 1, 2])
    const centred = tf.sub(x, batchMean)
    const biased = tf.mean(tf.square(centred), [0, 1, 2])
    const std = tf.sqrt(tf.add(biased, batchNormEpsilon))
    const y = tf.add(tf.mul(centred, tf.div(scale, std)), offset)
    const unbiased = tf.mul(biased, count / Math.max(count - 1, 1))
    const moved = (running: tf.Tensor | undefined, batch: tf.Tensor) =>
      running ? tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum)) : batch.clone()
    return [relu ? tf.relu(y) : y, moved(mean, batchMean), moved(variance, unbiased), batchMean, biased, tf.scalar(0)]
  },
  gradient(dy, x, scale, reserved) {
    const [mean, variance] = reserved as [tf.Tensor, tf.Tensor]
    const axes = [0, 1, 2]
    const count = x.size / x.shape[3]!
    const inverse = tf.rsqrt(tf.add(variance, batchNormEpsilon))
    const normal = tf.mul(tf.sub(x, mean), inverse)
    const dOffset = tf.sum(dy, axes)
    const dScale = tf.sum(tf.mul(dy, normal), axes)
    const spread = tf.add(tf.div(dOffset, count), tf.mul(normal, tf.div(dScale, count)))
    const dx = tf.mul(tf.sub(dy, spread), tf.mul(inverse, scale))
    return [dx, dScale, dOffset]
  },
}

const methods: ByEngine<BatchNormMethod> = { tensorflow, wasm: portable, webgpu: portable }

for (const kernelName of [BATCH_NORM, BATCH_NORM_RELU]) {
  const relu = kernelName === BATCH_NORM_RELU
  registerOp(kernelName, (inputs, attributes) => {
    const { momentum } = attributes as { momentum: number }
    return tf.tidy(() => current(methods).forward(inputs as unknown as Inputs, momentum, relu))
  })
  tf.registerGradient({
    kernelName,
    inputsToSave: ["x", "scale"],
    outputsToSave: [relu, false, false, true, true, true],
    gradFunc: (dys, saved) => {
      const [dy] = dys as [tf.Tensor]
      const [x, scale, ...outputs] = saved as [tf.Tensor, tf.Tensor, ...tf.Tensor[]]
      const below = relu ? reluGradient(dy, outputs[0]!) : dy
      const all = tf.tidy(() => current(methods).gradient(below, x, scale, outputs.slice(-3)))
      holdScratch(...all)
      return { x: () => all[0]!.clone(), scale: () => all[1]!.clone(), offset: () => all[2]!.clone() }
    },
  })
}
