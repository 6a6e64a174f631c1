import * as tf from "@tensorflow/tfjs-core"
import { float32, hasOneDnn, oneDnnOps } from "../native/op.js"

/**
 * The maxima of 3x3 windows, stride 2, padding 1: the pool behind a ResNet's stem.
 * @param x `[N, H, W, C]` float32, nowhere negative, so that a frame of zeros changes no maximum
 * @returns `[N, ceil(H / 2), ceil(W / 2), C]`; of equal values in a window the first takes the gradient
 */
export function stemPool(x: tf.Tensor4D): tf.Tensor4D {
  const framed = tf.pad(x, frame) as tf.Tensor4D
  if (!hasOneDnn()) return tf.maxPool(framed, 3, 2, "valid")
  const [pooled] = tf.engine().runKernel(STEM_POOL, { x: framed }) as tf.Tensor[]
  return pooled as tf.Tensor4D
}

const STEM_POOL = "ResdetStemPool"

const frame: [number, number][] = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
]

const window = {
  T: float32,
  ksize: [1, 3, 3, 1],
  strides: [1, 2, 2, 1],
  padding: "VALID",
  data_format: "NHWC",
} as const

tf.registerKernel({
  kernelName: STEM_POOL,
  backendName: "tensorflow",
  kernelFunc: ({ inputs }) => oneDnnOps("MaxPool", [inputs.x as tf.Tensor], window, 2),
})

// The public gradient searches every window again, in one thread; this one is told where the maxima were.
tf.registerGradient({
  kernelName: STEM_POOL,
  inputsToSave: ["x"],
  outputsToSave: [true, true],
  gradFunc: (dys, saved) => {
    const [dy] = dys as [tf.Tensor]
    const [x, pooled, places] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
    return { x: () => oneDnnOps("MaxPoolGrad", [x, pooled, dy, places], window, 1)[0]! }
  },
})
