import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { weightsIn } from "../../src/weights/run-weights.js"

test("a run's folder means its best weights, else its last ones; a file means itself", () => {
  const run = mkdtempSync(join(tmpdir(), "resdet-run-weights-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  expect(() => weightsIn(run)).toThrow(`${run}: expected a weights file, or the folder of a training run, which has `)
  const [best, last] = ["best", "last"].map((name) => join(run, "weights", `${name}.safetensors`)) as [string, string]
  mkdirSync(join(run, "weights"))
  writeFileSync(last, "")
  expect([weightsIn(run), weightsIn(join(run, "weights"))]).toEqual([last, last])
  writeFileSync(best, "")
  expect([run, join(run, "weights"), last, join(run, "absent")].map(weightsIn)).toEqual([
    best,
    best,
    last,
    join(run, "absent"),
  ])
})
