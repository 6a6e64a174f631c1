import { readdirSync, readFileSync, writeFileSync } from "node:fs"
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

test("what cannot come to a report is told before the photos are looked at, and leaves nothing behind", async () => {
  const folder = tempFolder()
  const [weights, data] = [join(folder, "w.safetensors"), join(folder, "shapes")]
  await makeShapes(data, { images: 1, valImages: 2, sides: [64, 80], heights: [28, 40], counts: [1, 3] })
  saveUntrained({ [weights]: (await readDataset(data, { split: "val" })).classes }, 3)
  const [before, slices] = [readdirSync(folder), join(folder, "shapes", "slices.json")]
  writeFileSync(slices, JSON.stringify({ night: ["nowhere.jpg"] }))
  for (const [wrong, message] of [
    [{ slice: slices }, /slice "night".*nowhere\.jpg/],
    [{ slice: join(folder, "absent.json") }, /absent\.json/],
    [{ savePredictions: join(folder, "results.json"), report: data }, /it is a folder: name a file in it\)$/],
  ] as const) {
    const looked: number[] = []
    const onProgress = ({ done }: { done: number }) => looked.push(done)
    const evaluation = evaluateDetector({ weights, data, split: "val", engine: "wasm", ...wrong }, { onProgress })
    await expect(evaluation).rejects.toThrow(message)
    expect(Math.max(0, ...looked)).toBe(0)
  }
  expect(readdirSync(folder)).toEqual(before)
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

test("objects of classes that a detector was not trained on are left out, which is told in one line and no fault", async () => {
  const folder = tempFolder()
  const [weights, data] = [join(folder, "two.safetensors"), join(folder, "shapes")]
  await makeShapes(data, { images: 1, valImages: 4, sides: [64, 80], heights: [28, 40], counts: [2, 4] })
  const all = await readDataset(data, { split: "val" })
  // Neither in the data's order nor all of them.
  const classes = [all.classes[2]!, all.classes[0]!]
  saveUntrained({ [weights]: classes }, 3)
  const network = await openTensorNetwork([weights], "tensorflow")
  const found: Detections[] = []
  await detectRecords(network, all.images, {}, (_, one) => void found.push(one))
  network.dispose()
  const faults: string[] = []
  const lines: string[] = []
  const report = await evaluateDetector(
    { weights, data, split: "val", engine: "tensorflow", savePredictions: join(folder, "results.json") },
    { onFault: ({ kind }) => faults.push(kind), onLog: (line) => lines.push(line) },
  )

  const known = await readDataset(data, { split: "val", classes })
  const left = known.faults.filter(({ kind }) => kind === "unknown-class").length
  expect(left).toBeGreaterThan(0)
  expect(faults).toEqual([])
  expect(lines.filter((line) => line.includes("does not know"))).toEqual([
    expect.stringMatching(
      `the detector does not know ${all.classes.length - 2} of the classes \\(.+\\): their ${left} objects are left out`,
    ),
  ])
  expect(new Set(report.perClass.map(({ name }) => name))).toEqual(new Set(classes))
  const { coco, truths, detections } = evaluateDetections(known, found)
  expect(report).toMatchObject({ coco, truths, detections })
  const predictions = join(folder, "results.json")
  const again = await scorePredictions({ gt: data, split: "val", predictions, categories: classes })
  expect(again).toMatchObject({ coco, truths, detections })

  // A name that the data do not have is another matter: then each object of an unknown class is a fault, as ever.
  saveUntrained({ [weights]: [classes[0]!, "tringle"] }, 3)
  await evaluateDetector(
    { weights, data, split: "val", engine: "tensorflow", details: false },
    { onFault: ({ kind }) => faults.push(kind) },
  )
  expect(new Set(faults)).toEqual(new Set(["unknown-class"]))

  saveUntrained({ [weights]: ["object"] }, 3)
  const about = { weights, data, split: "val", engine: "tensorflow", details: false } as const
  await evaluateDetector(about, { onLog: (line) => lines.push(line) })
  expect(lines).toContain(`${data}: the detector's only class is "object": --single-class takes all objects for it`)
}, 60_000)
