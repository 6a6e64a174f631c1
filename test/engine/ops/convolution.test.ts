import * as tf from "@tensorflow/tfjs-core"
import { beforeEach, expect, test, vi } from "vitest"
import { seededRandom } from "../../../src/core/random.js"
import { convolution } from "../../../src/engine/ops/convolution/convolution.js"
import { expectClose } from "../../support/close.js"
import { onAwaitedEngines, onEveryEngine } from "../../support/engines.js"
import { type ConvolutionCase, naiveConvolution } from "../../support/naive-convolution.js"

let random = seededRandom(5)
beforeEach(() => {
  random = seededRandom(5)
})
const draw = (length: number) => Float32Array.from({ length }, () => random.normal())

const base = {
  count: 2,
  rows: 7,
  columns: 9,
  channels: 3,
  height: 3,
  width: 3,
  out: 4,
  stride: 1,
  padding: 1,
  dilation: 1,
}
const cases: Record<string, ConvolutionCase> = {
  "3x3": base,
  "3x3 without padding": { ...base, padding: 0 },
  "3x3 stride 2": { ...base, stride: 2 },
  "3x3 stride 2 on even sizes": { ...base, rows: 8, columns: 6, stride: 2 },
  "3x3 stride 2 that leaves the last row out": { ...base, rows: 8, padding: 0, stride: 2 },
  "1x1": { ...base, height: 1, width: 1, padding: 0 },
  "1x1 of many pixels": { ...base, rows: 20, height: 1, width: 1, padding: 0 },
  "1x1 stride 2": { ...base, height: 1, width: 1, padding: 0, stride: 2 },
  "7x7 stride 2": { ...base, rows: 14, columns: 13, height: 7, width: 7, stride: 2, padding: 3 },
  "3x5 stride 3": { ...base, rows: 11, columns: 12, width: 5, stride: 3 },
  "3x3 dilated by 2": { ...base, rows: 8, columns: 6, padding: 2, dilation: 2 },
  "3x3 dilated by 2 on odd sizes": { ...base, padding: 2, dilation: 2 },
  "3x3 dilated by 3, padded by 1": { ...base, padding: 1, dilation: 3 },
  "3x5 dilated by 2 without padding": { ...base, columns: 11, width: 5, padding: 0, dilation: 2 },
  "3x3 of many channels": { ...base, channels: 512 },
  "3x3 on a large map": { ...base, count: 1, rows: 64, columns: 65, channels: 128, out: 2 },
  "3x5 on a large map without padding": {
    ...base,
    count: 1,
    rows: 66,
    columns: 65,
    channels: 128,
    width: 5,
    padding: 0,
    out: 1,
  },
  "padding wider than the filter": { ...base, height: 1, width: 1, padding: 2 },
}

function tensors(sizes: ConvolutionCase) {
  const { count, rows, columns, channels, height, width, out } = sizes
  const x = draw(count * rows * columns * channels)
  const filter = draw(height * width * channels * out)
  const bias = draw(out)
  return {
    x,
    filter,
    bias,
    xTensor: tf.tensor4d(x, [count, rows, columns, channels]),
    filterTensor: tf.tensor4d(filter, [height, width, channels, out]),
    biasTensor: tf.tensor1d(bias),
  }
}

