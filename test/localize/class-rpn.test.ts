import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { ImageRecord } from "../../datasets/dataset.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { readDataset } from "../../datasets/read.js"
import { imageNet } from "../../src/core/normalisation.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { cropDefaults } from "../../src/localize/crop.js"
import { cropLoader } from "../../src/localize/crop-loader.js"
import { localizationFigures } from "../../src/localize/figures.js"
import { localizeDataset } from "../../src/localize/localize-dataset.js"
import { localizeOptions } from "../../src/localize/localizer.js"
import { cropTask, localizationMetric } from "../../src/localize/tasks.js"
import { sgdDefaults } from "../../src/train/options.js"
import type { StepReport } from "../../src/train/report-window.js"
import { runTraining } from "../../src/train/run.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import { brightBox, shown, twins, writeTwin } from "../datasets/turned-photos.js"
import { expectClose } from "../support/close.js"
import { hasWebGpu, onEveryEngine, wasmAndWebGpu } from "../support/engines.js"
import { slowTest } from "../support/slow-test.js"
import { writeRectangles } from "./made-up-images.js"
import { rectangleBoxes, tinyLocalizer } from "./tiny-localizer.js"

const crop = { ...cropDefaults, side: 64, shorter: [64, 72] } as const
const normalisation = imageNet
const options = localizeOptions({ sizes: [68] })
const none = new Float32Array(0)
let folder: string
let images: ImageRecord[]

beforeAll(async () => {
  await startEngine()
  folder = mkdtempSync(join(tmpdir(), "resdet-localize-"))
  images = await writeRectangles(folder, rectangleBoxes)
})

afterAll(() => rmSync(folder, { recursive: true }))

onEveryEngine("the losses of a per-class RPN", () => {
  test("are ln 2 for a network that says nothing, and leave no tensor behind", () => {
    const { rpn, parameters } = tinyLocalizer()
    for (const name of ["cls_logits", "bbox_pred"]) {
      const { variable } = parameters.get(`rpn.${name}.weight`)!
      tf.tidy(() => variable.assign(tf.zerosLike(variable)))
    }
    const before = tf.memory().numTensors
    tf.tidy(() => {
      const truths = [[{ label: 1, boxes: Float32Array.of(12, 12, 36, 36), ignored: none }]]
      const stem = rpn.frozenFeatures(tf.zeros([1, 64, 64, 3]))
      const losses = rpn.losses(stem, rpn.sample(stem, truths, seededRandom(1)))
      expect(losses.loss_objectness.dataSync()[0]).toBeCloseTo(Math.LN2, 6)
      // The one positive is the 24-pixel square at (24, 24), exactly the truth: no box loss.
      expect(losses.loss_rpn_box_reg.dataSync()[0]).toBe(0)
    })
    expect(tf.memory().numTensors).toBe(before)
    parameters.dispose()
  })

  test("count the box of the positive alone: smooth L1 of a quarter's shift, over 8 sampled anchors", () => {
    const { rpn, parameters } = tinyLocalizer()
    const { variable } = parameters.get("rpn.bbox_pred.weight")!
    tf.tidy(() => variable.assign(tf.zerosLike(variable)))
    tf.tidy(() => {
      // Six pixels right of the 24-pixel square at (24, 24), two left of the one at (32, 24): dx is -2 / 24.
      const truths = [[{ label: 2, boxes: Float32Array.of(18, 12, 42, 36), ignored: none }]]
      const stem = rpn.frozenFeatures(tf.zeros([1, 64, 64, 3]))
      const losses = rpn.losses(stem, rpn.sample(stem, truths, seededRandom(1)))
      const square = 0.5 * (2 / 24) ** 2 * 9
      expect(losses.loss_rpn_box_reg.dataSync()[0]).toBeCloseTo(square / 8, 6)
    })
    parameters.dispose()
  })
})

test("an epoch's batches are a function of the seed and the epoch, wherever one begins", async () => {
  const batches = async (seed: number, epoch: number, start = 0) => {
    const loader = cropLoader({ source: folder, images }, { batch: 3, seed, crop })
    const made = []
    for await (const { pixels, truths, records } of loader.epoch(epoch, start)) made.push({ pixels, truths, records })
    return made
  }
  const whole = await batches(5, 1)
  expect(whole.length).toBe(2)
  expect(await batches(5, 1, 1)).toEqual(whole.slice(1))
  expect(await batches(5, 2)).not.toEqual(whole)
  expect(await batches(6, 1)).not.toEqual(whole)
  expect(new Set(whole.flatMap(({ records }) => records.map(({ id }) => id))).size).toBe(6)
})

test("an image is cropped by a draw of its own in every epoch", async () => {
  const loader = cropLoader({ source: folder, images: images.slice(0, 1) }, { batch: 1, crop })
  const seen = new Set<string>()
  for (let epoch = 0; epoch < 4; epoch++) for await (const { pixels } of loader.epoch(epoch)) seen.add(String(pixels))
  expect(seen.size).toBe(4)
})

