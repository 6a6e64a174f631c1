import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { resNetSpec, restride } from "../../src/backbone/architecture.js"
import { createBackbone } from "../../src/backbone/backbone.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { type ResNetBackboneOptions, resNetBackbone, stage } from "../../src/backbone/resnet.js"
import { summarize } from "../../src/backbone/summary.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { NormKind } from "../../src/layers/ops.js"
import { createParameters } from "../../src/layers/parameters.js"
import { testingOps } from "../../src/layers/tensor-ops.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const fresh = () => new Parameters(seededRandom(1))
const images = (count: number, height: number, width: number) =>
  tf.randomNormal<tf.Rank.R4>([count, height, width, 3], 0, 1, "float32", 3)

const build = (scope: Scope, network = tinyNetwork, options: Partial<ResNetBackboneOptions> = {}) =>
  createBackbone(scope, resNetBackbone(network, options))

onEveryEngine("a ResNet backbone", () => {
  test("of ResNet-18 gives conv4's maps at stride 16, sizes rounded up", () => {
    const parameters = fresh()
    const backbone = build(new Scope(parameters), resNetSpec(18))
    const maps = (x: tf.Tensor4D) => backbone.features(backbone.frozen(x))[0]!
    expect(tf.tidy(() => maps(images(1, 37, 50)).shape)).toEqual([1, 3, 4, 256])
    expect([backbone.channels, backbone.strides]).toEqual([256, [16]])
    parameters.dispose()
  })

  test("what is frozen does not train, by torchvision's names", () => {
    const parameters = fresh()
    build(new Scope(parameters, "backbone."), tinyNetwork, { freezeAt: 2, norm: "batch" })
    expect(parameters.trainable().map(({ name }) => name)).toEqual(
      [
        "0.conv1.weight",
        "0.bn1.weight",
        "0.bn1.bias",
        "0.conv2.weight",
        "0.bn2.weight",
        "0.bn2.bias",
        "0.conv3.weight",
        "0.bn3.weight",
        "0.bn3.bias",
        "0.downsample.0.weight",
        "0.downsample.1.weight",
        "0.downsample.1.bias",
      ].map((name) => `backbone.layer2.${name}`),
    )
    parameters.dispose()
  })

  test("the gradient through the trainable parts alone is that through all", () => {
    const parameters = fresh()
    const backbone = build(new Scope(parameters))
    const input = images(1, 33, 40)
    const below = tf.tidy(() => backbone.frozen(input))
    const variables = parameters.trainable().map(({ variable }) => variable)
    const gradients = (maps: () => tf.Tensor4D) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(maps())) as tf.Scalar, variables)
        return variables.map(({ name }) => grads[name]!.dataSync())
      })
    const all = gradients(() => backbone.train(backbone.frozen(input))[0]!)
    const upper = gradients(() => backbone.train(below)[0]!)
    for (const [at, gradient] of upper.entries()) expectClose(gradient, all[at]!)
    expect(Math.max(...upper[0]!.map(Math.abs))).toBeGreaterThan(0)
    parameters.dispose()
  })

  test("a classifier's stages are every stage's maps and end with the backbone's features", () => {
    const parameters = fresh()
    const network = new ResNet(new Scope(parameters), tinyNetwork, { norm: "frozen" })
    const own = fresh()
    const backbone = build(new Scope(own))
    for (const { name, variable } of own) variable.assign(parameters.get(name)!.variable)
    const input = images(1, 64, 64)
    const levels = tf.tidy(() => network.stages(input))
    expect(levels.map(({ shape }) => shape)).toEqual([
      [1, 16, 16, 32],
      [1, 8, 8, 64],
    ])
    const features = tf.tidy(() => backbone.features(backbone.frozen(input))[0]!.dataSync())
    expectClose(levels[1]!.dataSync(), features)
    parameters.dispose()
  })
})

onEveryEngine("a stage", () => {
  test("conv5 halves 7x7 maps, or keeps them at stride 1", () => {
    const spec = tinyNetwork.stages[1]!
    const sizes = [spec, restride(spec, 1)].map((blocks) => {
      const parameters = fresh()
      const scope = new Scope(parameters)
      createParameters(scope, (ops) => stage(ops, blocks, "group", null))
      const shape = tf.tidy(() => stage<tf.Tensor>(testingOps(scope), blocks, "group", tf.ones([3, 7, 7, 32])).shape)
      parameters.dispose()
      return shape
    })
    expect(sizes).toEqual([
      [3, 4, 4, 64],
      [3, 7, 7, 64],
    ])
  })
})

onEveryEngine("ResNet", () => {
  test("has exactly the parameters that its summary counts", () => {
    const parameters = fresh()
    new ResNet(new Scope(parameters), tinyNetwork, { classes: 10 })
    const counted = [...parameters].filter(({ kind }) => kind !== "statistic")
    const count = counted.reduce((sum, { variable }) => sum + variable.size, 0)
    expect(count).toBe(summarize(tinyNetwork, { classes: 10 }).parameters)
    parameters.dispose()
  })

  test("batch statistics that have settled give nearly the same logits in training and testing", () => {
    const parameters = fresh()
    const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 5 })
    const batch = images(8, 48, 48)
    for (let pass = 0; pass < 60; pass++) tf.tidy(() => void network.train(batch))
    const [trained, tested] = tf.tidy(() => [network.train(batch).dataSync(), network.forward(batch).dataSync()])
    expectClose(tested, trained, 0.02)
    parameters.dispose()
  })

  test.each<NormKind>(["frozen", "batch", "group"])(
    "with %s norm learns two images by heart, and leaves no tensor",
    (norm) => {
      const parameters = fresh()
      const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 2, norm })
      const batch = images(2, 32, 32)
      const variables = parameters.trainable().map(({ variable }) => variable)
      const loss = () => {
        const scores = tf.logSoftmax(network.train(batch))
        return tf.neg(tf.mean(tf.sum(tf.mul(scores, tf.eye(2)), 1))) as tf.Scalar
      }
      const step = () =>
        tf.tidy(() => {
          const { value, grads } = tf.variableGrads(loss, variables)
          for (const variable of variables) variable.assign(tf.sub(variable, tf.mul(grads[variable.name]!, 0.05)))
          return value.dataSync()[0]!
        })
      const first = step()
      const tensors = tf.memory().numTensors
      let last = first
      for (let count = 0; count < 30; count++) last = step()
      expect(last).toBeLessThan(0.5 * first)
      expect(tf.memory().numTensors).toBe(tensors)
      parameters.dispose()
    },
  )
})
