import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { outputsAt, placesOf } from "../../src/localize/class-head.js"
import { anchorPlaces, neighbours } from "../../src/rpn/anchor-places.js"
import { type AnchorOutputs, RpnHead, type RpnHeadSizes } from "../../src/rpn/head.js"
import { expectClose } from "../support/close.js"
import { onAwaitedEngines } from "../support/engines.js"

const channels = 8
const perCell = 3
const sizes: [number, number][] = [
  [5, 4],
  [3, 2],
  [1, 1],
]
const mapSizes = sizes.map(([height, width]) => [2, height, width] as const)
const total = sizes.reduce((sum, [height, width]) => sum + height * width * perCell, 0)
/** Corners, borders, the inside, every level, one anchor twice, two of one cell; in no order. */
const wanted = [
  [0, 59, 33, 31, total - 1, 60, 31, 12],
  [77, 2, 62],
]

function made(depth: number, kind: Partial<RpnHeadSizes> = {}) {
  const random = seededRandom(depth)
  const parameters = new Parameters(seededRandom(1))
  const head = new RpnHead(new Scope(parameters), { channels, anchors: perCell, depth, ...kind })
  for (const { variable } of parameters) {
    tf.tidy(() => {
      const values = Float32Array.from({ length: variable.size }, () => 0.3 * random.normal())
      variable.assign(tf.tensor(values, variable.shape))
    })
  }
  const levels = sizes.map(([height, width]) => {
    const values = Float32Array.from({ length: 2 * height * width * channels }, () => random.normal())
    return tf.variable(tf.tensor4d(values, [2, height, width, channels])) as tf.Variable<tf.Rank.R4>
  })
  return { head, variables: [...levels, ...[...parameters].map(({ variable }) => variable)], levels }
}

await onAwaitedEngines("what the RPN says of some anchors", () => {
  test.each([
    [1, {}],
    [2, {}],
    [1, { objectness: "softmax", width: 5 }],
  ] as const)("is what it says of all, %i convolutions deep (%o), and so are the gradients", async (depth, kind) => {
    const { head, variables, levels } = made(depth, kind)
    const weights = tf.tensor2d(
      Array.from({ length: 11 * 5 }, (_, i) => Math.sin(i + 1)),
      [11, 5],
    )
    const slopes = async (say: () => AnchorOutputs) => {
      const { logits, deltas } = tf.tidy(() => ({ ...say() }))
      const loss = () => {
        const said = say()
        const joined = tf.concat([tf.reshape(said.logits, [-1, 1]), said.deltas], 1)
        return tf.sum(tf.mul(joined, weights)) as tf.Scalar
      }
      const { grads } = tf.variableGrads(loss, variables)
      const gradients = await Promise.all(variables.map(async ({ name }) => [...(await grads[name]!.data())]))
      return { said: [[...(await logits.data())], [...(await deltas.data())]], gradients }
    }
    const expected = await slopes(() => outputsAt(head.apply(levels), placesOf(wanted, total)))
    const actual = await slopes(() => head.applyAt(levels, head.places(mapSizes, wanted)))
    for (const part of [0, 1]) expectClose(actual.said[part]!, expected.said[part]!)
    for (const [i, gradient] of expected.gradients.entries()) {
      expect(gradient.some((value) => value !== 0)).toBe(true)
      expectClose(actual.gradients[i]!, gradient)
    }
    tf.dispose(variables)
  })

  test("by softmax is the logit of its second half less that of its first, by which its sigmoid is the softmax", async () => {
    const { head, variables, levels } = made(1, { objectness: "softmax" })
    const [bias] = variables.filter(({ shape }) => shape.join() === `${2 * perCell}`) as tf.Variable<tf.Rank.R1>[]
    const before = await head.apply(levels).logits.data()
    bias!.assign(tf.add(bias!, tf.tensor1d([1, 2, 3, 10, 20, 30])))
    const after = await head.apply(levels).logits.data()
    const change = [...after].map((value, at) => value - before[at]!)
    expectClose(
      change,
      change.map((_, at) => [9, 18, 27][at % perCell]!),
    )
    tf.dispose(variables)
  })

  test("of none is nothing, and of one image's none the other's", async () => {
    const { head, levels, variables } = made(1)
    const none = head.applyAt(levels, head.places(mapSizes, [[], []]))
    expect([none.logits.shape, none.deltas.shape]).toEqual([[0], [0, 4]])
    const second = head.applyAt(levels, head.places(mapSizes, [[], [77]]))
    expectClose(
      await second.logits.data(),
      await outputsAt(head.apply(levels), placesOf([[], [77]], total)).logits.data(),
    )
    tf.dispose(variables)
  })
})

test("anchors are sorted by level, with their cells over all images' maps and their places in the list", () => {
  const places = anchorPlaces(
    [
      [2, 2, 3],
      [2, 1, 2],
    ],
    2,
    [
      [13, 0],
      [12, 11, 3],
    ],
  )
  // Twelve anchors of an image on the first level, four on the second.
  expect(places).toEqual([
    { cells: Int32Array.of(0, 11, 7), anchors: Int32Array.of(0, 1, 1), order: Int32Array.of(1, 3, 4) },
    { cells: Int32Array.of(0, 2), anchors: Int32Array.of(1, 0), order: Int32Array.of(0, 2) },
  ])
})

test("neighbours beyond the map are told, and never taken from the next row or the next image", () => {
  const around = neighbours([2, 2, 2], Int32Array.of(1, 4), Float32Array.of(1, 1))
  expect([...around.inside]).toEqual([0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1])
  expect([...around.cells]).toEqual([0, 0, 0, 0, 1, 0, 2, 3, 0, 0, 0, 0, 0, 4, 5, 0, 6, 7])
  expect([...neighbours([1, 3, 3], Int32Array.of(4), Float32Array.of(0)).inside]).toEqual(new Array(9).fill(0))
})
