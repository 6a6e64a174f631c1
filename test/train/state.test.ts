import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { z } from "zod"
import { DataError } from "../../src/core/errors.js"
import { reopenRun } from "../../src/tasks/training/run-record.js"
import { loadState } from "../../src/train/state.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"

const run = mkdtempSync(join(tmpdir(), "resdet-state-"))
afterAll(() => rmSync(run, { recursive: true }))
mkdirSync(join(run, "state"))
for (const name of ["weights", "velocities"]) writeSafetensors(join(run, "state", `${name}.safetensors`), [])
const position = join(run, "state", "position.json")
const whole = { epoch: 1, batch: 2, step: 8, best: null, losses: { sums: { total: 1.5 }, count: 2 } }

test.each([
  ["null", ""],
  ["{}", "epoch: "],
  [JSON.stringify({ ...whole, epoch: "0" }), "epoch: "],
  [JSON.stringify({ ...whole, batch: -3 }), "batch: "],
  [JSON.stringify({ ...whole, step: 1.5 }), "step: "],
  [JSON.stringify({ ...whole, best: "x" }), "best: "],
  [JSON.stringify({ ...whole, losses: { sums: [], count: 1 } }), "losses.sums: "],
  ['{"epoch":1e999}', "epoch: "],
  ["[1", ""],
  [`${"[".repeat(5000)}${"]".repeat(5000)}`, "deeper than 100 levels"],
])("a position %.60s ends in one line that names the file", (text, what) => {
  writeFileSync(position, text)
  expect(() => loadState(run)).toThrow(DataError)
  expect(() => loadState(run)).toThrow(`${position}: ${what.endsWith("levels") ? "" : what}`)
  expect(() => loadState(run)).toThrow(/^[^\n]*The saved state is broken$/)
})

test("a whole position is what was saved", () => {
  writeFileSync(position, JSON.stringify(whole))
  expect(loadState(run).position).toEqual(whole)
})

test.each([
  "null",
  "[]",
  "{}",
  '{"config":3,"data":{"images":1,"classes":["a"]}}',
  '{"config":{},"data":{"images":1,"classes":"a"}}',
])("a config.json of %s ends in one line", (text) => {
  writeFileSync(join(run, "config.json"), text)
  const open = () => reopenRun(run, z.object({}), {})
  expect(open).toThrow(/config\.json: [^\n]*Expected the folder of a training run$/)
  expect(open).toThrow(DataError)
})
