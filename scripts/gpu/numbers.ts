/**
 * How far operations and their gradients on native TensorFlow, be it on a GPU, are from WebAssembly's: JSON on stdout, the largest
 * difference by the largest value of each. `prove.ts` runs it.
 */
import * as tf from "@tensorflow/tfjs-core"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { asOnCuda } from "../../src/engine/native/traffic.js"
import { averagePool } from "../../src/engine/ops/average-pool.js"
import { batchNormOfBatch } from "../../src/engine/ops/batch-norm.js"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { cropAndResize } from "../../src/engine/ops/crop-and-resize/crop-and-resize.js"
import { gatherRows } from "../../src/engine/ops/gather-rows.js"
import { groupNorm } from "../../src/engine/ops/group-norm.js"
import { stemPool } from "../../src/engine/ops/max-pool.js"
import { relu } from "../../src/engine/ops/relu.js"
import { startEngine } from "../../src/engine/start.js"
import { roiPool } from "../../src/roi/pool.js"

type Function = (...inputs: tf.Tensor[]) => tf.Tensor

interface Case {
  readonly name: string
  readonly shapes: readonly (readonly number[])[]
  readonly work: Function
}

const regions = Float32Array.of(3, 5, 90, 70, 20, 0, 127, 95, -9, 40, 60, 110)
const images = Int32Array.of(0, 1, 1)
const grid = () => tf.tensor2d([0.1, 0.2, 0.8, 0.7, 0, 0, 1, 1, 0.3, -0.2, 1.1, 0.5], [3, 4])
const conv =
  (stride: number, padding: number): Function =>
  (x, w, b) =>
    convolution(x as tf.Tensor4D, w as tf.Tensor4D, b as tf.Tensor1D, { stride, padding, relu: true })

const cases: readonly Case[] = [
  {
    name: "matrix product",
    shapes: [
      [257, 300],
      [300, 129],
    ],
    work: (a, b) => tf.matMul(a!, b!),
  },
  { name: "convolution 1x1", shapes: [[2, 20, 24, 64], [1, 1, 64, 128], [128]], work: conv(1, 0) },
  { name: "convolution 3x3", shapes: [[2, 20, 24, 64], [3, 3, 64, 64], [64]], work: conv(1, 1) },
  { name: "convolution 3x3, stride 2", shapes: [[2, 21, 25, 32], [3, 3, 32, 64], [64]], work: conv(2, 1) },
  { name: "convolution 7x7, stride 2", shapes: [[2, 64, 64, 3], [7, 7, 3, 64], [64]], work: conv(2, 3) },
  {
    name: "batch norm of the batch, ReLU",
    shapes: [[4, 9, 11, 32], [32], [32]],
    work: (x, s, o) => batchNormOfBatch(x as tf.Tensor4D, s as tf.Tensor1D, o as tf.Tensor1D, { relu: true }).y,
  },
  {
    name: "group norm",
    shapes: [[3, 7, 7, 64], [64], [64]],
    work: (x, s, o) => groupNorm(x as tf.Tensor4D, s as tf.Tensor1D, o as tf.Tensor1D),
  },
  { name: "max pool behind the stem", shapes: [[2, 32, 30, 16]], work: (x) => stemPool(relu(x as tf.Tensor4D)) },
  { name: "mean over cells", shapes: [[9, 7, 7, 64]], work: (x) => averagePool(x as tf.Tensor4D) },
  {
    name: "crops",
    shapes: [[2, 12, 16, 8]],
    work: (x) => cropAndResize(x as tf.Tensor4D, grid(), tf.tensor1d(images, "int32"), [7, 7], [2, 2]),
  },
  { name: "region pooling", shapes: [[2, 12, 16, 8]], work: (x) => roiPool(x as tf.Tensor4D, regions, images, 8, 7) },
  {
    name: "rows of a matrix",
    shapes: [[50, 16]],
    work: (x) => gatherRows(x as tf.Tensor2D, Int32Array.of(3, 3, 49, 0)),
  },
]

const asCuda = process.argv.includes("--as-cuda")
const results = []
for (const one of [...cases, network()]) {
  await startEngine("tensorflow")
  const actual = asCuda ? await asOnCuda(() => valuesOf(one)) : valuesOf(one)
  await startEngine("wasm")
  const expected = valuesOf(one)
  const errors = expected.map((values, at) => distance(actual[at]!, values))
  results.push({ name: one.name, forward: errors[0]!, backward: Math.max(...errors.slice(1)) })
}
process.stdout.write(`${JSON.stringify(results)}\n`)

/** The result of a case, then the gradient of each of its inputs. */
function valuesOf({ shapes, work }: Case): Float32Array[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, at) => tf.tensor(made(shape, at), [...shape]))
    const y = work(...inputs)
    const dy = tf.tensor(made(y.shape, 99), y.shape)
    const slopes = tf.grads((...own: tf.Tensor[]) => work(...own))(inputs, dy)
    return [y, ...slopes].map((tensor) => tensor.dataSync<"float32">())
  })
}

/** A CIFAR ResNet-20 as it is trained: images to logits. */
function network(): Case {
  const spec = networkSpec("cifar_resnet20")
  // The process ends before its parameters matter.
  const work: Function = (x) => new ResNet(new Scope(new Parameters(seededRandom(1))), spec).train(x as tf.Tensor4D)
  return { name: "a ResNet-20, trained", shapes: [[4, 32, 32, 3]], work }
}

function made(shape: readonly number[], seed: number): Float32Array {
  const random = seededRandom(seed + 1)
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal())
}

function distance(actual: Float32Array, expected: Float32Array): number {
  let [worst, largest] = [0, 1e-30]
  for (const [at, value] of expected.entries()) {
    const error = Math.abs(actual[at]! - value)
    if (!(error <= worst)) worst = error
    largest = Math.max(largest, Math.abs(value))
  }
  return worst / largest
}
