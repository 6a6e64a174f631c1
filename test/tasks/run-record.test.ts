import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { UsageError } from "../../src/core/errors.js"
import { classifyTrainSchema } from "../../src/tasks/options/train-classifier.js"
import { refuseOtherData, reopenRun } from "../../src/tasks/training/run-record.js"

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

test("what has changed of the data is told, also where it is only which images are held out", () => {
  const then = { images: 8, classes: ["cat", "dog"], heldOut: ["cat/1.png", "dog/2.png"] }
  const told = (now: object) => () => refuseOtherData(then, { ...then, ...now }, "photos")
  expect(told({})).not.toThrow()
  expect(told({ images: 9 })).toThrow("started with 8 images of cat, dog, now there are 9 of cat, dog")
  expect(told({ heldOut: ["cat/1.png", "dog/3.png"] })).toThrow(
    "photos has changed: the run held out dog/2.png to validate on, now it would be dog/3.png. Give the images the names",
  )
  expect(told({ heldOut: undefined })).toThrow(
    "held out cat/1.png, dog/2.png to validate on, now it would be no others",
  )
})

test("a wrong value is the caller's where it was given, the run's where it was stored", () => {
  const record = { config: { data: "D" }, model: {}, data: { images: 1, classes: ["a"] } }
  const write = (config: object) => writeFileSync(join(folder, "config.json"), JSON.stringify({ ...record, config }))
  write({ data: "D" })
  const reopen = (changes: object) => () => reopenRun(folder, classifyTrainSchema, changes as Record<string, unknown>)
  expect(reopen({ epochs: 0 })).toThrow(new UsageError("--resume: expected epochs to be a number of at least 1, got 0"))
  expect(reopen({ maxTime: "abc" })).toThrow(UsageError)
  write({ data: "D", epochs: 0 })
  expect(reopen({ threads: 1 })).toThrow(/config\.json: not a run of this command: epochs does not fit/)
})
