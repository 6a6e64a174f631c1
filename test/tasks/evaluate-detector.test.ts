import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { readDataset } from "../../datasets/read.js"
import type { Detections } from "../../src/boxes/boxes.js"
import { startEngine } from "../../src/engine/start.js"
import { evaluateDetections } from "../../src/eval/report.js"
import { detectRecords } from "../../src/predict/detect-records.js"
import { openTensorNetwork } from "../../src/predict/network.js"
import { evaluateDetector } from "../../src/tasks/evaluate-detector.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { tempFolder } from "../datasets/samples.js"
import { saveUntrained } from "../support/untrained-detector.js"

beforeAll(() => startEngine())

test("a detector's report is that of all its detections at once, whatever order they arrived in", async () => {
  const folder = tempFolder()
  const [weights, data] = [join(folder, "untrained.safetensors"), join(folder, "shapes")]
  await makeShapes(data, { images: 1, valImages: 4, sides: [64, 80], heights: [28, 40], counts: [1, 3] })
  const set = await readDataset(data, { split: "val" })
  saveUntrained({ [weights]: set.classes }, 3)
  const network = await openTensorNetwork([weights], "tensorflow")
  const found = new Map<string, Detections>()
  await detectRecords(network, set.images, {}, ({ id }, one) => void found.set(id, one))
  network.dispose()
  const perImage = set.images.map(({ id }) => found.get(id)!)
  const wishes = { calibration: true, suspects: 20 }

  const report = await evaluateDetector({ weights, data, split: "val", engine: "tensorflow", ...wishes })

  expect(report.detections).toBeGreaterThan(20)
  expect(report).toEqual(evaluateDetections(set, perImage, wishes))
}, 60_000)

test("what was found is saved, and scored again gives every figure to the last digit", async () => {
  const folder = tempFolder()
  const [weights, data, file] = ["w.safetensors", "shapes", "found/results.json"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await makeShapes(data, { images: 1, valImages: 3, sides: [64, 80], heights: [28, 40], counts: [1, 3] })
  const set = await readDataset(data, { split: "val" })
  saveUntrained({ [weights]: set.classes }, 3)
  const report = await evaluateDetector({ weights, data, split: "val", engine: "wasm", savePredictions: file })

  const saved = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>[]
  expect(saved).toHaveLength(report.detections)
  expect(saved[0]).toEqual({
    image_id: expect.stringMatching(/^00000[1-3]$/),
    category_id: expect.any(Number),
    bbox: [expect.any(Number), expect.any(Number), expect.any(Number), expect.any(Number)],
    score: expect.any(Number),
  })
  const again = await scorePredictions({ gt: data, split: "val", predictions: file })
  expect({ ...again, calibration: undefined }).toEqual({ ...report, calibration: undefined })
}, 60_000)
