import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { resNetSpec, restride } from "../../src/backbone/architecture.js"
import type { NormKind } from "../../src/backbone/norm.js"
import { ResNet, Trunk } from "../../src/backbone/resnet.js"
import { Stage } from "../../src/backbone/stage.js"
import { summarize } from "../../src/backbone/summary.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const fresh = () => new Parameters(seededRandom(1))
const images = (count: number, height: number, width: number) =>
  tf.randomNormal<tf.Rank.R4>([count, height, width, 3], 0, 1, "float32", 3)

onEveryEngine("Trunk", () => {
  test("of ResNet-18 gives conv4's maps at stride 16, sizes rounded up", () => {
    const parameters = fresh()
    const trunk = new Trunk(new Scope(parameters), resNetSpec(18))
    expect(tf.tidy(() => trunk.features(images(1, 37, 50)).shape)).toEqual([1, 3, 4, 256])
    expect([trunk.channels, trunk.stride]).toEqual([256, 16])
    parameters.dispose()
  })

  test("what is frozen does not train, by torchvision's names", () => {
    const parameters = fresh()
    new Trunk(new Scope(parameters, "backbone."), tinyNetwork, { frozen: 2, norm: "batch" })
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
    const trunk = new Trunk(new Scope(parameters), tinyNetwork)
    const input = images(1, 33, 40)
    const below = tf.tidy(() => trunk.frozen(input))
    const variables = parameters.trainable().map(({ variable }) => variable)
    const gradients = (maps: () => tf.Tensor4D) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(maps())) as tf.Scalar, variables)
        return variables.map(({ name }) => grads[name]!.dataSync())
      })
    const all = gradients(() => trunk.train(trunk.frozen(input)))
    const upper = gradients(() => trunk.train(below))
    for (const [at, gradient] of upper.entries()) expectClose(gradient, all[at]!)
    expect(Math.max(...upper[0]!.map(Math.abs))).toBeGreaterThan(0)
    parameters.dispose()
  })

  test("the pyramid holds every stage's maps and ends with the features", () => {
    const parameters = fresh()
    const trunk = new Trunk(new Scope(parameters), tinyNetwork)
    const input = images(1, 64, 64)
    const levels = tf.tidy(() => trunk.pyramid(input))
    expect(levels.map(({ shape }) => shape)).toEqual([
      [1, 16, 16, 32],
      [1, 8, 8, 64],
    ])
    expectClose(levels[1]!.dataSync(), tf.tidy(() => trunk.features(input)).dataSync())
    parameters.dispose()
  })
})

onEveryEngine("Stage", () => {
  test("conv5 halves 7x7 maps, or keeps them at stride 1", () => {
    const spec = tinyNetwork.stages[1]!
    const sizes = [spec, restride(spec, 1)].map((stage) => {
      const parameters = fresh()
      const conv5 = new Stage(new Scope(parameters), stage, "group")
      const shape = tf.tidy(() => conv5.forward(tf.ones([3, 7, 7, 32])).shape)
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
