import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { resNetSpec } from "../../src/backbone/architecture.js"
import { createBackbone } from "../../src/backbone/backbone.js"
import { type FpnSpec, fpn, fpnBackbone } from "../../src/backbone/fpn.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { createParameters } from "../../src/layers/parameters.js"
import { testingOps } from "../../src/layers/tensor-ops.js"
import { onEveryEngine } from "../support/engines.js"

/** A pyramid with fresh parameters. */
function build(channels: readonly number[]) {
  const spec: FpnSpec = { channels, norm: "none" }
  const parameters = new Parameters(seededRandom(1))
  const scope = new Scope(parameters)
  createParameters(scope, (ops) =>
    fpn(
      ops,
      spec,
      channels.map(() => null),
    ),
  )
  return { parameters, apply: (maps: readonly tf.Tensor[]) => fpn(testingOps(scope), spec, maps) }
}

onEveryEngine("a feature pyramid", () => {
  test("takes maps of odd sides: each level as large as its map, one more of half the last one's size", () => {
    const { parameters, apply } = build([2, 3])
    const maps = [tf.ones([1, 5, 7, 2]), tf.ones([1, 3, 4, 3])] as tf.Tensor4D[]
    const before = tf.memory().numTensors
    const shapes = tf.tidy(() => apply(maps).map(({ shape }) => shape))
    expect(shapes).toEqual([
      [1, 5, 7, 256],
      [1, 3, 4, 256],
      [1, 2, 2, 256],
    ])
    expect(tf.memory().numTensors).toBe(before)
    parameters.dispose()
  })

  test("adds to each cell the coarser level's cell above it", () => {
    const { parameters, apply } = build([1, 1])
    tf.tidy(() => {
      // 1x1 layers that copy, 3x3 layers that keep the middle: what is left is the sum itself.
      for (const level of [0, 1]) {
        parameters.get(`inner_blocks.${level}.0.weight`)!.variable.assign(tf.ones([1, 1, 1, 256]))
        const middle = tf.pad(tf.reshape(tf.eye(256), [1, 1, 256, 256]), [
          [1, 1],
          [1, 1],
          [0, 0],
          [0, 0],
        ])
        parameters.get(`layer_blocks.${level}.0.weight`)!.variable.assign(middle)
      }
      const fine: tf.Tensor4D = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
      const coarse: tf.Tensor4D = tf.tensor4d([10, 20, 30, 40], [1, 2, 2, 1])
      const [p2] = apply([fine, coarse])
      const first = tf.slice(p2!, [0, 0, 0, 0], [1, 3, 3, 1]).dataSync()
      expect([...first]).toEqual([11, 12, 23, 14, 15, 26, 37, 38, 49])
    })
    parameters.dispose()
  })
})

test.each([0, 1, 2, 3, 5])("with %d parts frozen these do not learn, and the levels are the same", (frozen) => {
  const levels = (parts: number) => {
    const parameters = new Parameters(seededRandom(1))
    const spec = fpnBackbone(resNetSpec(18), { norm: "group", freezeAt: parts, pyramidNorm: "none" })
    const backbone = createBackbone(new Scope(parameters), spec)
    const sums = tf.tidy(() =>
      backbone.features(backbone.frozen(tf.ones([1, 32, 64, 3]))).map((maps) => tf.sum(maps).dataSync()[0]),
    )
    const learning = parameters.trainable().map(({ name }) => name)
    parameters.dispose()
    return { sums, learning }
  }
  const { sums, learning } = levels(frozen)
  expect(sums).toEqual(levels(0).sums)
  const parts = ["conv1", "layer1", "layer2", "layer3", "layer4"]
  const learns = (part: string) => learning.some((name) => name.startsWith(`body.${part}.`))
  expect(parts.map(learns)).toEqual(parts.map((_, index) => index >= frozen))
})
