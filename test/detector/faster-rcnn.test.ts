import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, describe, expect, test } from "vitest"
import { iou } from "../../src/boxes/iou.js"
import { mixSeeds, seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { selectOptions } from "../../src/roi/select.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { imageSize, prepareBatch, rectangles, tinyDetector } from "../support/tiny-detector.js"

function trainer() {
  const { detector, parameters } = tinyDetector()
  const optimizer = new Sgd(parameters.trainable())
  const { pixels, shape, images } = rectangles()
  const step = async (seed: number, rate: number) => {
    const batch = await prepareBatch(detector, { pixels, shape, images })
    try {
      const losses = () => detector.losses(batch, seededRandom(seed))
      return (await trainStep(losses, parameters.trainable(), optimizer, { rate, clipNorm: 10 })).losses
    } finally {
      batch.dispose()
    }
  }
  return { detector, parameters, optimizer, step }
}

const losses: Record<string, Record<string, number>> = {}

onEveryEngine("a training step", () => {
  test("gives the same losses twice, leaves no tensor behind, and moves every trainable parameter alone", async () => {
    const { parameters, step } = trainer()
    const before = [...parameters].map(({ variable }) => variable.dataSync().slice())
    const first = await step(1, 0.01)
    const tensors = tf.memory().numTensors
    await step(2, 0.01)
    expect(tf.memory().numTensors).toBe(tensors)
    expect(await trainer().step(1, 0.01)).toEqual(first)
    const moved = [...parameters].map(({ variable }, i) =>
      variable.dataSync().some((value, k) => value !== before[i]![k]),
    )
    expect(moved).toEqual([...parameters].map(({ trainable }) => trainable))
    losses[tf.getBackend()] = first
  })

  test("of images without any object teaches background, with no box losses", async () => {
    const { detector } = tinyDetector()
    const empty = {
      boxes: new Float32Array(0),
      labels: new Int32Array(0),
      crowd: new Uint8Array(0),
      difficult: new Uint8Array(0),
    }
    const { pixels, shape } = rectangles()
    const images = [0, 1].map(() => ({ height: 96, width: 128, ...empty }))
    const batch = await prepareBatch(detector, { pixels, shape, images })
    tf.tidy(() => {
      const found = detector.losses(batch, seededRandom(1))
      expect(found.loss_rpn_box_reg.dataSync()[0]).toBe(0)
      expect(found.loss_box_reg.dataSync()[0]).toBe(0)
      expect(found.loss_objectness.dataSync()[0]).toBeGreaterThan(0)
      expect(found.loss_classifier.dataSync()[0]).toBeGreaterThan(0)
    })
  })

  test("detecting leaves no tensor behind and keeps boxes inside their own image", async () => {
    const { detector } = tinyDetector()
    const { pixels, shape } = rectangles()
    const images = tf.tensor4d(pixels, shape)
    const tensors = tf.memory().numTensors
    const found = await detector.detect(images, [imageSize, [50, 60]], selectOptions({ score: 0 }))
    expect(tf.memory().numTensors).toBe(tensors)
    expect(found).toHaveLength(2)
    expect(Math.max(...found[0]!.boxes)).toBeGreaterThan(60)
    expect(Math.max(...found[1]!.boxes)).toBeLessThanOrEqual(60)
    images.dispose()
  })
})

onEveryEngine("global context", () => {
  test("widens the head, trains through the whole image's vector, and leaves no tensor behind", async () => {
    const { detector, parameters } = tinyDetector(2, undefined, { context: true })
    const weight = parameters.get("predictor.cls_score.weight")!.variable
    expect(weight.shape).toEqual([128, 3])
    // Without the regions' own half, whatever reaches conv5 came by way of the context.
    const own = tf.tidy(() => tf.concat([tf.zeros([64, 3]), tf.slice(weight, [64, 0])]))
    weight.assign(own)
    own.dispose()
    const { pixels, shape, images } = rectangles()
    const conv5 = parameters.get("conv5.weight")!.variable
    const tensors = tf.memory().numTensors
    const batch = await prepareBatch(detector, { pixels, shape, images })
    tf.tidy(() => {
      const loss = () => detector.losses(batch, seededRandom(1)).loss_classifier
      const { grads } = tf.variableGrads(loss, [conv5])
      expect(Math.max(...grads[conv5.name]!.dataSync().map(Math.abs))).toBeGreaterThan(1e-4)
    })
    batch.dispose()
    expect(tf.memory().numTensors).toBe(tensors)
    parameters.dispose()
  })

  test("looks at each image's own part of the batch", async () => {
    const { detector } = tinyDetector(2, undefined, { context: true })
    const { pixels, shape } = rectangles()
    const one = (n: number) => pixels.slice((n * pixels.length) / 2, ((n + 1) * pixels.length) / 2)
    const alone = await Promise.all(
      [0, 1].map((n) => detector.detect(tf.tensor4d(one(n), [1, shape[1], shape[2], 3]), [imageSize])),
    )
    const together = await detector.detect(tf.tensor4d(pixels, shape), [imageSize, imageSize])
    alone.forEach(([found], n) => {
      expect([...together[n]!.labels]).toEqual([...found!.labels])
      expectClose(together[n]!.scores, found!.scores)
      expectClose(together[n]!.boxes, found!.boxes)
    })
    expect(together[0]!.scores.length).toBeGreaterThan(0)
  })
})

test("all engines agree on the losses", async () => {
  const [first, ...others] = Object.values(losses)
  for (const other of others) {
    for (const [name, value] of Object.entries(first!)) expect(other[name]).toBeCloseTo(value, 4)
  }
})

describe("learning", () => {
  beforeAll(async () => {
    await startEngine()
  })

  test("two pictures are learnt by heart: every object found once, nothing else as sure", async () => {
    const { detector, step } = trainer()
    for (let i = 0; i < 250; i++) await step(mixSeeds(1, i), 0.02 * Math.min(1, i / 20))
    const { pixels, shape, images } = rectangles()
    const input = tf.tensor4d(pixels, shape)
    const sure = selectOptions({ score: 0.5, nmsThreshold: 0.3 })
    const found = await detector.detect(input, [imageSize, imageSize], sure)
    images.forEach((image, n) => {
      const { boxes, labels } = found[n]!
      image.labels.forEach((label, g) => {
        const hits = [...labels.keys()].filter((d) => labels[d] === label && iou(boxes, d, image.boxes, g) > 0.7)
        expect(hits, `image ${n}, object ${g}`).toHaveLength(1)
      })
    })
  })
})

test("the losses beside what is found are those of a step that moves nothing, and come again", async () => {
  const { detector, parameters } = tinyDetector()
  const { pixels, shape, images } = rectangles()
  const before = [...parameters].map(({ variable }) => variable.dataSync().slice())
  const input = tf.tensor4d(pixels, [...shape])
  const tensors = tf.memory().numTensors
  const { found, losses } = await detector.detectWithLosses(input, images, seededRandom(5))
  expect(found).toEqual(
    await detector.detect(
      input,
      images.map(({ height, width }) => [height, width]),
    ),
  )
  expect((await detector.detectWithLosses(input, images, seededRandom(5))).losses).toEqual(losses)
  expect(tf.memory().numTensors).toBe(tensors)
  const batch = await prepareBatch(detector, { pixels, shape, images })
  const trained = tf.tidy(() =>
    Object.entries(detector.losses(batch, seededRandom(5))).map(([name, loss]) => [name, loss.dataSync()[0]!]),
  )
  expect(losses).toEqual(Object.fromEntries(trained))
  expect([...parameters].map(({ variable }) => variable.dataSync())).toEqual(before)
  tf.dispose(input)
  batch.dispose()
})
