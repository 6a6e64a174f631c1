import * as tf from "@tensorflow/tfjs-core"
import { type Geometry, nativeGeometry } from "./convolution.js"
import { float32, isNative, nativeOp } from "./native-op.js"

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
  const [count, rows, columns, channels] = shape
  const framed = !paddingIsSame(shape, filter.shape, geometry)
  const frame = framed ? 2 * padding : 0
  const sizes = tf.tensor1d([count, rows + frame, columns + frame, channels], "int32")
  const dx = nativeOp("Conv2DBackpropInput", [sizes, filter, dy], fastGeometry(stride, framed)) as tf.Tensor4D
  return frame === 0 ? dx : tf.slice(dx, [0, padding, padding, 0], shape)
}

function filterGradient(dy: tf.Tensor4D, x: tf.Tensor4D, shape: Shape4D, geometry: Geometry): tf.Tensor4D {
  if (!isNative()) return filterGradientAsProducts(dy, x, shape, geometry)
  const framed = !paddingIsSame(x.shape, shape, geometry)
  const sizes = tf.tensor1d(shape, "int32")
  const source = framed ? frameWithZeros(x, geometry.padding) : x
  return nativeOp("Conv2DBackpropFilter", [source, sizes, dy], fastGeometry(geometry.stride, framed)) as tf.Tensor4D
}

/**
 * Attributes without explicit paddings: with them TensorFlow's CPU gradients leave the oneDNN kernels and take two to
 * five times as long. Where SAME does not mean our padding, the image is framed with zeros instead.
 */
const fastGeometry = (stride: number, framed: boolean) => ({
  ...nativeGeometry(stride, 0),
  padding: framed ? "VALID" : "SAME",
})

/** Whether TensorFlow's SAME puts exactly `padding` zeros on each side and gives our output size. */
function paddingIsSame([, rows, columns]: Shape4D, [height, width]: Shape4D, { stride, padding }: Geometry): boolean {
  return [
    [rows, height],
    [columns, width],
  ].every(([size, window]) => {
    const out = Math.ceil(size! / stride)
    const total = Math.max((out - 1) * stride + window! - size!, 0)
    return total === 2 * padding && out === Math.floor((size! + 2 * padding - window!) / stride) + 1
  })
}

function frameWithZeros(x: tf.Tensor4D, padding: number): tf.Tensor4D {
  const sides: [number, number] = [padding, padding]
  return padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]])
}

/** The filter gradient as one matrix product a tap, for an engine without Conv2DBackpropFilter. */
function filterGradientAsProducts(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  [height, width, channels, out]: Shape4D,
  { stride, padding }: Geometry,
): tf.Tensor4D {
  const [count, rows, columns] = dy.shape
  const framed = frameWithZeros(x, padding)
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
