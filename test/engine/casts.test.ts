import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { recorded } from "../../src/engine/recorded.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { gpuKernel } from "../support/gpu-kernels.js"

/** What bfloat16 rounds to 1, with its 8 bits. */
const more = 1 + 2 ** -9

onCudaBranch("recorded work in bf16", () => {
  const valuesOf = (work: (x: tf.Tensor) => tf.Tensor[], x: tf.Tensor) => {
    const run = recorded(work, "bf16")
    return tf.tidy(() => run(x).map((result) => ({ type: result.dtype, value: result.dataSync()[0] })))
  }
  const of = (value: number) => ({ type: "float32", value })

  test("rounds what is multiplied as a matrix, and nothing else", () => {
    const x = tf.tensor2d([more], [1, 1])
    const made = valuesOf((x) => [tf.matMul(x, x), tf.mul(x, x), tf.add(tf.matMul(x, x), x)], x)
    expect(made).toEqual([of(1), of(more ** 2), of(1 + more)])
  })

  test("rounds what is convolved, and what gradients of that multiply", () => {
    const x = tf.fill([1, 1, 1, 1], more)
    const weight = tf.variable(tf.fill<tf.Rank.R4>([1, 1, 1, 1], more))
    const conv = (x: tf.Tensor) => convolution(x as tf.Tensor4D, weight, null, { stride: 1, padding: 0, relu: false })
    const made = valuesOf((x) => {
      const { value, grads } = tf
        .engine()
        .gradients(() => tf.sum(tf.mul(conv(x), x)) as tf.Scalar, [x, weight], undefined, true)
      return [conv(x), value, ...grads]
    }, x)
    // x * conv(x): by x it has conv's value, rounded, and x itself, rounded, times the weight, rounded.
    expect(made).toEqual([of(1), of(more), of(1 + 1), of(1)])
    tf.dispose([x, weight])
  })

  test("a GPU has kernels for all that is rounded", () => {
    const products = ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "MatMul", "BatchMatMulV2"]
    const typed = [
      ...products.map((name) => `${name} T=bfloat16`),
      "Cast SrcT=float32 DstT=bfloat16",
      "Cast SrcT=bfloat16 DstT=float32",
    ]
    expect(typed.filter((own) => gpuKernel(own) === undefined)).toEqual([])
  })
})
