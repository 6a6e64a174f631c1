import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { ClassHead } from "../../src/localize/class-head.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"

onEveryEngine("the head of a per-class RPN", () => {
  test("multiplies the features with its class's weights alone", () => {
    const weights = new Map([
      ["cls_logits.weight", { shape: [1, 1, 2, 2], values: Float32Array.of(1, 2, 3, 4) }],
      ["cls_logits.bias", { shape: [2], values: Float32Array.of(10, 20) }],
      ["bbox_pred.weight", { shape: [1, 1, 2, 8], values: Float32Array.from({ length: 16 }, (_, i) => i) }],
      ["bbox_pred.bias", { shape: [8], values: new Float32Array(8).fill(0.5) }],
    ])
    const parameters = new Parameters(seededRandom(0), weights)
    const head = new ClassHead(new Scope(parameters), { channels: 2, anchors: 1, numClasses: 2 })
    tf.tidy(() => {
      const { logits, deltas } = head.apply(
        tf.tensor4d([5, 7], [1, 1, 1, 2]),
        head.pairs({ images: [0, 0], labels: [2, 1] }),
      )
      expect([...logits.dataSync()]).toEqual([5 * 2 + 7 * 4 + 20, 5 * 1 + 7 * 3 + 10])
      expect([...deltas.dataSync()].slice(0, 4)).toEqual([4, 5, 6, 7].map((w) => 5 * w + 7 * (w + 8) + 0.5))
    })
    parameters.dispose()
  })

  test("equals the whole 1x1 convolution, of which it computes the asked classes' channels", () => {
    const parameters = new Parameters(seededRandom(3))
    const [channels, anchors, numClasses] = [6, 3, 4]
    const head = new ClassHead(new Scope(parameters), { channels, anchors, numClasses })
    tf.tidy(() => {
      const features = tf.randomNormal<tf.Rank.R4>([2, 3, 5, channels], 0, 1, "float32", 1)
      const filter = parameters.get("bbox_pred.weight")!.variable as tf.Tensor<tf.Rank.R4>
      const all = tf.slice(convolution(features, filter, null), [1, 0, 0, 12 * 2], [1, 3, 5, 12])
      const { logits, deltas } = head.apply(features, head.pairs({ images: [0, 1], labels: [1, 3] }))
      expect(logits.shape).toEqual([2, 45])
      expectClose(tf.slice(deltas, [1, 0, 0], [1, 45, 4]).dataSync(), all.dataSync())
    })
    parameters.dispose()
  })

  test("hands gradients to the asked classes' weights, and none to the others'", () => {
    const parameters = new Parameters(seededRandom(3))
    const head = new ClassHead(new Scope(parameters), { channels: 2, anchors: 1, numClasses: 3 })
    const weight = parameters.get("cls_logits.weight")!.variable
    tf.tidy(() => {
      const features = tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2])
      const ask = () => tf.sum(head.apply(features, head.pairs({ images: [0, 0], labels: [2, 2] })).logits) as tf.Scalar
      const { grads } = tf.variableGrads(ask, [weight])
      // Both places and both questions: 2 * (1 + 3) and 2 * (2 + 4), for class 2 of 3.
      expect([...grads[weight.name]!.dataSync()]).toEqual([0, 8, 0, 0, 12, 0])
    })
    parameters.dispose()
  })

  test("refuses the background and labels beyond its classes", () => {
    const parameters = new Parameters(seededRandom(3))
    const head = new ClassHead(new Scope(parameters), { channels: 2, anchors: 1, numClasses: 3 })
    const ask = (label: number) => () => head.pairs({ images: [0], labels: [label] })
    expect(ask(0)).toThrow("ClassHead.pairs: expected labels in 1..3, got 0")
    expect(ask(4)).toThrow("ClassHead.pairs: expected labels in 1..3, got 4")
    parameters.dispose()
  })
})
