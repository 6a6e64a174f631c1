import * as tf from "@tensorflow/tfjs-core"
import { addKernel, replaceKernel } from "../kernels.js"
import { convFilterGradient, convInputGradient } from "../ops/convolution/gradient-products.js"

/**
 * Gives the WebAssembly backend the kernels that training needs and it lacks (the gradient of a convolution for its
 * filter, the gradient of a gather), and faster ones for two it has: the gradient of a convolution for its input, and
 * products of transposed matrices; and a right one for the gradient of a max pool. Calling it again changes nothing.
 */
export function registerWasmKernels(): void {
  if (tf.getKernel("Conv2DBackpropFilter", "wasm")) return
  addKernel("wasm", "Conv2DBackpropFilter", ({ inputs, attrs }) => {
    const { strides, pad, filterShape, dimRoundingMode } = attrs as unknown as ConvAttributes
    const x = inputs.x as tf.Tensor4D
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode)
    return convFilterGradient(x, inputs.dy as tf.Tensor4D, info)
  })
  replaceKernel("wasm", "Conv2DBackpropInput", (original) => (call) => {
    const { strides, pad, inputShape, dimRoundingMode } = call.attrs as unknown as ConvAttributes
    const filter = call.inputs.filter as tf.Tensor4D
    const info = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad, dimRoundingMode)
    const beyond = info.padInfo.top >= info.filterHeight || info.padInfo.left >= info.filterWidth
    return beyond ? original(call) : convInputGradient(call.inputs.dy as tf.Tensor4D, filter, info)
  })
  // The backend multiplies transposed matrices in a plain loop: 920 ms where transposing first takes 96 ms.
  replaceKernel("wasm", "BatchMatMul", (original) => (call) => {
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean }
    if (!transposeA && !transposeB) return original(call)
    const { a, b } = call.inputs as { a: tf.Tensor; b: tf.Tensor }
    return tf.tidy(() => tf.matMul(transposeA ? turned(a) : a, transposeB ? turned(b) : b))
  })
  // The backend's own gives no gradient to a window whose largest value is not positive.
  replaceKernel("wasm", "MaxPoolGrad", () => ({ inputs, attrs }) => {
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as ConvAttributes
    const [input, dy] = [inputs.input as tf.Tensor4D, inputs.dy as tf.Tensor4D]
    const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, dimRoundingMode)
    const gradient = maxPoolGradient(input.dataSync<"float32">(), dy.dataSync<"float32">(), info)
    return tf.tensor4d(gradient, input.shape)
  })
  addKernel("wasm", "UnsortedSegmentSum", ({ inputs, attrs }) =>
    segmentSum(inputs.x as tf.Tensor, inputs.segmentIds as tf.Tensor1D, (attrs as { numSegments: number }).numSegments),
  )
}

type Rounding = "floor" | "round" | "ceil"
type Shape4 = [number, number, number, number]
interface ConvAttributes {
  readonly strides: [number, number] | number
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding
  readonly filterShape: Shape4
  readonly inputShape: Shape4
  readonly filterSize: [number, number] | number
  readonly dimRoundingMode?: Rounding
}

function turned(matrices: tf.Tensor): tf.Tensor {
  const { rank } = matrices
  const order = Array.from({ length: rank }, (_, axis) => axis)
  order.splice(rank - 2, 2, rank - 1, rank - 2)
  return tf.transpose(matrices, order)
}

/** Adds row i of `x` to row `segments[i]` of the result, in order; a negative segment is left out. */
function segmentSum(x: tf.Tensor, segments: tf.Tensor1D, count: number): tf.Tensor {
  const [values, rows] = [x.dataSync(), segments.dataSync()]
  const width = x.size === 0 ? 0 : x.size / rows.length
  const sums = x.dtype === "int32" ? new Int32Array(count * width) : new Float32Array(count * width)
  rows.forEach((row, index) => {
    if (row >= count) throw new Error(`unsortedSegmentSum: expected segments in 0..${count - 1}, got ${row}`)
    if (row < 0) return
    for (let at = 0; at < width; at++) sums[row * width + at] = sums[row * width + at]! + values[index * width + at]!
  })
  const shape = [count, ...x.shape.slice(segments.rank)]
  return width === 0 ? tf.zeros(shape, x.dtype as "float32" | "int32") : tf.tensor(sums, shape, x.dtype)
}

/**
 * The gradient of a max pool for its input: each window's gradient goes to its first largest value.
 * @param input [N, H, W, C]
 * @param dy [N, h, w, C]
 * @returns [N, H, W, C]
 */
function maxPoolGradient(input: Float32Array, dy: Float32Array, info: tf.backend_util.Conv2DInfo): Float32Array {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info
  const dx = new Float32Array(input.length)
  const rowStep = inWidth * inChannels
  let out = 0
  for (let image = 0; image < batchSize; image++) {
    const base = image * inHeight * rowStep
    for (let y = 0; y < outHeight; y++) {
      const top = y * strideHeight - padInfo.top
      const [firstRow, endRow] = [Math.max(0, top), Math.min(inHeight, top + info.effectiveFilterHeight)]
      for (let x = 0; x < outWidth; x++) {
        const left = x * strideWidth - padInfo.left
        const [firstColumn, endColumn] = [Math.max(0, left), Math.min(inWidth, left + info.effectiveFilterWidth)]
        for (let channel = 0; channel < inChannels; channel++, out++) {
          let largest = Number.NEGATIVE_INFINITY
          let at = -1
          for (let row = firstRow; row < endRow; row++) {
            for (let column = firstColumn; column < endColumn; column++) {
              const index = base + row * rowStep + column * inChannels + channel
              if (input[index]! > largest) {
                largest = input[index]!
                at = index
              }
            }
          }
          if (at >= 0) dx[at] = dx[at]! + dy[out]!
        }
      }
    }
  }
  return dx
}
