import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Command } from "commander"
import { afterAll, expect, test } from "vitest"
import { givenOptions } from "../../src/cli/command.js"
import { command as evalCommand } from "../../src/cli/eval.js"
import { evalDocument, formatReport } from "../../src/cli/eval-report.js"
import { scorePredictionsSchema } from "../../src/tasks/options/evaluate.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { result, truthFile, type Xywh } from "../eval/support/cases.js"
import { runCommand } from "../support/run-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-further-"))
afterAll(() => rmSync(folder, { recursive: true }))

function saved(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}

const box: Xywh = [0, 0, 50, 50]
const boxes = Array.from({ length: 8 }, (_, i) => ({ box, image: i + 1 }))
const gt = saved("gt.json", truthFile(boxes.slice(1), 8, 1))
const predictions = saved(
  "results.json",
  boxes.map(({ image }) => result(box, 0.9, image)),
)

function flags(...args: string[]) {
  const command = new Command("eval").exitOverride()
  evalCommand.configure(command)
  command.action(() => {}).parse(["--gt", gt, "--predictions", predictions, ...args], { from: "user" })
  const { intervals, slice, calibration, fBeta, suspects } = scorePredictionsSchema.shape
  const schema = scorePredictionsSchema
    .pick({ gt: true, predictions: true })
    .extend({ intervals, slice, calibration, fBeta, suspects })
  return givenOptions(command, { schema }).options
}

test("intervals, slices, calibration, F-beta thresholds and suspects are in the text and the JSON when they are asked for", async () => {
  const slices = saved("slices.json", { first: ["image 1", "image 2"], rest: [3, 4, 5, 6, 7, 8] })
  const asked = flags("--intervals", "50", "--slice", slices, "--calibration", "--f-beta", "0.5,2", "--suspects")
  const report = await scorePredictions(asked)
  const text = formatReport(report)
  expect(text).toMatch(/AP \d+\.\d, 95 % interval \d+\.\d to \d+\.\d/)
  expect(text).toContain("  first: AP 50.0, AP50 50.0 (2 images, 1 objects)")
  expect(text).toContain("Calibration error 2.5 (IoU 0.5):\n  score 0.9 to 1.0: mean 90.0, right 87.5 (8 detections)")
  // 7 of 8 detections are right and all 7 objects are found.
  expect(text).toContain(
    "Best score thresholds by F-beta (IoU 0.5, all classes):\n" +
      "  F0.5 89.7: score 0.900, precision 87.5, recall 100.0\n" +
      "  F2 97.2: score 0.900, precision 87.5, recall 100.0",
  )
  expect(text).toContain(
    "1 suspected label errors, most suspicious first (all: --json):\n  image 1: class 1 without a label",
  )
  expect(JSON.parse(JSON.stringify(evalDocument(report)))).toMatchObject({
    intervals: { options: { samples: 50 } },
    slices: [{ name: "first" }, { name: "rest", images: 6 }],
    calibration: { ece: expect.closeTo(0.025, 10) },
    fBeta: [
      { beta: 0.5, overall: { score: 0.9, fBeta: expect.closeTo(8.75 / 9.75, 10) } },
      { beta: 2, perClass: [{ name: "class 1", bestThreshold: { recall: 1, fBeta: expect.closeTo(35 / 36, 10) } }] },
    ],
    suspects: [{ kind: "missing", imageId: 1, found: "class 1" }],
  })
})

test("without these flags nothing more is made", async () => {
  const document = evalDocument(await scorePredictions(flags()))
  for (const key of ["intervals", "slices", "calibration", "fBeta", "suspects"])
    expect(document).not.toHaveProperty(key)
})

test("--no-details leaves the figures as they are, and nothing that explains them", async () => {
  const files = ["--gt", gt, "--predictions", predictions]
  const whole = JSON.parse((await runCommand("eval", ...files, "--json", "-")).out)
  const brief = JSON.parse((await runCommand("eval", ...files, "--no-details", "--json", "-")).out)
  expect(whole.diagnosis).not.toEqual([])
  const { coco, voc12, perClass, bestThreshold, curve } = whole
  expect(brief).toMatchObject({ coco, voc12, perClass, bestThreshold, curve })
  expect(brief).toMatchObject({ confusion: null, errors: null, bestImages: null, worstImages: null, diagnosis: [] })
  const { out } = await runCommand("eval", ...files, "--no-details")
  expect(out).not.toMatch(/error type|Worst images|! /)
})

test("the confusion matrix starts at --score, and without it at the best threshold", async () => {
  const files = ["--gt", gt, "--predictions", predictions]
  const confusion = async (...more: string[]) => {
    const { out, said, code } = await runCommand("eval", ...files, "--json", "-", ...more)
    expect([said, code]).toEqual(["", 0])
    return JSON.parse(out).confusion
  }
  expect(await confusion("--score", "0.95")).toMatchObject({
    scoreThreshold: 0.95,
    counts: [
      [0, 7],
      [0, 0],
    ],
  })
  expect(await confusion()).toMatchObject({
    scoreThreshold: 0.9,
    counts: [
      [7, 0],
      [1, 0],
    ],
  })
})

test("a file of slices that is not there is refused in one line", async () => {
  const none = join(folder, "none.json")
  await expect(scorePredictions(flags("--slice", none))).rejects.toThrow(
    `--slice ${none}: expected size, folder or a JSON file`,
  )
})
