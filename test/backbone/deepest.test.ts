import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { softmaxCrossEntropy } from "../../src/core/losses.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"
import { onEveryEngine } from "../support/engines.js"

onEveryEngine("1202 layers", () => {
  test("run forward, take training steps that change the first filter, and leave no tensor", {
    timeout: 240_000,
  }, async () => {
    const parameters = new Parameters(seededRandom(1))
    const network = new ResNet(new Scope(parameters), networkSpec("cifar_resnet1202"))
    const images = tf.randomNormal<tf.Rank.R4>([2, 8, 8, 3], 0, 1, "float32", 1)
    const labels = tf.tensor1d([3, 7], "int32")
    const first = parameters.get("conv1.weight")!.variable
    const before = first.dataSync().slice()
    const optimizer = new Sgd(parameters.trainable())
    const step = () =>
      trainStep(
        () => ({ loss_classifier: tf.mean(softmaxCrossEntropy(network.train(images), labels)) as tf.Scalar }),
        parameters.trainable(),
        optimizer,
        { rate: 0.01, clipNorm: Number.POSITIVE_INFINITY },
      )
    expect((await step()).losses.loss).toBeGreaterThan(0)
    expect(first.dataSync()).not.toEqual(before)
    const tensors = tf.memory().numTensors
    await step()
    const logits = tf.tidy(() => network.forward(images).dataSync())
    expect(logits.every(Number.isFinite)).toBe(true)
    expect(tf.memory().numTensors).toBe(tensors)
    tf.dispose([images, labels])
    optimizer.dispose()
    parameters.dispose()
  })
})
