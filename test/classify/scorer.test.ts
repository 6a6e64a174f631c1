import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { makeScorer } from "../../src/classify/scorer.js"
import { resizeShorterSide, wholeImage, writeCrops } from "../../src/classify/test-crops.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { OpenClassifier } from "../../src/weights/open-model.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const values = imageNet

/** A fresh network whose scores differ well from class to class. */
function classifier(name: string, size: number, seed: number, classes = ["cat", "dog", "owl"]): OpenClassifier {
  const parameters = new Parameters(seededRandom(seed))
  // Of a network on ImageNet's pattern the scorer asks only whether it sees images whole.
  const spec = name === "resnet18" ? tinyNetwork : networkSpec(name)
  const network = new ResNet(new Scope(parameters), spec, { classes: classes.length })
  const { variable } = parameters.get("fc.weight")!
  tf.tidy(() => variable.assign(tf.mul(variable, 30)))
  return { network, parameters, classes, training: {}, config: { network: name, options: {}, size, ...values } }
}

function picture(height: number, width: number, seed: number): RgbImage {
  const random = seededRandom(seed)
  const tint = [random.uniform(), random.uniform(), random.uniform()]
  const pixels = Uint8Array.from({ length: 3 * height * width }, (_, i) => 255 * tint[i % 3]! * random.uniform())
  return { data: pixels, height, width }
}

/** Softmax of single pictures `[height, width, 3]`, and the mean of them. */
function meanOf(
  network: ResNet,
  inputs: readonly Float32Array[],
  [height, width]: readonly [number, number],
): number[] {
  const each = inputs.map((input) =>
    tf.tidy(() => tf.softmax(network.forward(tf.tensor4d(input, [1, height, width, 3]))).dataSync()),
  )
  return Array.from(each[0]!, (_, k) => each.reduce((sum, one) => sum + one[k]! / each.length, 0))
}

function cropsOf(image: RgbImage, count: 1 | 10): Float32Array[] {
  const out = new Float32Array(count * 3 * 32 * 32)
  writeCrops(image, { size: 32, resize: 37 }, count, values, out, 0)
  return Array.from({ length: count }, (_, k) => out.slice(k * 3 * 32 * 32, (k + 1) * 3 * 32 * 32))
}

onEveryEngine("a scorer", () => {
  test("scores the mean of softmax over an image's crops, however they are batched", async () => {
    const one = classifier("resnet18", 32, 1)
    const images = [picture(40, 50, 1), picture(45, 35, 2), picture(37, 37, 3)]
    for (const count of [1, 10] as const) {
      const expected = images.flatMap((image) => meanOf(one.network, cropsOf(image, count), [32, 32]))
      // Scores must differ from image to image, else the order could not be told.
      expect(Math.abs(expected[0]! - expected[3]!)).toBeGreaterThan(1e-3)
      for (const batch of [3, 20]) {
        const scorer = makeScorer([one], { procedure: { kind: "crops", count }, batch })
        expectClose(await scorer.score(images), expected, 1e-4)
      }
    }
    one.parameters.dispose()
  })

  test("tests densely with the pool of training: the training size gives its one view", async () => {
    const one = classifier("resnet18", 32, 2)
    const image = picture(32, 32, 4)
    const whole = meanOf(one.network, [wholeImage(image, values)], [32, 32])
    const dense = (image: RgbImage, ...scales: number[]) =>
      makeScorer([one], { procedure: { kind: "dense", scales } }).score([image])
    expectClose(await dense(image, 32), whole, 1e-4)
    // 40 pixels are 5x5 cells: the pool of 4x4 stands at four places.
    const places = tf.tidy(() => {
      const large = resizeShorterSide(image, 40)
      const maps = one.network.stages(tf.tensor4d(wholeImage(large, values), [1, 40, 40, 3])).at(-1)!
      const weight = one.parameters.get("fc.weight")!.variable as tf.Tensor as tf.Tensor2D
      const scores = [0, 1].flatMap((y) =>
        [0, 1].map((x) => {
          const pooled = tf.mean<tf.Tensor2D>(tf.slice(maps, [0, y, x, 0], [1, 4, 4, -1]), [1, 2])
          return tf.softmax(tf.matMul(pooled, weight))
        }),
      )
      return tf.mean(tf.stack(scores), 0).dataSync()
    })
    expectClose(await dense(image, 40), places, 1e-4)
    const mean = Float64Array.from(whole, (score, k) => (score + places[k]!) / 2)
    expectClose(await dense(image, 32, 40), mean, 1e-4)
    one.parameters.dispose()
  })

  test("averages what several networks score", async () => {
    const pair = [classifier("cifar_resnet20", 32, 3), classifier("cifar_plain20", 32, 4)] as const
    const images = [picture(32, 32, 5), picture(32, 32, 6)]
    const [a, b] = await Promise.all(pair.map((one) => makeScorer([one]).score(images)))
    expect(Math.abs(a![0]! - b![0]!)).toBeGreaterThan(1e-3)
    const before = tf.memory().numTensors
    const together = await makeScorer(pair).score(images)
    expect(tf.memory().numTensors).toBe(before)
    expectClose(
      together,
      a!.map((score, i) => (score + b![i]!) / 2),
      1e-5,
    )
    expect(together.subarray(0, 3).reduce((x, y) => x + y)).toBeCloseTo(1, 5)
    makeScorer(pair).dispose()
    expect(tf.memory().numTensors).toBeLessThan(before)
  })
})

test("networks of other classes are not averaged", () => {
  const first = classifier("cifar_resnet20", 32, 1)
  const renamed = classifier("cifar_resnet20", 32, 1, ["cat", "cow", "owl"])
  const fewer = classifier("cifar_resnet20", 32, 1, ["cat", "dog"])
  expect(() => makeScorer([first, renamed])).toThrow(
    'weights 2 cannot be averaged with weights 1: it has "cow" where that has "dog". Their classes must be the same',
  )
  expect(() => makeScorer([first, first, fewer])).toThrow(
    "weights 3 cannot be averaged with weights 1: it knows 2 classes, that 3. Their classes must be the same",
  )
  expect(() => makeScorer([first], { procedure: { kind: "crops", count: 10 } })).toThrow(
    "cifar_resnet20 sees images whole",
  )
  for (const { parameters } of [first, renamed, fewer]) parameters.dispose()
})
