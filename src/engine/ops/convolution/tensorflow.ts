import * as tf from "@tensorflow/tfjs-core"
import { float32, hasOneDnn, nativeOp } from "../../native/op.js"
import { processorFlags } from "../../native/processor.js"
import { isRecordingBf16 } from "../../native/recorder.js"
import type { ConvolutionMethod, Geometry, Shape4D } from "./convolution.js"
import { convFilterGradient } from "./gradient-products.js"

export const tensorflow: ConvolutionMethod = {
  forward({ x, filter, bias }, geometry, relu) {
    const { stride, padding } = geometry
    // Of no maps oneDNN's kernel gives as many cells and channels as there were.
    if (x.shape[0] === 0) return tf.zeros(shapeOf(x.shape, filter.shape, geometry))
    const maps =
      !isRecordingBf16() && isProduct(filter.shape, geometry)
        ? pixelProduct(x, filter)
        : (nativeOp("Conv2D", [x, filter], attributes(stride, paddings(padding))) as tf.Tensor4D)
    const sum = bias ? (nativeOp("BiasAdd", [maps, bias], { T: float32, data_format: "NHWC" }) as tf.Tensor4D) : maps
    return relu ? tf.relu(sum) : sum
  },

  inputGradient(dy, shape, filter, geometry) {
    const { stride, padding } = geometry
    const asProduct = isProduct(filter.shape, geometry) ? productInputGradient(dy, filter) : null
    if (asProduct) return asProduct
    const [count, rows, columns, channels] = shape
    const framed = !paddingIsSame(shape, filter.shape, geometry)
    const frame = framed ? 2 * padding : 0
    const sizes = tf.tensor1d([count, rows + frame, columns + frame, channels], "int32")
    const inputs = [sizes, filter, dy]
    const dx = nativeOp("Conv2DBackpropInput", inputs, attributes(stride, sameOrValid(framed))) as tf.Tensor4D
    return frame === 0 ? dx : tf.slice(dx, [0, padding, padding, 0], shape)
  },

  filterGradient(dy, x, shape, geometry) {
    const { stride, padding } = geometry
    if (isProduct(shape, geometry)) return productFilterGradient(dy, x)
    if (isFasterByTaps(x.shape, geometry)) {
      return convFilterGradient(x, dy, tf.backend_util.computeConv2DInfo(x.shape, shape, stride, 1, padding))
    }
    const framed = !paddingIsSame(x.shape, shape, geometry)
    const inputs = [framed ? frameWithZeros(x, padding) : x, tf.tensor1d(shape, "int32"), dy]
    return nativeOp("Conv2DBackpropFilter", inputs, attributes(stride, sameOrValid(framed))) as tf.Tensor4D
  },

  // Of rows: beside the filter's gradient of the same maps a function's optimizer would make one kernel of both, which adds up
  // in another order.
  biasGradient: (dy) => nativeOp("BiasAddGrad", [rows(dy)], { T: float32, data_format: "NHWC" }) as tf.Tensor1D,
}

function shapeOf([count, ...sides]: Shape4D, [height, width, , out]: Shape4D, { stride, padding }: Geometry): Shape4D {
  const along = (axis: 0 | 1, kernel: number) => Math.floor((sides[axis] + 2 * padding - kernel) / stride) + 1
  return [count, along(0, height), along(1, width), out]
}

const attributes = <Padding extends object>(stride: number, padding: Padding) => ({
  T: float32,
  strides: [1, stride, stride, 1],
  dilations: [1, 1, 1, 1],
  data_format: "NHWC",
  ...padding,
})

const paddings = (padding: number) =>
  padding === 0
    ? { padding: "VALID", explicit_paddings: [] }
    : { padding: "EXPLICIT", explicit_paddings: [0, 0, padding, padding, padding, padding, 0, 0] }

/**
 * Not explicit paddings: with them TensorFlow's CPU gradients leave the oneDNN kernels and take two to five times as long.
 * Where SAME does not mean our padding, the image is framed with zeros instead.
 */
const sameOrValid = (framed: boolean) => ({ padding: framed ? "VALID" : "SAME", explicit_paddings: [] })

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

/*
 * A 1x1 convolution of stride 1 is a matrix product of all pixels with the filter, and so are its gradients. oneDNN's
 * products are faster than its convolutions there: the filter's gradient always, the rest where pixels are many. In a function
 * in bfloat16 the convolution is: only with it does TensorFlow's optimizer fuse bias, shortcut and ReLU.
 */

/** Whether a convolution is a product that should be computed as one. */
function isProduct([height, width]: Shape4D, { stride, padding }: Geometry): boolean {
  return height === 1 && width === 1 && stride === 1 && padding === 0 && hasOneDnn()
}

/** The convolution. `x` `[N, H, W, in]`, `filter` `[1, 1, in, out]` to `[N, H, W, out]`. */
function pixelProduct(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  return unfolded(product(rows(x), matrix(filter), {}), x.shape, filter.shape[3])
}

/** The gradient of its filter. */
function productFilterGradient(dy: tf.Tensor4D, x: tf.Tensor4D): tf.Tensor4D {
  const gradient = product(rows(x), rows(dy), { adj_x: true })
  return tf.reshape(gradient, [1, 1, x.shape[3], dy.shape[3]])
}

/** The gradient of its input, where the product is the faster way; else null. */
function productInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D | null {
  const [, , channels, out] = filter.shape
  if (dy.size / out < MANY * Math.max(channels, out)) return null
  return unfolded(product(rows(dy), matrix(filter), { adj_y: true }), dy.shape, channels)
}

/** From how many pixels a channel on the transposed filter's product is the faster. Measured on ResNet-50's layers. */
const MANY = 32

/**
 * Whether a filter's gradient comes faster from a product for each of its taps. oneDNN's own kernel does without AVX-512 a
 * half to a fifth of what its products do, where an image's maps are larger than a cache or the channels are many.
 */
function isFasterByTaps([, rows, columns, channels]: Shape4D, { stride }: Geometry): boolean {
  const isLarge = channels >= 512 || rows * columns * channels >= 2 ** 19
  return isLarge && stride === 1 && hasOneDnn() && hasAvx2Alone()
}

/** Whether the processor has AVX2 and no AVX-512; it is asked once. */
function hasAvx2Alone(): boolean {
  avx2Alone ??= ((flags) => flags.has("avx2") && !flags.has("avx512f"))(processorFlags())
  return avx2Alone
}

let avx2Alone: boolean | undefined

const rows = (maps: tf.Tensor4D): tf.Tensor2D => tf.reshape(maps, [-1, maps.shape[3]])

const matrix = (filter: tf.Tensor4D): tf.Tensor2D => tf.reshape(filter, [filter.shape[2], filter.shape[3]])

function unfolded(product: tf.Tensor, [count, height, width]: Shape4D, channels: number): tf.Tensor4D {
  return tf.reshape(product, [count, height, width, channels])
}

/** As fast as TensorFlow's MatMul, whose small products must not be hit by a signal: an addon that is not ours holds none. */
function product(a: tf.Tensor2D, b: tf.Tensor2D, transposed: { adj_x?: true; adj_y?: true }): tf.Tensor {
  return nativeOp("BatchMatMulV2", [a, b], { T: float32, adj_x: false, adj_y: false, ...transposed })
}
