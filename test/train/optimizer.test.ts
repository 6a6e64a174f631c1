import { readFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { createOptimizer } from "../../src/train/optimizer.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { madeUp as madeUpBy } from "../support/made-up.js"

const madeUp = (name: string, count: number) => madeUpBy(name, count, (value) => value)

type Values = Readonly<Record<string, readonly number[]>>

interface Golden {
  readonly rates: readonly number[]
  readonly factors: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  readonly adamw: readonly Values[]
  readonly sgd: readonly Values[]
}

const golden = JSON.parse(readFileSync("test/golden/adamw.json", "utf8")) as Golden

const kinds = { "backbone.conv.weight": "conv", "head.weight": "linear", "head.bias": "bias" } as const
const options = {
  adamw: { betas: [0.9, 0.99], epsilon: 1e-6, weightDecay: 0.05 },
  sgd: { momentum: 0.9, weightDecay: 0.05 },
} as const

function trained(name: keyof typeof options) {
  const parameters = new Parameters(seededRandom(0))
  for (const [parameter, kind] of Object.entries(kinds)) {
    const count = golden.counts[parameter]!
    const shape = kind === "conv" ? [1, 1, 1, count] : kind === "linear" ? [1, count] : [count]
    parameters.create(parameter, kind, shape, () => madeUp(parameter, count))
  }
  const { sgd, adamw } = options
  const rates = (parameter: { name: string }) => golden.factors[parameter.name]!
  const optimizer = createOptimizer(parameters.trainable(), { sgd, ...(name === "adamw" && { adamw }), rates })
  const step = (n: number) =>
    tf.tidy(() => {
      const gradients = [...parameters].map(({ name: parameter, variable }) => [
        variable.name,
        tf.tensor(madeUp(`${parameter} ${n}`, variable.size), variable.shape),
      ])
      // Clipping halves what is twice as long.
      const doubled = gradients.map(([key, value]) => [key, tf.mul(value as tf.Tensor, 2)])
      optimizer.apply(Object.fromEntries(doubled), golden.rates[n]!, 0.5)
    })
  return { parameters, optimizer, step }
}

onEveryEngine("optimizers", () => {
  test.each(["adamw", "sgd"] as const)("%s moves the weights as PyTorch's, parts at their own rates", (name) => {
    const { parameters, optimizer, step } = trained(name)
    const before = tf.memory().numTensors
    for (const [n, after] of golden[name].entries()) {
      step(n)
      for (const { name: parameter, variable } of parameters) {
        expectClose(variable.dataSync(), after[parameter]!, 2e-6)
      }
    }
    expect(tf.memory().numTensors).toBe(before)
    optimizer.dispose()
    parameters.dispose()
  })

  test.each(["adamw", "sgd"] as const)("%s goes on from saved moments to the very same bits", (name) => {
    const [whole, first, second] = [trained(name), trained(name), trained(name)]
    for (const n of [0, 1, 2, 3]) whole.step(n)
    for (const n of [0, 1]) first.step(n)
    for (const { name: parameter, variable } of first.parameters) {
      tf.tidy(() => second.parameters.get(parameter)!.variable.assign(tf.clone(variable)))
    }
    const saved = [...first.optimizer.moments].map(
      ([moment, tensor]) => [moment, tensor.dataSync<"float32">()] as const,
    )
    second.optimizer.restore(new Map(saved))
    for (const n of [2, 3]) second.step(n)
    const values = ({ parameters }: typeof whole) => [...parameters].map(({ variable }) => variable.dataSync())
    expect(values(second)).toEqual(values(whole))
  })

  test("moments of another optimizer are refused", () => {
    const { optimizer } = trained("adamw")
    expect(() => optimizer.restore(trained("sgd").optimizer.moments as never)).toThrow(/values for "steps", got none/)
  })
})
