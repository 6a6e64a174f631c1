import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { DivergedError } from "../../src/core/errors.js"
import { normal } from "../../src/core/initializers.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { AccumulatedSteps } from "../../src/train/accumulate.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"
import { expectClose } from "../support/close.js"

beforeAll(async () => {
  await startEngine()
})

/** A linear model on eight made-up rows; its loss is a mean over the rows it is given. */
function regression() {
  const parameters = new Parameters(seededRandom(1))
  const weight = parameters.create("weight", "linear", [3, 2], normal(1)) as tf.Tensor<tf.Rank.R2>
  const random = seededRandom(2)
  const draw = (rows: number, columns: number) =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()))
  const [inputs, wanted] = [draw(8, 3), draw(8, 2)]
  const loss = (from: number, to: number) => () => ({
    mean: tf.mean(
      tf.square(tf.sub(tf.matMul(tf.tensor2d(inputs.slice(from, to)), weight), tf.tensor2d(wanted.slice(from, to)))),
    ) as tf.Scalar,
  })
  const optimizer = new Sgd(parameters.trainable())
  return { parameters, weight, loss, optimizer }
}

test.each([Number.POSITIVE_INFINITY, 0.5])(
  "four batches of two make the update of one batch of eight, clipped at %d alike",
  async (clipNorm) => {
    const options = { rate: 0.1, clipNorm }
    const [small, large] = [regression(), regression()]
    const steps = new AccumulatedSteps(small.parameters.trainable(), small.optimizer)
    const before = tf.memory().numTensors
    for (let step = 0; step < 2; step++) {
      let sum = 0
      for (const from of [0, 2, 4, 6]) {
        const { losses } = await steps.add(small.loss(from, from + 2), from === 6, options)
        sum += losses.mean!
      }
      const whole = await trainStep(large.loss(0, 8), large.parameters.trainable(), large.optimizer, options)
      expect(sum / 4).toBeCloseTo(whole.losses.mean!, 5)
      expectClose(small.weight.dataSync(), large.weight.dataSync(), 1e-6)
    }
    expect(tf.memory().numTensors).toBe(before)
    const start = regression().weight.dataSync()
    expect(Math.max(...large.weight.dataSync().map((value, i) => Math.abs(value - start[i]!)))).toBeGreaterThan(0.05)
  },
)

test("a step of one batch is trainStep's, bit for bit", async () => {
  const options = { rate: 0.1, clipNorm: 10 }
  const [one, other] = [regression(), regression()]
  await new AccumulatedSteps(one.parameters.trainable(), one.optimizer).add(one.loss(0, 8), true, options)
  await trainStep(other.loss(0, 8), other.parameters.trainable(), other.optimizer, options)
  expect([...one.weight.dataSync()]).toEqual([...other.weight.dataSync()])
})

test("nothing changes before the last batch, nor when one of them diverges", async () => {
  const { parameters, weight, loss, optimizer } = regression()
  const steps = new AccumulatedSteps(parameters.trainable(), optimizer)
  const start = [...weight.dataSync()]
  await steps.add(loss(0, 4), false, { rate: 0.1, clipNorm: 10 })
  expect([...weight.dataSync()]).toEqual(start)
  const broken = () => ({ mean: tf.mul(loss(0, 4)().mean, Number.NaN) as tf.Scalar })
  await expect(steps.add(broken, true, { rate: 0.1, clipNorm: 10 })).rejects.toThrow(DivergedError)
  expect([...weight.dataSync()]).toEqual(start)
  steps.dispose()
})
