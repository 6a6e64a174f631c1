import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
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
