import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { MetricsLog } from "../../src/train/metrics-log.js"

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "resdet-log-"))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

const text = (run: string, name: string) => readFileSync(join(run, name), "utf8")

test("steps are lines of JSON, epochs rows of one table whose columns never move", async () => {
  const run = folder()
  const log = new MetricsLog(run)
  await log.step({ step: 20, loss: 1.5 })
  await log.epoch({ epoch: 1, loss: 1.5, voc12: 0.25 })
  await log.epoch({ epoch: 2, loss: 1 })
  await log.epoch({ epoch: 3, AP: 0.5, loss: 2 })
  expect(text(run, "metrics.jsonl")).toBe('{"step":20,"loss":1.5}\n')
  expect(text(run, "results.csv")).toBe("epoch,loss,voc12,AP\n1,1.5,0.25,\n2,1,,\n3,2,,0.5\n")
})

test("a resumed run cuts off what it will write again, half a line too", async () => {
  const run = folder()
  const first = new MetricsLog(run)
  for (const step of [20, 40, 60]) await first.step({ step })
  for (const epoch of [1, 2]) await first.epoch({ epoch, loss: epoch })
  appendFileSync(join(run, "metrics.jsonl"), '{"step":8')
  const again = new MetricsLog(run)
  await again.rewind({ step: 40, epoch: 1 })
  await again.step({ step: 60 })
  await again.epoch({ loss: 9, epoch: 2 })
  expect(text(run, "metrics.jsonl")).toBe('{"step":20}\n{"step":40}\n{"step":60}\n')
  expect(text(run, "results.csv")).toBe("epoch,loss\n1,1\n2,9\n")
})

test("lines that could not be written come with the next, and half a line is cut off", async () => {
  const run = folder()
  const log = new MetricsLog(run)
  await log.step({ step: 20 })
  appendFileSync(join(run, "metrics.jsonl"), '{"st')
  await log.step({ step: 40 })
  rmSync(join(run, "metrics.jsonl"))
  mkdirSync(join(run, "metrics.jsonl"))
  await expect(log.step({ step: 60 })).rejects.toThrow(/EISDIR/)
  rmSync(join(run, "metrics.jsonl"), { recursive: true })
  await log.step({ step: 80 })
  expect(text(run, "metrics.jsonl")).toBe('{"step":60}\n{"step":80}\n')

  mkdirSync(join(run, "results.csv", "in the way"), { recursive: true })
  await expect(log.epoch({ epoch: 1, loss: 2 })).rejects.toThrow()
  rmSync(join(run, "results.csv"), { recursive: true })
  await log.epoch({ epoch: 2, loss: 1 })
  truncateSync(join(run, "results.csv"), 5)
  await log.epoch({ epoch: 3, loss: 0 })
  expect(text(run, "results.csv")).toBe("epoch,loss\n1,2\n2,1\n3,0\n")
})
