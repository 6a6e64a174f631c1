import * as tf from "@tensorflow/tfjs-core"
import type { ConvolutionMethod, Geometry } from "./convolution.js"

/** What every backend of tfjs can do, WebAssembly with the gradients that `wasm/kernels.ts` gives it. */
export const wasm: ConvolutionMethod = {
  forward({ x, filter, bias }, { stride, padding }, relu) {
    const maps = tf.conv2d(x, filter, stride, sides(padding))
    const sum = bias ? tf.add(maps, bias) : maps
    return (relu ? tf.relu(sum) : sum) as tf.Tensor4D
  },
  inputGradient: (dy, inputShape, filter, geometry) =>
    tf
      .engine()
      .runKernel("Conv2DBackpropInput", { dy, filter }, { ...attributes(geometry), inputShape }) as tf.Tensor4D,
  filterGradient: (dy, x, filterShape, geometry) =>
    tf.engine().runKernel("Conv2DBackpropFilter", { x, dy }, { ...attributes(geometry), filterShape }) as tf.Tensor4D,
  biasGradient: (dy) => tf.sum(dy, [0, 1, 2]),
}

/** Convolution, bias and ReLU in one shader, without passes over the maps between them. */
export const webgpu: ConvolutionMethod = {
  ...wasm,
  forward(inputs, geometry, relu) {
    const fused = { ...attributes(geometry), dilations: 1, activation: relu ? "relu" : "linear" }
    return tf.engine().runKernel("FusedConv2D", { ...inputs }, fused as unknown as tf.NamedAttrMap) as tf.Tensor4D
  },
}

const attributes = ({ stride, padding }: Geometry) =>
  ({ strides: stride, pad: sides(padding), dataFormat: "NHWC" }) as const

/** Padding as tfjs takes it: told by one number alone it would measure oblong filters by their height. */
function sides(padding: number): tf.backend_util.ExplicitPadding {
  const both: [number, number] = [padding, padding]
  return [[0, 0], both, both, [0, 0]]
}
