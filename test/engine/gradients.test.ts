import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, describe, expect, it } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { onAwaitedEngines } from "../support/engines.js"

type Operation = (x: tf.Tensor) => tf.Tensor
const random = seededRandom(5)
/** Away from 0 and from each other, so that no step of the finite differences crosses a kink or swaps a maximum. */
const spread = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const size = 0.2 + (((index * 7919) % count) / count) * 1.5 + random.uniform() * 0.001
    return random.uniform() < 0.5 ? -size : size
  })
const constant = (...shape: number[]) =>
  tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => Math.sin(index * 1.7 + 1)),
    shape,
  )
const t4 = (x: tf.Tensor) => x as tf.Tensor4D
const flags = () => tf.tensor2d([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1], [3, 4], "bool")
const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5)
const moments = (x: tf.Tensor, axes: number[]) => {
  const { mean, variance } = tf.moments(x, axes, true)
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-3)))
}
const groups = (x: tf.Tensor) => tf.reshape(moments(tf.reshape(x, [2, 4, 4, 2, 2]), [1, 2, 4]), [2, 4, 4, 4])
const borders = [
  [1, 1],
  [2, 0],
] as [number, number][]

const operations: [name: string, shape: number[], run: Operation][] = [
  ["matMul, left", [3, 4], (x) => tf.matMul(x, constant(4, 5))],
  ["matMul, right", [3, 4], (x) => tf.matMul(constant(5, 3), x)],
  ["matMul, transposed left", [3, 4], (x) => tf.matMul(x, constant(3, 5), true)],
  ["matMul, both transposed", [3, 4], (x) => tf.matMul(constant(4, 5), x, true, true)],
  ["matMul, batched", [2, 3, 4], (x) => tf.matMul(x, constant(2, 4, 5))],
  ["matMul, batched and transposed", [2, 3, 4], (x) => tf.matMul(x, constant(2, 5, 4), false, true)],
  ["add with broadcasting", [4], (x) => tf.add(constant(3, 4), x)],
  ["sub with broadcasting", [3, 1], (x) => tf.sub(constant(3, 4), x)],
  ["mul with broadcasting", [1, 4], (x) => tf.mul(constant(3, 4), x)],
  ["div", [3, 4], (x) => tf.div(constant(3, 4), positive(x))],
  ["abs", [3, 4], tf.abs],
  ["square", [3, 4], tf.square],
  ["sqrt", [3, 4], (x) => tf.sqrt(positive(x))],
  ["rsqrt", [3, 4], (x) => tf.rsqrt(positive(x))],
  ["exp", [3, 4], tf.exp],
  ["log", [3, 4], (x) => tf.log(positive(x))],
  ["log1p", [3, 4], (x) => tf.log1p(positive(x))],
  ["pow", [3, 4], (x) => tf.pow(positive(x), 3)],
  ["relu", [3, 4], tf.relu],
  ["relu6", [3, 4], tf.relu6],
  ["sigmoid", [3, 4], tf.sigmoid],
  ["softplus", [3, 4], tf.softplus],
  ["tanh", [3, 4], tf.tanh],
  ["softmax", [3, 4], (x) => tf.softmax(x as tf.Tensor2D)],
  ["logSoftmax", [3, 4], (x) => tf.logSoftmax(x as tf.Tensor2D)],
  ["logSumExp", [3, 4], (x) => tf.logSumExp(x, 1)],
  ["where", [3, 4], (x) => tf.where(flags(), x, tf.mul(x, 3))],
  ["minimum", [3, 4], (x) => tf.minimum(x, 0)],
  ["maximum", [3, 4], (x) => tf.maximum(x, 0)],
  ["clipByValue", [3, 4], (x) => tf.clipByValue(x, -0.99, 0.99)],
  ["sum over an axis", [3, 4], (x) => tf.sum(x, 1)],
  ["mean over two axes", [2, 3, 4], (x) => tf.mean(x, [0, 2])],
  ["max over an axis", [3, 4], (x) => tf.max(x, 1)],
  ["reshape", [3, 4], (x) => tf.reshape(x, [2, 6])],
  ["transpose", [2, 3, 4], (x) => tf.transpose(x, [2, 0, 1])],
  ["concat", [3, 4], (x) => tf.concat([x, tf.mul(x, 2)], 1)],
  ["stack", [3, 4], (x) => tf.stack([x, tf.mul(x, 2)])],
  ["split", [3, 4], (x) => tf.mul(...(tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor]))],
  ["unstack", [2, 4], (x) => tf.mul(...(tf.unstack(x) as [tf.Tensor, tf.Tensor]))],
  ["slice", [3, 4], (x) => tf.slice(x, [1, 0], [2, 3])],
  ["tile", [3, 4], (x) => tf.tile(x, [2, 2])],
  ["gather, with repeats", [4, 3], (x) => tf.gather(x, tf.tensor1d([2, 0, 2, 2, 1], "int32"))],
  ["gather along axis 1", [3, 4], (x) => tf.gather(x, tf.tensor1d([3, 3, 0], "int32"), 1)],
  ["pad", [3, 4], (x) => tf.pad(x, borders)],
  ["squaredDifference", [3, 4], (x) => tf.squaredDifference(x, constant(3, 4))],
  ["cumsum", [3, 4], (x) => tf.cumsum(x, 1)],
  ["max pool 3x3 stride 2", [1, 6, 7, 2], (x) => tf.maxPool(t4(x), 3, 2, "same")],
  ["max pool 2x2 valid", [1, 6, 7, 2], (x) => tf.maxPool(t4(x), 2, 2, "valid")],
  ["average pool", [1, 6, 6, 2], (x) => tf.avgPool(t4(x), 2, 2, "valid")],
  ["resizeBilinear", [1, 3, 4, 2], (x) => tf.image.resizeBilinear(t4(x), [5, 6])],
  ["resizeNearestNeighbor", [1, 3, 4, 2], (x) => tf.image.resizeNearestNeighbor(t4(x), [6, 8])],
  ["batch norm from moments", [2, 3, 3, 2], (x) => moments(x, [0, 1, 2])],
  ["group norm from moments", [2, 4, 4, 4], groups],
  ["batchNorm with given statistics", [2, 3, 3, 2], (x) => tf.batchNorm4d(t4(x), [0.1, 0.2], [1, 2], [0, 1], [1, 3])],
  [
    "fused conv, bias and relu",
    [1, 5, 5, 2],
    (x) =>
      tf.fused.conv2d({
        x: t4(x),
        filter: constant(3, 3, 2, 3) as tf.Tensor4D,
        strides: 1,
        pad: "same",
        bias: tf.tensor1d([20, -20, 20]),
        activation: "relu",
      }),
  ],
]

