import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { MeanPicture, meanPictureName } from "../../src/backbone/mean-picture.js"
import { Parameters, Scope, type Weights } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const input = { mean: [0.5, 0.25, 0], std: [0.5, 0.25, 2] } as const

/** Weights with a picture of this value at every place, channel by channel, and 0.1 more at each next place. */
function pictured(size: number): Weights {
  const values = Float32Array.from({ length: 3 * size * size }, (_, i) => [0.5, 0.3, 0.2][i % 3]! + i / 300)
  return new Map([[meanPictureName, { shape: [size, size, 3], values }]])
}

/** A picture whose values 0..1 are `value(i)`, as loaders hand it over. */
function entering(shape: [number, number, number, number], value: (i: number) => number): tf.Tensor4D {
  const length = shape.reduce((a, b) => a * b)
  return tf.tensor4d(
    Float32Array.from({ length }, (_, i) => (value(i) - input.mean[i % 3]!) / input.std[i % 3]!),
    shape,
  )
}

onEveryEngine("a mean picture", () => {
  test("is taken off at each place of an input of its size, whatever stands there", () => {
    const scope = new Scope(new Parameters(seededRandom(1), pictured(2)))
    const picture = new MeanPicture(scope, { ...input, size: 2 })
    // Two images, the second the mirror image of the first: the picture is not mirrored.
    const reds = [0.1, 0.9, 0.2, 0.8]
    const value = (i: number) => {
      const [n, place, c] = [Math.floor(i / 12), Math.floor(i / 3) % 4, i % 3]
      return c === 0 ? reds[n === 0 ? place : place ^ 1]! : 0.7
    }
    const images = entering([2, 2, 2, 3], value)
    const before = tf.memory().numTensors
    const rest = picture.subtract(images)
    expect(tf.memory().numTensors).toBe(before + 1)
    const expected = Array.from({ length: 24 }, (_, i) => {
      const mean = [0.5, 0.3, 0.2][i % 3]! + (i % 12) / 300
      return (value(i) - mean) / input.std[i % 3]!
    })
    expectClose(rest.dataSync(), expected, 1e-6)
    for (const shape of [
      [1, 2, 3, 3],
      [1, 3, 2, 3],
      [1, 4, 4, 3],
    ] as const) {
      const other = entering([...shape], () => 0.3)
      expect(picture.subtract(other)).toBe(other)
    }
    scope.parameters.dispose()
  })

  test("changes nothing where the weights hold none", () => {
    const parameters = new Parameters(seededRandom(1))
    const picture = new MeanPicture(new Scope(parameters), { ...input, size: 2 })
    const images = entering([1, 2, 2, 3], (i) => i / 12)
    expectClose(picture.subtract(images).dataSync(), images.dataSync(), 1e-6)
    expect(parameters.trainable()).toEqual([])
    parameters.dispose()
  })

  test("is taken off in training, in testing, densely and where responses are measured", () => {
    const made = (meanPicture?: { size: number }) => {
      const parameters = new Parameters(seededRandom(3), pictured(32))
      const options = { classes: 3, meanPicture: meanPicture && { ...input, ...meanPicture } }
      return { parameters, network: new ResNet(new Scope(parameters), tinyNetwork, options) }
    }
    const [plain, with32, with16] = [made(), made({ size: 32 }), made({ size: 16 })]
    const images = entering([2, 32, 32, 3], (i) => (i % 256) / 255)
    const rest = new MeanPicture(new Scope(new Parameters(seededRandom(1), pictured(32))), { ...input, size: 32 })
    const less = rest.subtract(images)
    const passes = {
      forward: (network: ResNet, x: tf.Tensor4D) => network.forward(x),
      dense: (network: ResNet, x: tf.Tensor4D) => network.dense(x, 4),
      observe: (network: ResNet, x: tf.Tensor4D) => {
        const maps: tf.Tensor4D[] = []
        network.observe(x, (output) => maps.push(output.maps as tf.Tensor4D))
        return maps[0]!
      },
      train: (network: ResNet, x: tf.Tensor4D) => network.train(network.frozenFeatures(x)),
    }
    for (const [name, pass] of Object.entries(passes)) {
      const run = (network: ResNet, x: tf.Tensor4D) => tf.tidy(() => pass(network, x).dataSync())
      expect([...run(with32.network, images)], name).toEqual([...run(plain.network, less)])
      expect([...run(with16.network, images)], name).toEqual([...run(plain.network, images)])
      expect([...run(with32.network, images)], name).not.toEqual([...run(plain.network, images)])
    }
    for (const { parameters } of [plain, with32, with16]) parameters.dispose()
  })
})