await onAwaitedEngines("convolution", () => {
  test.each(Object.entries(cases))("%s gives the sums of products and their gradients", async (_, sizes) => {
    const { x, filter, bias, xTensor, filterTensor, biasTensor } = tensors(sizes)
    const naive = naiveConvolution(sizes, x, filter)
    const run = (x4: tf.Tensor, filter4: tf.Tensor, bias1: tf.Tensor) =>
      convolution(x4 as tf.Tensor4D, filter4 as tf.Tensor4D, bias1 as tf.Tensor1D, sizes)
    const y = run(xTensor, filterTensor, biasTensor)
    expect(y.shape).toEqual(naive.shape)
    expectClose(
      await y.data(),
      naive.y.map((value, at) => value + bias[at % sizes.out]!),
    )
    const dy = draw(naive.y.length)
    const [dx, dFilter, dBias] = tf.grads(run)([xTensor, filterTensor, biasTensor], tf.tensor(dy, y.shape))
    const expected = naive.gradients(dy)
    expectClose(await dx!.data(), expected.dx)
    expectClose(await dFilter!.data(), expected.dFilter)
    expectClose(await dBias!.data(), expected.dBias)
  })

  test("with ReLU nothing below zero passes, forward or back", async () => {
    const { x, filter, xTensor, filterTensor } = tensors(base)
    const naive = naiveConvolution(base, x, filter)
    const run = (x4: tf.Tensor) => convolution(x4 as tf.Tensor4D, filterTensor, null, { ...base, relu: true })
    expectClose(
      await run(xTensor).data(),
      naive.y.map((value) => Math.max(value, 0)),
    )
    const dy = draw(naive.y.length)
    const dx = tf.grad(run)(xTensor, tf.tensor(dy, naive.shape))
    expectClose(await dx.data(), naive.gradients(dy.map((value, at) => (naive.y[at]! > 0 ? value : 0))).dx)
  })

  test("dilated, with ReLU, nothing below zero passes", async () => {
    const sizes = { ...base, padding: 2, dilation: 2 }
    const { x, filter, xTensor, filterTensor } = tensors(sizes)
    const found = await convolution(xTensor, filterTensor, null, { ...sizes, relu: true }).data()
    expectClose(
      found,
      naiveConvolution(sizes, x, filter).y.map((value) => Math.max(value, 0)),
    )
  })

  test("the gradient is the slope of the output", async () => {
    const { filter, filterTensor, xTensor, biasTensor } = tensors({ ...base, stride: 2 })
    const loss = (filter4: tf.Tensor) => {
      const y = convolution(xTensor, filter4 as tf.Tensor4D, biasTensor, { padding: 1, stride: 2, relu: true })
      return tf.sum(tf.square(y)) as tf.Scalar
    }
    const slopes = await tf.grad(loss)(filterTensor).data()
    const step = 0.02
    for (const at of [0, 17, 50, 107]) {
      const moved = async (by: number) => {
        const values = filter.slice()
        values[at]! += by
        return (await loss(tf.tensor4d(values, filterTensor.shape)).data())[0]!
      }
      const slope = ((await moved(step)) - (await moved(-step))) / (2 * step)
      expect(Math.abs(slopes[at]! - slope)).toBeLessThan(0.02 * Math.max(1, Math.abs(slope)))
    }
  })

  test("equal calls give equal bits", async () => {
    const sizes = { ...base, rows: 40, columns: 30, channels: 8, out: 16 }
    const { xTensor, filterTensor, biasTensor } = tensors(sizes)
    const all = () => {
      const run = tf.grads((x: tf.Tensor, filter: tf.Tensor) =>
        tf.sum(tf.square(convolution(x as tf.Tensor4D, filter as tf.Tensor4D, biasTensor, { padding: 1, relu: true }))),
      )
      return Promise.all(run([xTensor, filterTensor]).map((gradient) => gradient.data()))
    }
    expect(await all()).toEqual(await all())
  })

  test("nothing is computed for a filter that does not train", () => {
    const { xTensor, filterTensor, biasTensor } = tensors(base)
    const bias = tf.variable(biasTensor)
    const filter = tf.variable(filterTensor)
    const loss = () =>
      tf.sum(convolution(xTensor, filter as tf.Tensor4D, bias as tf.Tensor1D, { padding: 1 })) as tf.Scalar
    const withFilter = opsOf(() => tf.variableGrads(loss, [bias, filter]))
    const without = opsOf(() => tf.variableGrads(loss, [bias]))
    expect(withFilter).toContain("Conv2DBackpropFilter")
    expect(without).not.toContain("Conv2DBackpropFilter")
    expect([...withFilter, ...without]).not.toContain("Conv2DBackpropInput")
    for (const variable of [bias, filter]) variable.dispose()
  })

  test("no tensor is left behind", () => {
    const { xTensor, filterTensor, biasTensor } = tensors({ ...base, stride: 2 })
    const step = () =>
      tf.tidy(() => {
        const loss = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) => {
          const y = convolution(x as tf.Tensor4D, filter as tf.Tensor4D, bias as tf.Tensor1D, { stride: 2, relu: true })
          return tf.sum(convolution(y, tf.ones([3, 3, 4, 2]), null, { padding: 2, dilation: 2, relu: true }))
        }
        tf.grads(loss)([xTensor, filterTensor, biasTensor])
      })
    step()
    const before = tf.memory().numTensors
    step()
    expect(tf.memory().numTensors).toBe(before)
  })

  test("a dilated convolution has no stride", () => {
    const stride = () => convolution(tf.zeros([1, 4, 4, 3]), tf.zeros([3, 3, 3, 8]), null, { stride: 2, dilation: 2 })
    expect(stride).toThrow("convolution: expected stride 1 with dilation 2, got 2")
  })

  test("channels that do not fit are named", () => {
    expect(() => convolution(tf.zeros([1, 4, 4, 3]), tf.zeros([3, 3, 4, 8]), null)).toThrow(
      "convolution: expected 4 input channels for a filter [3,3,4,8], got x [1,4,4,3]",
    )
  })
})

/** Names of the kernels and native ops that run within `work`. */
function opsOf(work: () => unknown): string[] {
  const names: string[] = []
  const kernels = vi.spyOn(tf.engine(), "runKernel")
  const backend = tf.backend() as tf.KernelBackend & { executeMultipleOutputs?: (name: string) => unknown }
  const native = backend.executeMultipleOutputs
    ? vi.spyOn(backend as Required<typeof backend>, "executeMultipleOutputs")
    : null
  work()
  names.push(...kernels.mock.calls.map(([name]) => name))
  if (native) names.push(...native.mock.calls.map(([name]) => name))
  vi.restoreAllMocks()
  return names
}

onEveryEngine("convolution", (engine) => {
  // It is a kernel of TensorFlow that gives another shape.
  test.runIf(engine === "tensorflow").each([
    [1, 2, [0, 4, 4, 8]],
    [3, 2, [0, 4, 4, 8]],
    [1, 1, [0, 7, 7, 8]],
  ])("of no maps is none, of the right shape: %i cells a side, stride %i", (kernel, stride, shape) => {
    const found = convolution(tf.zeros([0, 7, 7, 4]), tf.zeros([kernel, kernel, 4, 8]), tf.zeros([8]), {
      stride,
      padding: kernel >> 1,
    })
    expect(found.shape).toEqual(shape)
    expect(found.dataSync()).toHaveLength(0)
  })
})
