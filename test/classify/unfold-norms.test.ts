import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { unfoldNorms } from "../../src/classify/unfold-norms.js"
import { Parameters, Scope, type Weights } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { adaptNorms, foldedNorms } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { learnNorms, weightsOf } from "../support/learned-norms.js"
import { tinyNetwork } from "../support/tiny-network.js"

const build = (parameters: Parameters) => new ResNet(new Scope(parameters), tinyNetwork, { classes: 5 })

/** A network whose norms have learnt something, as a file with its norms folded has it. */
function foldedWeights(): { said: Float32Array; weights: Weights } {
  const parameters = new Parameters(seededRandom(1))
  const network = build(parameters)
  learnNorms(parameters)
  const { variable } = parameters.get("layer1.0.conv1.weight")!
  tf.tidy(() => variable.assign(tf.mul(variable, oneFilterDead(variable))))
  const weights = weightsOf(parameters)
  const said = tf.tidy(() => network.forward(images()).dataSync<"float32">())
  parameters.dispose()
  return {
    said,
    weights: adaptNorms(
      adaptNorms(weights, () => "frozen"),
      () => "batch",
    ),
  }
}

/** Ones, but zeros for the last filter of a convolution. */
const oneFilterDead = ({ shape }: tf.Tensor) =>
  tf.tensor1d(Array.from({ length: shape[3]! }, (_, filter) => (filter === shape[3]! - 1 ? 0 : 1)))

const images = () => tf.randomNormal<tf.Rank.R4>([16, 32, 32, 3], 0, 1, "float32", 7)

onEveryEngine("norms that came folded", () => {
  test("get statistics with which training and testing say what the folded network says", () => {
    const { said, weights } = foldedWeights()
    const norms = foldedNorms(weights)
    const layer2 = ["bn1", "bn2", "bn3", "downsample.1"].map((name) => `layer2.0.${name}`)
    expect([...norms].sort()).toEqual(["bn1", "layer1.0.bn1", "layer1.0.bn2", ...layer2])
    const parameters = new Parameters(seededRandom(3), weights)
    const network = build(parameters)
    const train = () => tf.tidy(() => network.train(images()).dataSync())
    const test = () => tf.tidy(() => network.forward(images()).dataSync())
    expectClose(test(), said, 1e-4)
    // In training it is another network; observed, that its statistics stay.
    const unmoved = tf.tidy(() => network.train(images(), () => {}).dataSync())
    expect(() => expectClose(unmoved, said, 0.2)).toThrow()

    const batch = images()
    const tensors = tf.memory().numTensors
    unfoldNorms(network, parameters, norms, batch)
    expect(tf.memory().numTensors).toBe(tensors)
    batch.dispose()
    expectClose(test(), said, 1e-3)
    expectClose(train(), said, 1e-2)
    // Each filter is as large as in a new network: else those that a norm made small learn too fast.
    for (const { name, kind, variable } of parameters) {
      if (kind !== "conv") continue
      const sizes = tf.tidy(() => tf.sqrt(tf.sum(tf.square(variable), [0, 1, 2])).dataSync())
      const dead = name === "layer1.0.conv1.weight" ? sizes.length - 1 : undefined
      expectClose(
        sizes,
        sizes.map((_, filter) => (filter === dead ? 0 : Math.SQRT2)),
        1e-5,
      )
    }
    parameters.dispose()
  })
})
