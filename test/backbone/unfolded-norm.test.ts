import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { createBackbone } from "../../src/backbone/backbone.js"
import { resNetBackbone } from "../../src/backbone/resnet.js"
import { Parameters, Scope, type Weights } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { NormKind } from "../../src/layers/ops.js"
import { adaptNorms, normOf } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { learnNorms, weightsOf } from "../support/learned-norms.js"
import { tinyNetwork } from "../support/tiny-network.js"

/** What the file's norms add to their variance: not what ours do. */
const epsilon = 0.1

const images = () => tf.randomNormal<tf.Rank.R4>([2, 32, 32, 3], 0, 1, "float32", 7)

const build = (norm: NormKind, weights?: Weights) => {
  const parameters = new Parameters(seededRandom(1), weights)
  const backbone = createBackbone(new Scope(parameters), resNetBackbone(tinyNetwork, { norm, freezeAt: 0 }))
  return { parameters, backbone }
}

/** Weights whose batch norms have learnt something, with a bias before one of them, as some networks have it. */
function learned(): Weights {
  const { parameters } = build("batch")
  learnNorms(parameters)
  const weights = weightsOf(parameters)
  parameters.dispose()
  const bias = Float32Array.from({ length: 32 }, seededRandom(3).normal)
  return new Map([...weights, ["layer1.0.conv2.bias", { shape: [32], values: bias }]])
}

onEveryEngine("a frozen norm beside its convolution", () => {
  test("says what the folded one does, and its filters learn at the size that they have in the file", () => {
    const weights = learned()
    const made = (["frozen", "unfolded"] as const).map((norm) => {
      const { parameters, backbone } = build(
        norm,
        adaptNorms(weights, () => norm, epsilon),
      )
      expect([...parameters.initialised, ...parameters.unused()]).toEqual([])
      const trained = parameters.trainable()
      const input = images()
      const features = () => backbone.train(backbone.frozen(input))[0]!
      const said = tf.tidy(() => features().dataSync())
      const gradients = new Map<string, Float32Array>()
      tf.tidy(() => {
        const variables = trained.map(({ variable }) => variable)
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(features())) as tf.Scalar, variables)
        for (const { name, variable } of trained) gradients.set(name, grads[variable.name]!.dataSync<"float32">())
      })
      input.dispose()
      parameters.dispose()
      return { said, gradients }
    })
    const [folded, unfolded] = made as [(typeof made)[0], (typeof made)[0]]
    expectClose(unfolded.said, folded.said, 1e-4)
    // Scale, offset and statistics stay as they are.
    expect([...unfolded.gradients.keys()]).toEqual([...folded.gradients.keys()])
    for (const [name, gradient] of unfolded.gradients) {
      const norm = normOf(name.replace(/\.weight$/, ""))!
      const [scale, variance] = ["weight", "running_var"].map((part) => weights.get(`${norm}.${part}`)!.values)
      const factor = (at: number) => scale![at % scale!.length]! / Math.sqrt(variance![at % scale!.length]! + epsilon)
      const expected = folded.gradients.get(name)!.map((value, at) => value * factor(at))
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1)
      expectClose(gradient, expected, 1e-3)
    }
  })
})
