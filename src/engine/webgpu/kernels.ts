import * as tf from "@tensorflow/tfjs-core"
import { type Kernel, type KernelCall, replaceKernel } from "../kernels.js"
import { convFilterGradient } from "../ops/convolution/gradient-products.js"

/** Mends what the WebGPU backend of tfjs 4.22 gets wrong. Calling it again changes nothing. */
export function registerWebGpuKernels(): void {
  if (registered) return
  registered = true
  for (const [name, wrap] of Object.entries(mended)) replaceKernel("webgpu", name, wrap)
}

let registered = false

const mended: Readonly<Record<string, (original: Kernel) => Kernel>> = {
  /** Binds as many buffers as there are tensors, and gives 0 where those are more than a shader may have. */
  AddN: (original) => (call) => {
    const tensors = Object.values(call.inputs) as tf.Tensor[]
    if (tensors.length <= inputsAtOnce) return original(call)
    return tf.tidy(() => {
      const sums: tf.Tensor[] = []
      for (let from = 0; from < tensors.length; from += inputsAtOnce) {
        sums.push(tf.addN(tensors.slice(from, from + inputsAtOnce)))
      }
      return tf.addN(sums)
    })
  },

  /** Has no buffer to bind where there is nothing to add. */
  Sum: (original) => (call) => {
    const x = call.inputs.x as tf.Tensor
    if (x.size > 0) return original(call)
    const { axis, keepDims } = call.attrs as unknown as { axis: number[]; keepDims: boolean }
    const axes = tf.util.parseAxisParam(axis, x.shape)
    const shape = x.shape.flatMap((side, at) => (axes.includes(at) ? (keepDims ? [1] : []) : [side]))
    return tf.zeros(shape, x.dtype as "float32")
  },

  /** Takes the number of boxes for that of images: the boxes of a later image come out as whatever was in memory. */
  CropAndResize: (original) => (call) => {
    const { image, boxes, boxInd } = call.inputs as { image: tf.Tensor4D; boxes: tf.Tensor2D; boxInd: tf.Tensor1D }
    const count = boxes.shape[0]
    const lacking = image.shape[0] - count
    if (lacking <= 0) return original(call)
    return tf.tidy(() => {
      const inputs = {
        image,
        boxes: tf.concat([boxes, tf.zeros([lacking, 4])]),
        boxInd: tf.pad(boxInd, [[0, lacking]]),
      }
      const crops = tf.engine().makeTensorFromTensorInfo(original({ ...call, inputs }) as tf.TensorInfo)
      return tf.slice(crops, [0, 0, 0, 0], [count, ...crops.shape.slice(1)])
    })
  },

  /** Adds the parts of long sums in the order in which the GPU gets to them, so that no run could be repeated. */
  BatchMatMul: (original) => (call) => (isSplit(call) ? inSmallTiles(() => original(call)) : original(call)),

  /** Takes two to three times as long as matrix products: each value of the filter walks over all maps alone. */
  Conv2DBackpropFilter:
    () =>
    ({ inputs, attrs }) => {
      const { strides, pad, filterShape } = attrs as unknown as FilterAttributes
      const [x, dy] = [inputs.x as tf.Tensor4D, inputs.dy as tf.Tensor4D]
      return convFilterGradient(x, dy, tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad))
    },
}

/** A shader may have eight buffers, of which it writes one: WebGPU promises no more, and tfjs asks for no more. */
const inputsAtOnce = 7

interface FilterAttributes {
  readonly strides: number
  readonly pad: tf.backend_util.ExplicitPadding
  readonly filterShape: [number, number, number, number]
}

/** Whether the backend might divide a product's sums: few tiles of 32 x 32 values, each a long sum, of one product. */
function isSplit({ inputs, attrs }: KernelCall): boolean {
  const { a, b } = inputs as { a: tf.Tensor; b: tf.Tensor }
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean }
  const [rows, length] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!]
  const columns = b.shape.at(transposeB ? -2 : -1)!
  const tiles = Math.ceil(rows / 32) * Math.ceil(columns / 32)
  return a.size === rows * length && length >= 2000 && tiles <= 32 && rows * columns > 128
}

/** The backend's `MatMulSmallOutputSizeProgram`. */
const smallTiles = 2

function inSmallTiles<Result>(run: () => Result): Result {
  const flag = "WEBGPU_MATMUL_PROGRAM_TYPE"
  const before = tf.env().getNumber(flag)
  tf.env().set(flag, smallTiles)
  try {
    return run()
  } finally {
    tf.env().set(flag, before)
  }
}