test("an image that cannot be read is told and left out of its batch", async () => {
  const absent = { ...images[0]!, file: join(folder, "absent.png") }
  const loader = cropLoader({ source: folder, images: [absent, images[1]!] }, { batch: 2, crop })
  for await (const batch of loader.epoch(0)) {
    expect(batch.records).toEqual([images[1]])
    expect(batch.shape).toEqual([1, 64, 64, 3])
  }
  for await (const _ of loader.epoch(1));
  expect(loader.faults).toMatchObject([{ file: absent.file, message: "there is no such file", action: "skipped" }])
})

test("images without objects take no part", () => {
  const empty = { ...images[0]!, boxes: new Float64Array(0), labels: new Int32Array(0) }
  const loader = cropLoader({ source: folder, images: [empty, ...images] }, { batch: 4, crop })
  expect(loader.batchesPerEpoch).toBe(2)
  expect(() => cropLoader({ source: "photos", images: [empty, ...images] }, { batch: 9, crop })).toThrow(
    "photos: 8 images with objects do not fill a batch of 9. Choose a smaller --batch",
  )
})

test("it learns where the rectangles of a few pictures are, better than the whole image's box", async () => {
  await startEngine()
  const { rpn, parameters } = tinyLocalizer()
  const localizer = { rpn, side: 64, normalisation }
  const loader = cropLoader({ source: folder, images }, { batch: 8, crop })
  const task = cropTask(rpn, parameters, loader, { localizer, images, options })
  const before = (await task.validate!(new AbortController().signal))[localizationMetric]!
  const run = {
    epochs: 100,
    seed: 1,
    schedule: scheduleOptions({ base: 0.2, steps: 100, warmup: 5 }),
    sgd: sgdDefaults,
    clipNorm: 10,
    validateEvery: 0,
    metric: localizationMetric,
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
  const { perImage } = await localizeDataset(localizer, images, options, { guess: async () => [2, 1] })
  const figures = localizationFigures(images, perImage)
  expect(figures).toMatchObject({ images: 8, wholeImageError: 1, classificationError: 0, classificationErrorTop1: 0.5 })
  expect(1 - before).toBeGreaterThanOrEqual(0.5)
  expect(figures.gtClassError).toBeLessThanOrEqual(0.125)
  expect(figures.localizationError).toBe(figures.gtClassError)
  expect(counts.size).toBe(1)
  parameters.dispose()
})

describe.skipIf(!(await hasWebGpu()))("on a GPU behind WebGPU", () => {
  afterAll(() => startEngine())

  slowTest("it learns and finds what it does on WebAssembly", async () => {
    const { expected, actual } = await wasmAndWebGpu(async () => {
      const { rpn, parameters } = tinyLocalizer()
      const loader = cropLoader({ source: folder, images }, { batch: 4, crop })
      const check = { localizer: { rpn, side: 64, normalisation }, images, options }
      const run = {
        ...{ epochs: 1, seed: 1, schedule: scheduleOptions({ base: 0.1, steps: 2, warmup: 0 }), sgd: sgdDefaults },
        ...{ clipNorm: 10, validateEvery: 0, metric: localizationMetric, reportEvery: 1 },
      }
      const losses: number[] = []
      const events = {
        onStep: async (report: StepReport) => void losses.push(report.losses.loss!),
        onEpoch: async () => {},
        onBest: async () => true,
        onSave: async () => {},
      }
      await runTraining(cropTask(rpn, parameters, loader, check), run, events, new AbortController().signal)
      const input = tf.zeros<tf.Rank.R4>([1, 64, 72, 3])
      const [found] = await rpn.find(input, [2], 5)
      input.dispose()
      parameters.dispose()
      return { losses, ...found! }
    })
    expect(expected.losses).toHaveLength(2)
    expectClose(actual.losses, expected.losses, 1e-4)
    expectClose(actual.scores, expected.scores, 1e-4)
    expect(expected.scores).toHaveLength(5)
  })
})

test.each(twins)("%s photos are cropped and looked at in the frame of their boxes", async (twin) => {
  const set = await readDataset(await writeTwin(folder, twin))
  const whole = { ...cropDefaults, side: 32, shorter: [32, 32] as const, flip: 0, minVisible: 1 }
  for await (const { pixels, truths } of cropLoader(set, { batch: 1, crop: whole }).epoch(0)) {
    const data = Uint8Array.from(pixels, (value) => (value > 0 ? 255 : 0))
    const bright = brightBox({ data, height: 32, width: 32 })
    for (const [at, edge] of [...truths[0]![0]!.boxes].entries()) expect(Math.abs(edge - bright[at]!)).toBeLessThan(1)
  }
  const { rpn, parameters } = tinyLocalizer()
  const seen: number[][] = []
  const guess = async (image: RgbImage) => {
    seen.push(brightBox(image))
    return []
  }
  await localizeDataset({ rpn, side: 32, normalisation }, set.images, options, { guess })
  expect(seen).toEqual([shown.box])
  parameters.dispose()
})
