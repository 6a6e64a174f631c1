import * as tf from "@tensorflow/tfjs-core"
import { expect } from "vitest"
import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import { openSample } from "../../datasets/open-sample.js"
import type { Backbone } from "../../src/backbone/backbone.js"
import { seededRandom } from "../../src/core/random.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import type { TrainingImage } from "../../src/detector/truths.js"
import { awaitReadback } from "../../src/engine/readback.js"

/** Asserts that an object keeps the contract of `Backbone`, for images of usual and of odd sizes. */
export async function isBackbone(backbone: Backbone): Promise<void> {
  const { channels, strides } = backbone
  expect(Number.isInteger(channels) && channels > 0, "channels is a whole number").toBe(true)
  expect(strides.length, "it gives a map at least").toBeGreaterThan(0)
  expect([...strides], "strides come finest first").toEqual([...new Set(strides)].sort((a, b) => a - b))
  for (const [height, width] of [
    [64, 96],
    [70, 37],
  ] as const) {
    const before = tf.memory().numTensors
    const images = noise([2, height, width, 3])
    const stem = tf.tidy(() => tf.clone(backbone.frozen?.(images) ?? images))
    const passes: Record<string, () => readonly tf.Tensor4D[]> = {
      features: () => backbone.features(stem),
      "features, again": () => backbone.features(stem),
      ...(backbone.train && { train: () => backbone.train!(stem, () => {}) }),
    }
    const sums: Record<string, number[]> = {}
    for (const [name, pass] of Object.entries(passes)) {
      const maps = tf.tidy(() => pass().map((map) => tf.clone(map)))
      await awaitReadback(maps)
      const shapes = strides.map((stride) => [2, Math.ceil(height / stride), Math.ceil(width / stride), channels])
      expect(
        maps.map(({ shape }) => shape),
        name,
      ).toEqual(shapes)
      sums[name] = maps.map((map) => map.dataSync<"float32">().reduce((sum, value) => sum + value, 0))
      expect(sums[name]!.every(Number.isFinite), `${name} are finite`).toBe(true)
      tf.dispose(maps)
    }
    expect(sums["features, again"], "the same image has the same features").toEqual(sums.features)
    tf.dispose([images, stem])
    expect(tf.memory().numTensors, "no tensor is left behind").toBe(before)
  }
}

/** Asserts that a detector of `numClasses` classes trains and detects as every detector does. */
export async function isDetector(detector: FasterRcnn, numClasses: number): Promise<void> {
  const [height, width] = [64, 96]
  const before = tf.memory().numTensors
  const images = noise([2, height, width, 3])
  const sizes = [
    [height, width],
    [50, 60],
  ] as const

  const batch = await detector.prepare(images, [
    truths(sizes[0], [8, 8, 40, 48], numClasses),
    truths(sizes[1], [], numClasses),
  ])
  const names = ["loss_box_reg", "loss_classifier", "loss_objectness", "loss_rpn_box_reg"]
  const twice: number[][] = []
  for (let time = 0; time < 2; time++) {
    const losses: tf.NamedTensorMap = tf.tidy(() => detector.losses(batch, seededRandom(1)))
    await awaitReadback(Object.values(losses))
    expect(Object.keys(losses).sort(), "the losses have torchvision's names").toEqual(names)
    const values = names.map((name) => losses[name]!.dataSync()[0]!)
    expect(
      values.every((value) => Number.isFinite(value) && value >= 0),
      `finite losses: ${values}`,
    ).toBe(true)
    twice.push(values)
    tf.dispose(losses)
  }
  expect(twice[1], "the same seed draws the same samples").toEqual(twice[0])
  batch.dispose()

  const found = await detector.detect(images, sizes, { score: 0 })
  expect(found, "one entry an image").toHaveLength(2)
  for (const [n, { boxes, scores, labels }] of found.entries()) {
    expect([boxes.length, labels.length], "a box and a label each").toEqual([4 * scores.length, scores.length])
    expect([...scores], "best first").toEqual([...scores].sort((a, b) => b - a))
    expect(
      [...scores].every((score) => score >= 0 && score <= 1),
      "scores are 0..1",
    ).toBe(true)
    expect(
      [...labels].every((label) => label >= 1 && label <= numClasses),
      "labels are 1..K",
    ).toBe(true)
    const [bottom, right] = sizes[n]!
    for (let at = 0; at < boxes.length; at += 4) {
      const [x1, y1, x2, y2] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number]
      expect(0 <= x1 && x1 < x2 && x2 <= right && 0 <= y1 && y1 < y2 && y2 <= bottom, "inside the image").toBe(true)
    }
  }
  expect(await detector.detect(images, sizes, { score: 1 }), "nothing is surer than sure").toMatchObject([
    { scores: new Float32Array(0) },
    { scores: new Float32Array(0) },
  ])
  images.dispose()
  expect(tf.memory().numTensors, "no tensor is left behind").toBe(before)
}

