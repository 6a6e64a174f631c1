import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { evalDocument } from "../../src/cli/eval-report.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { result, truthFile, type Xywh } from "../eval/support/cases.js"
import { runCommand } from "../support/run-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-compare-"))
afterAll(() => rmSync(folder, { recursive: true }))

const box: Xywh = [0, 0, 50, 50]
const boxes = Array.from({ length: 30 }, (_, i) => ({ box, image: i + 1, category: 1 + (i % 2) }))
const found = boxes.map(({ image, category }) => result(box, 0.9 - image / 100, image, category))

function saved(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}

const gt = saved("gt.json", truthFile(boxes, 30, 2))
const all = saved("all.json", found)
const half = saved("half.json", found.slice(0, 15))

async function compare(...args: string[]): Promise<string> {
  const { out, said } = await runCommand("compare", ...args)
  if (said !== "") throw new Error(said)
  return out
}

test("results on the same ground truth are compared, with an interval and a verdict", async () => {
  const text = await compare(all, half, "--gt", gt, "--samples", "100")
  expect(text).toContain("30 images, 100 samples of them (seed 1)")
  expect(text).toMatch(/AP {2,}100\.0 +\d+\.\d +-\d+\.\d/)
  expect(text).toMatch(/AP {3}-\d+\.\d points, 95 % interval -\d+\.\d to -\d+\.\d: a is better/)
  expect(text).toContain("image 16: 100.0 to 0.0")
})

test("the comparison is one JSON document", async () => {
  const document = JSON.parse(await compare(all, all, "--gt", gt, "--samples", "10", "--json", "-"))
  expect(document).toMatchObject({ verdict: "noise", AP: { value: 0, low: 0, high: 0 }, worse: [], better: [] })
  expect(document.difference.APm).toBe(0)
  expect(document.difference.APs).toBeNull()
})

const document = async (name: string, predictions: string, more: object = {}) =>
  saved(name, evalDocument(await scorePredictions({ gt, predictions, ...more })))

test("two documents of eval --json are compared by their figures", async () => {
  const text = await compare(await document("a.json", all), await document("b.json", half))
  expect(text).toMatch(/AP {2,}100\.0 +\d+\.\d +-\d+\.\d/)
  expect(text).toMatch(/class 1: 100\.0 to \d+\.\d \(-\d+\.\d\)/)
})

test("documents of other parameters are refused, those of other images and objects told", async () => {
  const whole = await document("whole.json", all)
  const loose = await document("loose.json", all, { iouThrs: [0.1, 0.2] })
  await expect(compare(whole, loose)).rejects.toThrow(
    `${whole} and ${loose}: expected figures of the same parameters, got other iouThresholds. Evaluate both with the same --iou-thrs`,
  )
  const part = await document("part.json", all, { imageIds: ["1", "2"] })
  expect((await runCommand("compare", whole, part)).said).toBe(
    `${whole} has 30 images with 30 objects, ${part} 2 images with 2 objects: the figures are not of the same ground truth\n`,
  )
})

test("a document of eval --json is called so where detections are expected", async () => {
  await expect(compare(await document("whole.json", all), all, "--gt", gt)).rejects.toThrow(
    "whole.json: expected detections, got a document of eval --json, which holds figures alone. compare takes two of them without --gt",
  )
})

test.each([
  [[all, half], `${all}: expected a document of eval --json, with "coco" and "perClass"`],
  [[join(folder, "none.json"), half], `${join(folder, "none.json")}: expected a JSON document of eval --json`],
  [[all, half, "--seed", "2"], "compare: --samples and --seed need --gt; two eval documents hold nothing to draw from"],
])("%j is refused in one line", async (args, message) => {
  await expect(compare(...args)).rejects.toThrow(message)
})
