import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { ImageRecord } from "../../datasets/dataset.js"
import { decodeImage } from "../../datasets/image/decode.js"
import { boxCount } from "../../src/boxes/boxes.js"
import { iou } from "../../src/boxes/iou.js"
import { imageNet } from "../../src/core/normalisation.js"
import { startEngine } from "../../src/engine/start.js"
import { localizeOptions } from "../../src/localize/localizer.js"
import { regionLoader } from "../../src/localize/region-loader.js"
import { RegionRefiner } from "../../src/localize/region-refiner.js"
import { proposeRegions, type RegionEntry } from "../../src/localize/regions.js"
import { type LocalizationCheck, regionTask } from "../../src/localize/tasks.js"
import { sgdDefaults } from "../../src/train/options.js"
import { runTraining } from "../../src/train/run.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import { writeRectangles } from "./made-up-images.js"
import { rectangleBoxes, tinyLocalizer, tinyRegionNetwork } from "./tiny-localizer.js"

const normalisation = imageNet
const options = localizeOptions({ sizes: [68], proposals: 60 })
let folder: string
let images: ImageRecord[]
let entries: RegionEntry[]

beforeAll(async () => {
  await startEngine()
  folder = mkdtempSync(join(tmpdir(), "resdet-regions-"))
  images = await writeRectangles(folder, rectangleBoxes)
  entries = (await proposals()).entries
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Of a network that has learnt nothing: boxes all over the picture. */
async function proposals(set: readonly ImageRecord[] = images) {
  const { rpn, parameters } = tinyLocalizer()
  const found = await proposeRegions({ rpn, side: 64, normalisation }, set, options)
  parameters.dispose()
  return found
}

test("regions are the best proposals of the class that is there, and its truths", () => {
  expect(entries.map(({ label }) => label)).toEqual([1, 2, 1, 2, 1, 2, 1, 2])
  for (const [i, { boxes, matches }] of entries.entries()) {
    expect(boxCount(boxes)).toBeGreaterThan(20)
    expect(boxCount(boxes)).toBeLessThanOrEqual(61)
    expect([...boxes.slice(-4)]).toEqual(rectangleBoxes[i])
    expect(matches.positive.at(-1)).toBe(1)
    for (let r = 0; r < boxCount(boxes); r++) {
      expect(matches.positive[r]).toBe(Number(iou(boxes, r, Float32Array.from(rectangleBoxes[i]!), 0) >= 0.5))
      expect(matches.negative[r]).toBe(1 - matches.positive[r]!)
    }
  }
})

test("an image that cannot be read is told and gives no regions", async () => {
  const absent = join(folder, "absent.png")
  const found = await proposals([{ ...images[0]!, file: absent }])
  expect(found).toEqual({ entries: [], failed: [{ file: absent, message: "there is no such file" }] })
})

test("regions of an image that has gone are told and left out; too few for a batch are refused", async () => {
  const absent = { ...entries[0]!, record: { ...images[0]!, file: join(folder, "absent.png") } }
  const sample = { batchSizePerImage: 4, positiveFraction: 0.25 }
  const loader = regionLoader([absent, entries[1]!], { side: 32, batch: 8, sample })
  for await (const { records, shape } of loader.epoch(0)) {
    expect(new Set(records)).toEqual(new Set([entries[1]!.record]))
    expect(shape).toEqual([4, 32, 32, 3])
  }
  expect(loader.faults).toMatchObject([{ file: absent.record.file, message: "there is no such file" }])
  expect(() => regionLoader(entries.slice(0, 1), { batch: 5, sample })).toThrow(
    "4 regions do not fill a batch of 5. Choose a smaller --batch",
  )
})

async function batches(overrides: Parameters<typeof regionLoader>[1], epoch = 0, start = 0) {
  const loader = regionLoader(entries, { side: 32, batch: 16, ...overrides })
  const made = []
  for await (const { waitedMs: _, ...batch } of loader.epoch(epoch, start)) made.push(batch)
  return made
}

test("an epoch's batches are a function of the seed and the epoch, wherever one begins", async () => {
  const whole = await batches({ seed: 3 }, 1)
  expect(whole.length).toBeGreaterThan(2)
  expect(await batches({ seed: 3 }, 1, 2)).toEqual(whole.slice(2))
  expect(await batches({ seed: 3 }, 2)).not.toEqual(whole)
  expect(await batches({ seed: 4 }, 1)).not.toEqual(whole)
})

test("a region-centric batch mixes images, an image-centric one keeps an image's regions together", async () => {
  const changes = async (centric: "region" | "image") => {
    const [batch] = await batches({ centric })
    return batch!.records.filter((record, i) => i > 0 && record !== batch!.records[i - 1]).length
  }
  expect(await changes("image")).toBeLessThanOrEqual(3)
  expect(await changes("region")).toBeGreaterThan(8)
})

test("a mirrored region mirrors its delta alone", async () => {
  const truth = Float32Array.of(22, 30, 42, 50)
  const positive = { matchedIndex: Int32Array.of(0), positive: Uint8Array.of(1), negative: Uint8Array.of(0) }
  const entry = { ...entries[0]!, boxes: Float32Array.of(20, 30, 40, 50), truths: truth, matches: positive }
  const deltas = async (flip: number) => {
    const loader = regionLoader([entry], {
      side: 32,
      batch: 1,
      flip,
      sample: { batchSizePerImage: 4, positiveFraction: 0.25 },
    })
    for await (const batch of loader.epoch(0)) return [...batch.deltas].map((delta) => Math.fround(delta) + 0)
    return []
  }
  // Two of twenty pixels, times 10.
  expect(await deltas(0)).toEqual([1, 0, 0, 0])
  expect(await deltas(1)).toEqual([-1, 0, 0, 0])
})

test("a region is mirrored or not by a draw of its own in every epoch", async () => {
  const truth = Float32Array.of(22, 30, 42, 50)
  const positive = { matchedIndex: Int32Array.of(0), positive: Uint8Array.of(1), negative: Uint8Array.of(0) }
  const entry = { ...entries[0]!, boxes: Float32Array.of(20, 30, 40, 50), truths: truth, matches: positive }
  const loader = regionLoader([entry], { side: 32, batch: 1, sample: { batchSizePerImage: 4, positiveFraction: 0.25 } })
  const signs = new Set<number>()
  for (let epoch = 0; epoch < 8; epoch++) {
    for await (const { deltas } of loader.epoch(epoch)) signs.add(Math.sign(deltas[0]!))
  }
  expect(signs).toEqual(new Set([1, -1]))
})

test("the second stage's losses count each region's own class, and the boxes of positive ones over all regions", () => {
  const { network, parameters } = tinyRegionNetwork()
  for (const name of ["cls_score", "bbox_pred"]) {
    const { variable } = parameters.get(`regions.${name}.weight`)!
    tf.tidy(() => variable.assign(tf.zerosLike(variable)))
  }
  parameters.get("regions.cls_score.bias")!.variable.assign(tf.tensor1d([100, 0]))
  tf.tidy(() => {
    const stem = network.frozenFeatures(tf.ones([4, 16, 16, 3]))
    const deltas = Float32Array.of(1, 0, 0, 0)
    const goals = network.goals({ labels: [1, 2, 2, 1], positive: [true, false, false, false], deltas })
    const found = network.losses(stem, goals)
    // 0, ln 2, ln 2 and 100; then |1| - 1/18 over four regions.
    expect(found.loss_classifier.dataSync()[0]).toBeCloseTo((2 * Math.LN2 + 100) / 4, 4)
    expect(found.loss_box_reg.dataSync()[0]).toBeCloseTo((1 - 1 / 18) / 4, 6)
  })
  parameters.dispose()
})

test("a refiner that says nothing leaves the boxes on whole pixels where they are, at a score of a half", async () => {
  const { network, parameters } = tinyRegionNetwork()
  for (const name of ["cls_score", "bbox_pred"]) {
    const { variable } = parameters.get(`regions.${name}.weight`)!
    tf.tidy(() => variable.assign(tf.zerosLike(variable)))
  }
  const refiner = new RegionRefiner(network, { side: 32, normalisation, batch: 2 })
  const image = await decodeImage(images[0]!.file)
  const tensors = tf.memory().numTensors
  const boxes = Float32Array.of(10, 10, 20, 30, 0.5, 0.5, 9.5, 9.5, 90, 60, 200, 200)
  const refined = await refiner.refine(image, 2, { boxes, scores: Float32Array.of(0.9, 0.8, 0.7) })
  expect([...refined.boxes]).toEqual([10, 10, 20, 30, 0, 0, 10, 10, 90, 60, 96, 72])
  expect([...refined.scores]).toEqual([0.5, 0.5, 0.5])
  expect(tf.memory().numTensors).toBe(tensors)
  parameters.dispose()
})

test("the second stage learns to choose and correct the proposals of a network that has learnt nothing", async () => {
  const { rpn, parameters: untrained } = tinyLocalizer()
  const { network, parameters } = tinyRegionNetwork()
  const refiner = new RegionRefiner(network, { side: 32, normalisation, batch: 64 })
  const localizer = { rpn, refiner, side: 64, normalisation }
  const check: LocalizationCheck = { localizer, images, options }
  const sample = { batchSizePerImage: 16, positiveFraction: 0.25 }
  const loader = regionLoader(entries, { side: 32, batch: 32, sample })
  const task = regionTask(network, parameters, loader, check)
  const accuracy = async () => Object.values(await task.validate!(new AbortController().signal))[0]!
  const before = await accuracy()
  const epochs = 15
  const run = {
    epochs,
    seed: 1,
    schedule: scheduleOptions({ base: 0.1, steps: epochs * task.batchesPerEpoch, warmup: 5 }),
    sgd: sgdDefaults,
    clipNorm: 10,
    validateEvery: 0,
    metric: "",
    reportEvery: 1,
  }
  const counts = new Set<number>()
  const events = {
    onStep: async () => void counts.add(tf.memory().numTensors),
    onEpoch: async () => {},
    onBest: async () => true,
    onSave: async () => {},
  }
  await runTraining(task, run, events, new AbortController().signal)
  const after = await accuracy()
  expect(before).toBeLessThanOrEqual(0.125)
  expect(after).toBeGreaterThanOrEqual(0.625)
  expect(counts.size).toBe(1)
  untrained.dispose()
  parameters.dispose()
})
