import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current, registerOp } from "../../kernels.js"
import { reluGradient } from "../relu.js"
import { dilated } from "./dilation.js"
import { wasm, webgpu } from "./portable.js"
import { tensorflow } from "./tensorflow.js"

export interface ConvolutionOptions {
  /** Pixels from one window to the next, in both directions. */
  readonly stride?: number
  /** Zeros on each of the four sides, as in PyTorch. */
  readonly padding?: number
  /** Cells from one value of a window to the next, in both directions; other than 1 with stride 1 only. */
  readonly dilation?: number
  /** Whether `max(., 0)` follows. */
  readonly relu?: boolean
}

const convolutionDefaults = { stride: 1, padding: 0, dilation: 1, relu: false } as const

/**
 * Convolution, bias and ReLU in one step of the tape. The gradient of an input is computed only when something trainable
 * lies behind it, so frozen filters and biases cost nothing.
 * @param x `[N, H, W, in]` float32
 * @param filter `[kh, kw, in, out]` float32
 * @param bias `[out]` float32
 * @returns `[N, floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1, ..., out]`
 * @throws Error when the channels do not fit, or for a dilated convolution with a stride
 */
export function convolution(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: ConvolutionOptions = {},
): tf.Tensor4D {
  if (x.shape[3] !== filter.shape[2]) {
    throw new Error(
      `convolution: expected ${filter.shape[2]} input channels for a filter [${filter.shape}], got x [${x.shape}]`,
    )
  }
  const { stride, padding, dilation, relu } = { ...convolutionDefaults, ...options }
  if (dilation !== 1) {
    if (stride !== 1) throw new Error(`convolution: expected stride 1 with dilation ${dilation}, got ${stride}`)
    return dilated(x, { dilation, padding }, (parts) => convolution(parts, filter, bias, { relu }))
  }
  const inputs = bias === null ? { x, filter } : { x, filter, bias }
  return tf.engine().runKernel(relu ? CONVOLUTION_RELU : CONVOLUTION, inputs, { stride, padding }) as tf.Tensor4D
}

export type Shape4D = tf.Tensor4D["shape"]

/** What the gradients need to know of a convolution. */
export interface Geometry {
  readonly stride: number
  readonly padding: number
}

interface ConvolutionInputs {
  readonly x: tf.Tensor4D
  readonly filter: tf.Tensor4D
  readonly bias?: tf.Tensor1D
}

/** How an engine computes a convolution and its gradients; each gradient only when it is asked for. */
export interface ConvolutionMethod {
  /** Convolution, bias and ReLU; may be called within `tf.tidy` only. */
  forward(inputs: ConvolutionInputs, geometry: Geometry, relu: boolean): tf.Tensor4D
  inputGradient(dy: tf.Tensor4D, shape: Shape4D, filter: tf.Tensor4D, geometry: Geometry): tf.Tensor4D
  filterGradient(dy: tf.Tensor4D, x: tf.Tensor4D, shape: Shape4D, geometry: Geometry): tf.Tensor4D
  biasGradient(dy: tf.Tensor4D): tf.Tensor1D
}

const methods: ByEngine<ConvolutionMethod> = { tensorflow, wasm, webgpu }

// Two kernels, so that the output is kept for the gradient only where a ReLU needs it.
const CONVOLUTION = "ResdetConvolution"
const CONVOLUTION_RELU = "ResdetConvolutionRelu"

for (const name of [CONVOLUTION, CONVOLUTION_RELU]) {
  const relu = name === CONVOLUTION_RELU
  registerOp(name, (inputs, attributes) =>
    tf.tidy(() => current(methods).forward(inputs as unknown as ConvolutionInputs, attributes as Geometry, relu)),
  )
  tf.registerGradient({
    kernelName: name,
    inputsToSave: ["x", "filter"],
    outputsToSave: [relu],
    gradFunc: (dy, saved, attributes) => {
      const [x, filter, y] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D?]
      const below = (y ? reluGradient(dy as tf.Tensor, y) : dy) as tf.Tensor4D
      const geometry = attributes as unknown as Geometry
      const { inputGradient, filterGradient, biasGradient } = current(methods)
      return {
        x: () => inputGradient(below, x.shape, filter, geometry),
        filter: () => filterGradient(below, x, filter.shape, geometry),
        bias: () => biasGradient(below),
      }
    },
  })
}
