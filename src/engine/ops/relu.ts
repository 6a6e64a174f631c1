import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current, holdScratch, registerOp } from "../kernels.js"
import { float32, nativeOp } from "../native/op.js"

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
  const below = current(masks)(dy, y)
  holdScratch(below)
  return below
}

const masked = (dy: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.tidy(() => tf.mul(dy, tf.step(y)))

const masks: ByEngine<typeof masked> = {
  tensorflow: (dy, y) => nativeOp("ReluGrad", [dy, y], { T: float32 }),
  wasm: masked,
  webgpu: masked,
}

const RELU = "ResdetRelu"
const ADD_RELU = "ResdetAddRelu"

registerOp(RELU, ({ x }) => tf.relu(x!))
registerOp(ADD_RELU, ({ a, b }) => tf.tidy(() => tf.relu(tf.add(a!, b!))))

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
