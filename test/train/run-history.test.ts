import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { MetricsLog } from "../../src/train/metrics-log.js"
import { readHistory } from "../../src/train/run-history.js"

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "resdet-history-"))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test("what the log wrote is read back to the last digit; what was not measured is absent", async () => {
  const run = folder()
  const log = new MetricsLog(run)
  await log.step({ step: 20, loss: 1 / 3 })
  await log.epoch({ epoch: 1, loss: 2 / 3, voc12: Number.NaN })
  await log.epoch({ epoch: 2, loss: 0.1 })
  expect(readHistory(run)).toEqual({
    steps: [{ step: 20, loss: 1 / 3 }],
    epochs: [
      { epoch: 1, loss: 2 / 3, voc12: Number.NaN },
      { epoch: 2, loss: 0.1 },
    ],
    config: undefined,
  })
})

test("half a line, from a run that was killed, is passed over", () => {
  const run = folder()
  writeFileSync(join(run, "metrics.jsonl"), '{"step":20}\n{"step":4')
  writeFileSync(join(run, "results.csv"), "epoch,loss,AP\n1,0.5,0.25\n2,0.")
  expect(readHistory(run)).toMatchObject({ steps: [{ step: 20 }], epochs: [{ epoch: 1, loss: 0.5, AP: 0.25 }] })
})

test("what is no number is passed over, and so the report can be drawn", () => {
  const run = folder()
  writeFileSync(join(run, "metrics.jsonl"), '{"step":20,"loss":"x","rate":null}\n[1]\n7\nnull\n')
  expect(readHistory(run).steps).toEqual([{ step: 20 }, { 0: 1 }])
})

test("a folder without logs has an empty history; what is there and cannot be read is an error", () => {
  const run = folder()
  expect(readHistory(run)).toEqual({ steps: [], epochs: [], config: undefined })
  mkdirSync(join(run, "metrics.jsonl"))
  expect(() => readHistory(run)).toThrow(/EISDIR/)
})
