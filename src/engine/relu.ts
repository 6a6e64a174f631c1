import * as tf from "@tensorflow/tfjs-core"
import { engineNames } from "./names.js"
import { float32, isNative, nativeOp } from "./native-op.js"
import { holdScratch } from "./scratch.js"

/** `max(x, 0)`; its gradient is one native op, where tfjs takes several. */
export function relu<T extends tf.Tensor>(x: T): T {
  return tf.engine().runKernel(RELU, { x }) as tf.Tensor as T
}

/** `max(a + b, 0)` for two tensors of one shape: the end of a residual block. */
export function addRelu<T extends tf.Tensor>(a: T, b: T): T {
  return tf.engine().runKernel(ADD_RELU, { a, b }) as tf.Tensor as T
}

/** The gradient below a ReLU with output `y`: `dy` where `y > 0`, else 0; scratch, to be read by one tape node. */
export function reluGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const masked = isNative() ? nativeOp("ReluGrad", [dy, y], { T: float32 }) : tf.tidy(() => tf.mul(dy, tf.step(y)))
  holdScratch(masked)
  return masked
}

const RELU = "ResdetRelu"
const ADD_RELU = "ResdetAddRelu"

for (const backendName of engineNames) {
  tf.registerKernel({ kernelName: RELU, backendName, kernelFunc: ({ inputs }) => tf.relu(inputs.x as tf.Tensor) })
  tf.registerKernel({
    kernelName: ADD_RELU,
    backendName,
    kernelFunc: ({ inputs }) => tf.tidy(() => tf.relu(tf.add(inputs.a as tf.Tensor, inputs.b as tf.Tensor))),
  })
}

tf.registerGradient({
  kernelName: RELU,
  outputsToSave: [true],
  gradFunc: (dy, saved) => ({ x: () => reluGradient(dy as tf.Tensor, saved[0]!).clone() }),
})

tf.registerGradient({
  kernelName: ADD_RELU,
  outputsToSave: [true],
  gradFunc: (dy, saved) => {
    const masked = reluGradient(dy as tf.Tensor, saved[0]!)
    return { a: () => masked.clone(), b: () => masked.clone() }
  },
})
