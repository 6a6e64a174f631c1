import * as tf from "@tensorflow/tfjs-core"
import { type Geometry, nativeGeometry } from "./convolution.js"
import { float32, isNative, isNativeGpu, nativeOp } from "./native-op.js"

/** The gradients of a convolution, each computed only when it is called. */
export function convolutionGradients(dy: tf.Tensor4D, x: tf.Tensor4D, filter: tf.Tensor4D, geometry: Geometry) {
  return {
    x: () => inputGradient(dy, x.shape, filter, geometry),
    filter: () => filterGradient(dy, x, filter.shape, geometry),
    bias: () => biasGradient(dy),
  }
}

type Shape4D = tf.Tensor4D["shape"]

function inputGradient(dy: tf.Tensor4D, shape: Shape4D, filter: tf.Tensor4D, geometry: Geometry): tf.Tensor4D {
  const { stride, padding } = geometry
  if (!isNative()) {
    return tf
      .engine()
      .runKernel(
        "Conv2DBackpropInput",
        { dy, filter },
        { strides: stride, pad: padding, dataFormat: "NHWC", dimRoundingMode: "floor", inputShape: shape },
      ) as tf.Tensor4D
  }
  const [height, width] = filter.shape
  // A stride that skips pixels leaves most of the gradient 0, and a GPU has its own fast kernel.
  if (isNativeGpu() || stride > Math.min(height, width) || padding >= Math.min(height, width)) {
    const sizes = tf.tensor1d(shape, "int32")
    const sides = [padding, padding, padding, padding] as const
    return nativeOp("Conv2DBackpropInput", [sizes, filter, dy], nativeGeometry(stride, sides)) as tf.Tensor4D
  }
  return inputGradientAsConvolution(dy, shape, filter, geometry)
}

/**
 * The input gradient as a forward convolution, which TensorFlow's CPU runs up to six times faster than
 * Conv2DBackpropInput. Input row i gets `dy[o] * filter[k]` for every `i + padding = stride * o + k`. With
 * `i + padding = stride * q + r` and `k = stride * j + r` that is a convolution over j, giving `stride` rows r for each q;
 * DepthToSpace puts them in line.
 */
function inputGradientAsConvolution(
  dy: tf.Tensor4D,
  [, rows, columns, channels]: Shape4D,
  filter: tf.Tensor4D,
  { stride, padding }: Geometry,
): tf.Tensor4D {
  const [height, width, , out] = filter.shape
  const taps = [Math.ceil(height / stride), Math.ceil(width / stride)] as const
  const skipped = Math.floor(padding / stride)
  const offset = padding - skipped * stride
  const steps = [Math.ceil((rows + offset) / stride), Math.ceil((columns + offset) / stride)] as const
  const before = [taps[0] - 1 - skipped, taps[1] - 1 - skipped] as const
  // dy's last rows may lie beyond the last input row that any window saw.
  const after = [steps[0] - dy.shape[1] + skipped, steps[1] - dy.shape[2] + skipped] as const
  const even = tf.pad(filter, [
    [0, taps[0] * stride - height],
    [0, taps[1] * stride - width],
    [0, 0],
    [0, 0],
  ])
  const split = tf.reshape(even, [taps[0], stride, taps[1], stride, channels * out])
  const turned = tf.reshape(tf.reverse(split, [0, 2]), [taps[0], stride, taps[1], stride, channels, out])
  const byTap = tf.transpose(turned, [0, 2, 5, 1, 3, 4])
  const reversed: tf.Tensor4D = tf.reshape(byTap, [taps[0], taps[1], out, stride * stride * channels])
  const sides = [before[0], after[0], before[1], after[1]] as const
  const maps = nativeOp("Conv2D", [dy, reversed], nativeGeometry(1, sides)) as tf.Tensor4D
  if (stride === 1) return maps
  const spread = tf.depthToSpace(maps, stride, "NHWC")
  const exact = offset === 0 && spread.shape[1] === rows && spread.shape[2] === columns
  return exact ? spread : tf.slice(spread, [0, offset, offset, 0], [-1, rows, columns, -1])
}

function filterGradient(dy: tf.Tensor4D, x: tf.Tensor4D, shape: Shape4D, { stride, padding }: Geometry): tf.Tensor4D {
  if (isNative()) {
    const sizes = tf.tensor1d(shape, "int32")
    const sides = [padding, padding, padding, padding] as const
    return nativeOp("Conv2DBackpropFilter", [x, sizes, dy], nativeGeometry(stride, sides)) as tf.Tensor4D
  }
  return filterGradientAsProducts(dy, x, shape, { stride, padding })
}

/** The filter gradient as one matrix product a tap, for an engine without Conv2DBackpropFilter. */
function filterGradientAsProducts(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  [height, width, channels, out]: Shape4D,
  { stride, padding }: Geometry,
): tf.Tensor4D {
  const [count, rows, columns] = dy.shape
  const sides: [number, number] = [padding, padding]
  const framed = padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]])
  const right = tf.reshape(dy, [-1, out]) as tf.Tensor2D
  const taps: tf.Tensor2D[] = []
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const end = [count, row + (rows - 1) * stride + 1, column + (columns - 1) * stride + 1, channels]
      const seen = tf.stridedSlice(framed, [0, row, column, 0], end, [1, stride, stride, 1])
      taps.push(tf.matMul(tf.reshape(seen, [-1, channels]) as tf.Tensor2D, right, true, false))
      seen.dispose()
    }
  }
  return tf.reshape(tf.stack(taps), [height, width, channels, out])
}

function biasGradient(dy: tf.Tensor4D): tf.Tensor1D {
  if (!isNative()) return tf.sum(dy, [0, 1, 2])
  return nativeOp("BiasAddGrad", [dy], { T: float32, data_format: "NHWC" }) as tf.Tensor1D
}
