import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { readDataset } from "../../datasets/read.js"
import { outcomeOf } from "../../src/cli/command.js"
import { DataError } from "../../src/core/errors.js"
import { startEngine } from "../../src/engine/start.js"
import { evaluateDetector } from "../../src/tasks/evaluate-detector.js"
import type { Progress } from "../../src/tasks/hooks.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { withFiles } from "../../src/tasks/with-files.js"
import { tempFolder } from "../datasets/samples.js"
import { saveUntrained } from "../support/untrained-detector.js"

beforeAll(() => startEngine())

test("figures outlive a page that cannot be written at the end, and the predictions beside it", async () => {
  const folder = tempFolder()
  const [weights, data] = [join(folder, "w.safetensors"), join(folder, "shapes")]
  const [predictions, page] = [join(folder, "out", "found.json"), join(folder, "out", "page.html")]
  await makeShapes(data, { images: 1, valImages: 2, sides: [64, 80], heights: [28, 40], counts: [1, 3] })
  saveUntrained({ [weights]: (await readDataset(data, { split: "val" })).classes }, 3)
  const asked = { weights, data, split: "val", engine: "wasm", report: page, savePredictions: predictions } as const
  const said: string[] = []
  // Something gets in the way after the work has begun.
  const onProgress = ({ done, total }: Progress) => {
    if (done === total) mkdirSync(page, { recursive: true })
  }

  const { result, failure } = await outcomeOf(evaluateDetector(asked, { onProgress, onLog: (line) => said.push(line) }))

  expect(failure).toMatchObject({ name: "UnwrittenError", exitCode: 1, message: expect.stringContaining(page) })
  const saved = await scorePredictions({ gt: data, split: "val", predictions })
  expect(result.coco).toEqual(saved.coco)
  expect(result.detections).toBeGreaterThan(0)
  expect(said).toContain(`predictions: ${predictions}`)
  expect(readdirSync(join(folder, "out")).sort()).toEqual(["found.json", "page.html"])
}, 60_000)

test("predictions that cannot be written at the end cost no figures, and what was there stays", async () => {
  const folder = tempFolder()
  const [weights, data] = [join(folder, "w.safetensors"), join(folder, "shapes")]
  const [predictions, page] = [join(folder, "found.json"), join(folder, "page.html")]
  await makeShapes(data, { images: 1, valImages: 2, sides: [64, 80], heights: [28, 40], counts: [1, 3] })
  saveUntrained({ [weights]: (await readDataset(data, { split: "val" })).classes }, 3)
  writeFileSync(page, "before")
  const asked = { weights, data, split: "val", engine: "wasm", report: page, savePredictions: predictions } as const
  const onProgress = ({ done, total }: Progress) => {
    if (done === total) mkdirSync(predictions, { recursive: true })
  }
  const { result, failure } = await outcomeOf(evaluateDetector(asked, { onProgress }))
  expect([result.images, failure?.message]).toEqual([2, expect.stringContaining(predictions)])
  expect(readFileSync(page, "utf8")).toBe("before")
  expect(readdirSync(folder).sort()).toEqual(["found.json", "page.html", "shapes", "w.safetensors"])
}, 60_000)

test("what is no failure to write has no result", async () => {
  const broken = () => {
    throw new DataError("a.json: broken")
  }
  await expect(outcomeOf(withFiles(1, broken))).rejects.toThrow(DataError)
})
