import * as tf from "@tensorflow/tfjs-core"
import { type Geometry, nativeGeometry, sides } from "./convolution.js"
import { float32, isNative, nativeOp } from "./native-op.js"
import { isProduct, productFilterGradient, productInputGradient } from "./pixel-product.js"

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
    const attributes = { ...wasmGeometry(geometry), inputShape: shape }
    return tf.engine().runKernel("Conv2DBackpropInput", { dy, filter }, attributes) as tf.Tensor4D
  }
  const asProduct = isProduct(filter.shape, geometry) ? productInputGradient(dy, filter) : null
  if (asProduct) return asProduct
  const [count, rows, columns, channels] = shape
  const framed = !paddingIsSame(shape, filter.shape, geometry)
  const frame = framed ? 2 * padding : 0
  const sizes = tf.tensor1d([count, rows + frame, columns + frame, channels], "int32")
  const dx = nativeOp("Conv2DBackpropInput", [sizes, filter, dy], fastGeometry(stride, framed)) as tf.Tensor4D
  return frame === 0 ? dx : tf.slice(dx, [0, padding, padding, 0], shape)
}

function filterGradient(dy: tf.Tensor4D, x: tf.Tensor4D, shape: Shape4D, geometry: Geometry): tf.Tensor4D {
  if (!isNative()) {
    const attributes = { ...wasmGeometry(geometry), filterShape: shape }
    return tf.engine().runKernel("Conv2DBackpropFilter", { x, dy }, attributes) as tf.Tensor4D
  }
  if (isProduct(shape, geometry)) return productFilterGradient(dy, x)
  const framed = !paddingIsSame(x.shape, shape, geometry)
  const sizes = tf.tensor1d(shape, "int32")
  const source = framed ? frameWithZeros(x, geometry.padding) : x
  return nativeOp("Conv2DBackpropFilter", [source, sizes, dy], fastGeometry(geometry.stride, framed)) as tf.Tensor4D
}

const wasmGeometry = ({ stride, padding }: Geometry) =>
  ({ strides: stride, pad: sides(padding), dataFormat: "NHWC" }) as const

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

function biasGradient(dy: tf.Tensor4D): tf.Tensor1D {
  if (!isNative()) return tf.sum(dy, [0, 1, 2])
  return nativeOp("BiasAddGrad", [dy], { T: float32, data_format: "NHWC" }) as tf.Tensor1D
}