/** Asserts that a data set is what every reader promises, whatever was wrong in its files: each photo is opened. */
export async function isDataset(set: Dataset): Promise<void> {
  const { classes, categoryIds, images, faults, notices = [] } = set
  expect(classes.length, "it has classes").toBeGreaterThan(0)
  expect(classes, "classes have names, each its own").toEqual([...new Set(classes)].filter((name) => name !== ""))
  expect(categoryIds, "an id a class").toHaveLength(classes.length)
  expect(new Set(categoryIds).size, "each class has an id of its own").toBe(classes.length)
  for (const key of ["id", "imageId"] as const) {
    expect(new Set(images.map((record) => record[key])).size, `each image has an ${key} of its own`).toBe(images.length)
  }
  for (const line of [...notices, ...faults.map(({ file, message }) => `${file}: ${message}`)]) {
    expect(line, "one line").toMatch(/^.+$/)
  }
  for (const record of images) {
    hasTruths(record, classes.length)
    await hasPhoto(record)
  }
}

/** Columns of one length; boxes with an area inside of the image. */
function hasTruths({ id, width, height, ...truths }: ImageRecord, numClasses: number): void {
  const { boxes, labels, crowd, difficult, areas } = truths
  const count = labels.length
  expect(
    [boxes, crowd, difficult, areas].map(({ length }) => length),
    `${id}: columns`,
  ).toEqual([...[4 * count, count, count, count]])
  for (let g = 0; g < count; g++) {
    const object = `${id}, object ${g}`
    const [x1, y1, x2, y2] = boxes.subarray(4 * g, 4 * g + 4) as unknown as [number, number, number, number]
    expect(0 <= x1 && x1 < x2 && 0 <= y1 && y1 < y2, `${object} has an area`).toBe(true)
    if (width > 0) expect(x2 <= width && y2 <= height, `${object} is inside the image`).toBe(true)
    expect(labels[g]! >= 1 && labels[g]! <= numClasses, `${object} has a label of 1..K`).toBe(true)
    expect(areas[g], `${object}'s area`).toBeGreaterThan(0)
    expect([0, 1].includes(crowd[g]!) && [0, 1].includes(difficult[g]!), `${object}'s flags are 0 or 1`).toBe(true)
  }
}

/** The photo opens as RGB, in the frame of the boxes, and opens again as the same. */
async function hasPhoto(record: ImageRecord): Promise<void> {
  const { image, problems } = await openSample(record)
  expect(
    problems.filter(({ kind }) => kind !== "size-mismatch"),
    record.id,
  ).toEqual([])
  expect(image!.data.length, `${record.id}: RGB`).toBe(3 * image!.width * image!.height)
  if (record.width > 0) expect([image!.width, image!.height], record.id).toEqual([record.width, record.height])
  expect((await openSample(record)).image, `${record.id}, again`).toEqual(image)
}

function noise(shape: [number, number, number, number]): tf.Tensor4D {
  const random = seededRandom(5)
  const length = shape.reduce((product, side) => product * side)
  return tf.tensor4d(
    Float32Array.from({ length }, () => random.normal()),
    shape,
  )
}

function truths([height, width]: readonly [number, number], boxes: readonly number[], label: number): TrainingImage {
  const count = boxes.length / 4
  return {
    height,
    width,
    boxes: Float32Array.from(boxes),
    labels: new Int32Array(count).fill(label),
    crowd: new Uint8Array(count),
    difficult: new Uint8Array(count),
  }
}
