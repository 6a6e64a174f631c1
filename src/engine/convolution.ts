import * as tf from "@tensorflow/tfjs-core"
import { convolutionGradients } from "./convolution-gradients.js"
import { dilated } from "./dilation.js"
import { engineNames } from "./names.js"
import { float32, isNative, nativeOp } from "./native-op.js"
import { isProduct, pixelProduct } from "./pixel-product.js"
import { reluGradient } from "./relu.js"

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

export const convolutionDefaults = { stride: 1, padding: 0, dilation: 1, relu: false } as const

/** What the gradients need to know of a convolution. */
export interface Geometry {
  readonly stride: number
  readonly padding: number
}

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

/** The convolution alone; nothing reaches the tape. */
export function convolve(x: tf.Tensor4D, filter: tf.Tensor4D, { stride, padding }: Geometry): tf.Tensor4D {
  if (!isNative()) return tf.conv2d(x, filter, stride, sides(padding))
  if (isProduct(filter.shape, { stride, padding })) return pixelProduct(x, filter)
  return nativeOp("Conv2D", [x, filter], nativeGeometry(stride, padding)) as tf.Tensor4D
}

/** Padding as tfjs takes it: told by one number alone it would measure oblong filters by their height. */
export function sides(padding: number): tf.backend_util.ExplicitPadding {
  const both: [number, number] = [padding, padding]
  return [[0, 0], both, both, [0, 0]]
}

/** Attributes of TensorFlow's convolution ops. */
export function nativeGeometry(stride: number, padding: number) {
  return {
    T: float32,
    strides: [1, stride, stride, 1],
    dilations: [1, 1, 1, 1],
    data_format: "NHWC",
    padding: padding === 0 ? "VALID" : "EXPLICIT",
    explicit_paddings: padding === 0 ? [] : [0, 0, padding, padding, padding, padding, 0, 0],
  } as const
}

// Two kernels, so that the output is kept for the gradient only where a ReLU needs it.
const CONVOLUTION = "ResdetConvolution"
const CONVOLUTION_RELU = "ResdetConvolutionRelu"

for (const backendName of engineNames) {
  for (const kernelName of [CONVOLUTION, CONVOLUTION_RELU]) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => {
        const { x, filter, bias } = inputs as { x: tf.Tensor4D; filter: tf.Tensor4D; bias?: tf.Tensor1D }
        if (backendName === "webgpu")
          return inOneShader(inputs, attrs as unknown as Geometry, kernelName === CONVOLUTION_RELU)
        return tf.tidy(() => {
          const maps = convolve(x, filter, attrs as unknown as Geometry)
          const sum = bias ? addBias(maps, bias) : maps
          return kernelName === CONVOLUTION_RELU ? tf.relu(sum) : sum
        })
      },
    })
  }
}

tf.registerGradient({
  kernelName: CONVOLUTION,
  inputsToSave: ["x", "filter"],
  gradFunc: (dy, [x, filter], attrs) => gradients(dy, x, filter, attrs),
})

tf.registerGradient({
  kernelName: CONVOLUTION_RELU,
  inputsToSave: ["x", "filter"],
  outputsToSave: [true],
  gradFunc: (dy, [x, filter, y], attrs) => gradients(reluGradient(dy as tf.Tensor, y!), x, filter, attrs),
})

function gradients(dy: tf.Tensor | tf.Tensor[], x?: tf.Tensor, filter?: tf.Tensor, attrs?: object) {
  return convolutionGradients(dy as tf.Tensor4D, x as tf.Tensor4D, filter as tf.Tensor4D, attrs as Geometry)
}

/** Convolution, bias and ReLU without passes over the maps between them. */
function inOneShader(inputs: tf.NamedTensorInfoMap, { stride, padding }: Geometry, relu: boolean): tf.Tensor {
  const attributes = {
    strides: stride,
    pad: sides(padding),
    dataFormat: "NHWC",
    dilations: 1,
    activation: relu ? "relu" : "linear",
  }
  return tf.engine().runKernel("FusedConv2D", inputs as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap)
}

function addBias(maps: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  if (!isNative()) return tf.add(maps, bias)
  return nativeOp("BiasAdd", [maps, bias], { T: float32, data_format: "NHWC" }) as tf.Tensor4D
}
