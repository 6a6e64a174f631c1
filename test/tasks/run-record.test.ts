import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { classifyTrainSchema } from "../../src/tasks/options/train-classifier.js"
import { reopenRun } from "../../src/tasks/training/run-record.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-training-run-"))
afterAll(() => rmSync(folder, { recursive: true }))

test("a run that began when std was called deviation goes on", () => {
  const config = { data: "D", deviation: [1, 1, 1] }
  const model = { network: "resnet18", options: {}, size: 32, mean: [0, 0, 0], deviation: [1, 1, 1] }
  writeFileSync(join(folder, "config.json"), JSON.stringify({ config, model, data: { images: 1, classes: ["a"] } }))
  const record = reopenRun(folder, classifyTrainSchema, {})
  expect(record.config).toMatchObject({ data: "D", std: [1, 1, 1] })
  const { deviation, ...others } = model
  expect(record.model).toEqual({ ...others, std: deviation })
})