type Padding = "same" | "valid" | number | [[number, number], [number, number], [number, number], [number, number]]
const explicit: Padding = [
  [0, 0],
  [2, 1],
  [0, 1],
  [0, 0],
]
type Convolution = [kernel: [number, number], stride: number | [number, number], pad: Padding]
const convolutions: Convolution[] = [
  [[3, 3], 1, "same"],
  [[3, 3], 2, "same"],
  [[3, 3], 1, "valid"],
  [[1, 1], 2, "valid"],
  [[1, 1], 1, 0],
  [[2, 2], 3, "valid"],
]
const numberPadded: Convolution[] = [
  [[3, 3], 2, 1],
  [[3, 2], [2, 1], explicit],
  [[1, 1], 2, 1],
  [[7, 7], 2, 3],
]

await onAwaitedEngines("gradients", () => {
  it.each(operations)("of %s agree with finite differences", (_, shape, run) => checkGradient(shape, run))

  it.each(convolutions)("of a %j convolution, stride %j, padding %j agree with finite differences", checkConvolution)

  it("keep no tensors", () => {
    const x = constant(2, 8, 7, 2) as tf.Tensor4D
    const step = () =>
      tf.tidy(() => {
        const loss = (filter: tf.Tensor) =>
          tf.sum(tf.gather(tf.conv2d(x, t4(filter), 2, "same"), tf.tensor1d([1, 1], "int32")))
        tf.grad(loss)(constant(3, 3, 2, 3))
      })
    step()
    const before = tf.memory()
    step()
    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers)
  })
})

// tfjs-node refuses the gradient of a convolution padded by numbers; WebAssembly has it.
describe("gradients on wasm", () => {
  beforeAll(async () => {
    await startEngine("wasm")
  })

  it.each(numberPadded)("of a %j convolution, stride %j, padding %j agree with finite differences", checkConvolution)
})

async function checkConvolution(size: [number, number], stride: number | [number, number], pad: Padding) {
  const filter = constant(...size, 2, 3) as tf.Tensor4D
  const x = constant(2, 8, 7, 2) as tf.Tensor4D
  await checkGradient([2, 8, 7, 2], (map) => tf.conv2d(t4(map), filter, stride, pad))
  await checkGradient([...size, 2, 3], (weights) => tf.conv2d(x, t4(weights), stride, pad))
}

/**
 * Compares the gradient of a weighted sum of `run(x)` with central differences, all coordinates; a dozen on WebGPU, where
 * SwiftShader would take minutes for all.
 */
async function checkGradient(shape: number[], run: Operation): Promise<void> {
  const values = spread(shape.reduce((a, b) => a * b, 1))
  const apart = tf.getBackend() === "webgpu" ? Math.ceil(values.length / 12) : 1
  const coordinates = [...values.keys()].filter((at) => at % apart === 0)
  const step = 0.005
  const { gradient, losses } = tf.tidy(() => {
    const loss = (x: tf.Tensor) => {
      const y = run(x)
      return tf.sum(tf.mul(y, constant(...y.shape)))
    }
    const stepped = coordinates.flatMap((at) =>
      [step, -step].map((by) => {
        const moved = values.map((value, index) => (index === at ? value + by : value))
        return loss(tf.tensor(moved, shape))
      }),
    )
    return { gradient: tf.grad(loss)(tf.tensor(values, shape)), losses: tf.stack(stepped) }
  })
  const [slopes, around] = [await gradient.data(), await losses.data()]
  tf.dispose([gradient, losses])
  for (const [k, at] of coordinates.entries()) {
    const expected = (around[2 * k]! - around[2 * k + 1]!) / (2 * step)
    expect(Math.abs(slopes[at]! - expected), `coordinate ${at}: ${slopes[at]} and ${expected}`).toBeLessThan(
      0.01 * Math.max(1, Math.abs(expected)),
    )
  }
}
