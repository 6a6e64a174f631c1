import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { type ParameterKind, Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { sgdOptions } from "../../src/train/options.js"
import { Sgd, squaredLength } from "../../src/train/sgd.js"
import { onEveryEngine } from "../support/engines.js"

const shapes: Readonly<Record<ParameterKind, readonly number[]>> = {
  ...{ conv: [1, 1, 1, 1], linear: [1, 1] },
  ...{ bias: [1], norm: [1], statistic: [1] },
}

function oneWeight(kind: ParameterKind) {
  const parameters = new Parameters(seededRandom(0))
  const variable = parameters.create("w", kind, shapes[kind], () => Float32Array.of(1))
  const value = () => variable.dataSync()[0]!
  const gradients = (by: number) => ({ [variable.name]: tf.fill(variable.shape, by) })
  return { parameters, value, gradients }
}

onEveryEngine("SGD", () => {
  test("steps as PyTorch's: v = m v + g + d w, w = w - rate v", () => {
    const { parameters, value, gradients } = oneWeight("linear")
    const sgd = new Sgd(parameters.trainable(), sgdOptions({ momentum: 0.5, weightDecay: 0.1 }))
    tf.tidy(() => sgd.apply(gradients(2), 0.1))
    expect(value()).toBeCloseTo(1 - 0.1 * 2.1, 6) // v = 2 + 0.1
    tf.tidy(() => sgd.apply(gradients(0), 0.1))
    expect(value()).toBeCloseTo(0.79 - 0.1 * (0.5 * 2.1 + 0.1 * 0.79), 6)
  })

  test.each(["conv", "linear"] as const)("the weights of %s layers decay", (kind) => {
    const { parameters, value, gradients } = oneWeight(kind)
    tf.tidy(() => new Sgd(parameters.trainable(), sgdOptions({ weightDecay: 0.5 })).apply(gradients(0), 1))
    expect(value()).toBe(0.5)
  })

  test.each(["bias", "norm"] as const)("%s parameters do not decay", (kind) => {
    const { parameters, value, gradients } = oneWeight(kind)
    tf.tidy(() => new Sgd(parameters.trainable(), sgdOptions({ weightDecay: 0.5 })).apply(gradients(0), 1))
    expect(value()).toBe(1)
  })

  test("the scale is on the gradient alone", () => {
    const { parameters, value, gradients } = oneWeight("bias")
    tf.tidy(() => new Sgd(parameters.trainable()).apply(gradients(8), 0.25, 0.5))
    expect(value()).toBe(0)
  })

  test("restored velocities give the step that would have followed", () => {
    const [a, b] = [oneWeight("linear"), oneWeight("linear")]
    const [first, second] = [new Sgd(a.parameters.trainable()), new Sgd(b.parameters.trainable())]
    tf.tidy(() => first.apply(a.gradients(1), 0.1))
    b.parameters.get("w")!.variable.assign(a.parameters.get("w")!.variable)
    second.restore(new Map([...first.moments].map(([name, tensor]) => [name, tensor.dataSync<"float32">()])))
    tf.tidy(() => first.apply(a.gradients(1), 0.1))
    tf.tidy(() => second.apply(b.gradients(1), 0.1))
    expect(b.value()).toBe(a.value())
  })

  test("velocities of another model are refused", () => {
    const sgd = new Sgd(oneWeight("linear").parameters.trainable())
    expect(() => sgd.restore(new Map())).toThrow('expected 1 values for "w", got none')
  })

  test("the squared length is that of all gradients as one vector", () => {
    expect(squaredLength({ a: tf.tensor1d([3]), b: tf.tensor2d([[0, 4]]) }).dataSync()[0]).toBeCloseTo(25, 5)
  })
})
