import * as tf from "@tensorflow/tfjs-core"
import { holdScratch, registerOp } from "../kernels.js"

/** @source torch.nn.GroupNorm: eps; Wu and He 2018 "Group normalization": 32 groups */
export const groupNormDefaults = { groups: 32, epsilon: 1e-5 } as const

/**
 * Normalises each image's channels in groups: `(x - mean) / sqrt(variance + epsilon) * scale + offset`, mean and biased
 * variance over a group's channels and all its pixels.
 * @param x `[N, H, W, C]` float32
 * @param scale `[C]`
 * @param offset `[C]`
 * @throws Error when C is not a multiple of the number of groups
 */
export function groupNorm(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  groups: number = groupNormDefaults.groups,
): tf.Tensor4D {
  if (x.shape[3] % groups !== 0) {
    throw new Error(`groupNorm: expected a number of channels that ${groups} groups divide, got ${x.shape[3]}`)
  }
  const [y] = tf.engine().runKernel(GROUP_NORM, { x, scale, offset }, { groups }) as tf.Tensor[]
  return y as tf.Tensor4D
}

const GROUP_NORM = "ResdetGroupNorm"

registerOp(GROUP_NORM, (inputs, attributes) => {
  const { x, scale, offset } = inputs as { x: tf.Tensor4D; scale: tf.Tensor1D; offset: tf.Tensor1D }
  const { groups } = attributes as { groups: number }
  return tf.tidy(() => {
    const channels = x.shape[3]
    const mean = groupMean(sumOfPixels(x), groups, x)
    const centred = tf.sub(x, spread(mean, channels))
    const variance = groupMean(sumOfPixels(tf.square(centred)), groups, x)
    const inverse = tf.rsqrt(tf.add(variance, groupNormDefaults.epsilon))
    const factor = tf.mul(spread(inverse, channels), scale)
    const y = tf.add(tf.mul(centred, factor), offset)
    return [y, mean, inverse]
  })
})

/**
 * With n the normalised x, m values a group, `A = sum(scale dy) / m` and `B = sum(scale dy n) / m` over a group:
 * `dx = inverse (scale dy - A - n B)`, which is `dy p + x q + r` with p a value a channel and q, r a value a group.
 */
tf.registerGradient({
  kernelName: GROUP_NORM,
  inputsToSave: ["x", "scale"],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [dy] = dys as [tf.Tensor4D]
    const [x, scale, mean, inverse] = saved as [tf.Tensor4D, tf.Tensor1D, tf.Tensor3D, tf.Tensor3D]
    const { groups } = attrs as unknown as { groups: number }
    const channels = x.shape[3]
    const parts = tf.tidy(() => {
      const sums = sumOfPixels(dy)
      const meanByChannel = spread(mean, channels)
      const inverseByChannel = spread(inverse, channels)
      const products = tf.mul(tf.sub(sumOfPixels(tf.mul(dy, x)), tf.mul(meanByChannel, sums)), inverseByChannel)
      const a = groupMean(tf.mul(sums, scale), groups, x)
      const b = groupMean(tf.mul(products, scale), groups, x)
      const slope = tf.neg(tf.mul(tf.square(inverse), b))
      const rest = tf.sub(tf.neg(tf.mul(inverse, a)), tf.mul(mean, slope))
      return {
        dScale: tf.sum(products, [0, 1, 2]),
        dOffset: tf.sum(sums, [0, 1, 2]),
        ofDy: tf.mul(inverseByChannel, scale),
        ofX: spread(slope, channels),
        rest: spread(rest, channels),
      }
    })
    holdScratch(...Object.values(parts))
    return {
      x: () => tf.add(tf.add(tf.mul(dy, parts.ofDy), tf.mul(x, parts.ofX)), parts.rest),
      scale: () => parts.dScale.clone(),
      offset: () => parts.dOffset.clone(),
    }
  },
})

/** `[N, H, W, C]` summed to `[N, 1, 1, C]`. */
const sumOfPixels = (x: tf.Tensor): tf.Tensor => tf.sum(x, [1, 2], true)

/** Sums by channel `[N, 1, 1, C]` to means by group `[N, G, 1]`, over the pixels of `maps` too. */
function groupMean(sums: tf.Tensor, groups: number, maps: tf.Tensor4D): tf.Tensor {
  const [count, height, width, channels] = maps.shape
  const size = (channels / groups) * height * width
  return tf.div(tf.sum(tf.reshape(sums, [count, groups, channels / groups]), 2, true), size)
}

/** Values by group `[N, G, 1]` to values by channel `[N, 1, 1, C]`. */
function spread(values: tf.Tensor, channels: number): tf.Tensor {
  const [count, groups] = values.shape as [number, number]
  return tf.reshape(tf.tile(values, [1, 1, channels / groups]), [count, 1, 1, channels])
}
