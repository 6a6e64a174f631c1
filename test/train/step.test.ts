import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { constant } from "../../src/core/initializers.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"

beforeAll(() => startEngine())

test("what a step's losses do not reach coasts and decays as with a gradient of zero; no tensor is left behind", async () => {
  const parameters = new Parameters(seededRandom(1))
  const scope = new Scope(parameters)
  const [always, once] = ["always", "once"].map((name) => scope.create(name, "linear", [1, 1], constant(1)))
  const optimizer = new Sgd(parameters.trainable(), { momentum: 0.5, weightDecay: 0.1 })
  const step = (reached: readonly tf.Variable[]) => {
    const losses = () => ({ sum: tf.addN(reached.map((variable) => tf.sum(variable))) as tf.Scalar })
    return trainStep(losses, parameters.trainable(), optimizer, { rate: 1, clipNorm: Number.POSITIVE_INFINITY })
  }
  expect(await step([always!, once!])).toEqual({ losses: { loss: 2, sum: 2 }, gradNorm: expect.closeTo(Math.SQRT2, 6) })
  // Velocity 1 + 0.1 x 1, then half of it and a tenth of the weight.
  expect(once!.dataSync()[0]).toBeCloseTo(1 - 1.1, 6)
  const tensors = tf.memory().numTensors
  await step([always!])
  expect(tf.memory().numTensors).toBe(tensors)
  expect(once!.dataSync()[0]).toBeCloseTo(-0.1 - (0.55 + 0.1 * -0.1), 6)
  parameters.dispose()
  optimizer.dispose()
})
