import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { readDataset } from "../../datasets/read.js"
import { writeDataset } from "../../datasets/write.js"
import { UsageError } from "../../src/core/errors.js"
import { evaluateDetectorSchema } from "../../src/tasks/options/evaluate.js"
import { expectOtherFiles } from "../../src/tasks/own-output.js"
import { quickstart } from "../../src/tasks/quickstart.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { refuseExistingRun } from "../../src/tasks/training/run-record.js"
import { tuneDetector } from "../../src/tasks/tune.js"
import { viewDataset } from "../../src/tasks/view-dataset.js"
import { tempFolder } from "../datasets/samples.js"
import { runCommand } from "../support/run-command.js"

/** A folder with files of the user's, each of which says "mine". */
function theirs(...names: readonly string[]): { folder: string; lost: () => string[] } {
  const folder = tempFolder()
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), "mine")
  }
  return { folder, lost: () => names.filter((name) => readFileSync(join(folder, name), "utf8") !== "mine") }
}

test.each([
  ["weights/best.safetensors"],
  ["weights/last.safetensors"],
  ["results.csv"],
  ["metrics.jsonl"],
  ["report.html"],
  ["config.json"],
])("a training does not begin where it would overwrite %s", async (name) => {
  const { folder, lost } = theirs(name)
  await expect(trainDetector({ data: "/nowhere", out: folder })).rejects.toThrow(
    `${folder} has ${name} already: nothing is overwritten`,
  )
  expect(lost()).toEqual([])
})

test("what a run left that ended before its first save is begun anew; one whose state was taken away is not", () => {
  const { folder } = theirs("metrics.jsonl", "weights/last.safetensors", "train.log")
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ config: {}, model: {}, data: { images: 1, classes: [] } }),
  )
  expect(() => refuseExistingRun(folder)).not.toThrow()
  writeFileSync(join(folder, "report.html"), "")
  expect(() => refuseExistingRun(folder)).toThrow("has weights/last.safetensors already")
})

test("a log that a shell writes into the run's folder is in nobody's way", () => {
  expect(() => refuseExistingRun(theirs("train.log", "notes.txt").folder)).not.toThrow()
})

test.each([["tune.csv"], ["trials/1-1/x"], ["pace/x"]])("a search leaves %s alone", async (name) => {
  const { folder, lost } = theirs(name)
  await expect(tuneDetector({ data: "/nowhere", out: folder })).rejects.toThrow("nothing is overwritten")
  expect(lost()).toEqual([])
})

test.each([
  [
    ["import", "a.pth", "--model", "resnet18", "--out", "a.pth"],
    "--out a.pth: this is the file of <file>, which would",
  ],
  [["import", "a.pth", "--model", "resnet18", "--out", "-"], "--out -: expected the name of a file"],
  [["classify", "predict", "--weights", "a", "--source", "b", "--out", "-"], "--out -: expected the name of a file"],
  [["classify", "responses", "--weights", "a", "--data", "b", "--out", "-"], "--out -: expected the name of a file"],
])("%j is refused", async (words, message) => {
  expect(await runCommand(...words)).toMatchObject({ said: expect.stringContaining(message), code: 2 })
})

test("a quickstart does not empty a folder that it has not made", async () => {
  const { folder, lost } = theirs("digits/mine.txt", "holiday.jpg")
  await expect(quickstart({ out: folder, offline: true })).rejects.toThrow(
    /holds (digits|holiday\.jpg), which could be/,
  )
  expect(lost()).toEqual([])
})

test("dataset view does not draw on the photos of a data set whose layout is that of its own pictures", async () => {
  const [shapes, photos] = [join(tempFolder(), "shapes"), join(tempFolder(), "photos")]
  await makeShapes(shapes, { images: 1, valImages: 1, sides: [64, 80], heights: [28, 40], counts: [1, 1] })
  await writeDataset([await readDataset(shapes, { split: "val" })], "coco", photos)
  const { folder, lost } = theirs("val/000001.jpg")
  await expect(viewDataset({ data: shapes, split: "val", out: folder })).rejects.toThrow(UsageError)
  expect(lost()).toEqual([])
  await expect(viewDataset({ data: photos, split: "val", out: photos })).rejects.toThrow(UsageError)

  // Its own pictures give way, and a folder that the system alone has put something into is empty.
  const out = tempFolder()
  writeFileSync(join(out, ".DS_Store"), "")
  const seen = await viewDataset({ data: shapes, split: "val", out })
  writeFileSync(seen.pictures[0]!, "old")
  await viewDataset({ data: shapes, split: "val", out })
  expect(readFileSync(seen.pictures[0]!).length).toBeGreaterThan(100)
  expect(readdirSync(out).sort()).toEqual([".DS_Store", ".made-by-resdet", "index.html", "val"])
})

test.each([
  [
    "the weights of a run's folder",
    ["--weights", "run", "--data", "photos", "--json", "run/weights/best.safetensors"],
    "the file of --weights",
  ],
  [
    "a file of the data",
    ["--weights", "run", "--data", "photos", "--json", "photos/labels/1.txt"],
    "a file of the data of --data",
  ],
  ["a photo", ["--weights", "run", "--data", "list.txt", "--per-image", "photos/1.png"], "a picture"],
])("what is written never takes the place of %s", async (_, flags, message) => {
  const { folder, lost } = theirs("run/weights/best.safetensors", "photos/1.png", "photos/labels/1.txt", "list.txt")
  const placed = flags.map((word) => (word.startsWith("--") ? word : join(folder, word)))
  const { said, code } = await runCommand("classify", "eval", ...placed)
  expect([said, code]).toEqual([expect.stringContaining(`: this is ${message}, which would be lost`), 2])
  expect(lost()).toEqual([])
})

test("results that were written into the folder of the data are made anew, its annotations are not", () => {
  const { folder } = theirs("eval.json", "report.html")
  const annotations = join(folder, "annotations.json")
  writeFileSync(annotations, JSON.stringify({ images: [{ id: 1, file_name: "a.jpg" }] }))
  const expectOutput = (json: string) => () =>
    expectOtherFiles(evaluateDetectorSchema, { data: folder, report: join(folder, "report.html") }, { json })
  expect(expectOutput(join(folder, "eval.json"))).not.toThrow()
  expect(expectOutput(annotations)).toThrow("this is a file of the data of --data, which would be lost")
})

test.each([
  ["the ground truth", ["--json", "gt.json"], "--json gt.json: this is the file of --gt"],
  ["the predictions", ["--report", "r.json"], "--report r.json: this is the file of --predictions"],
  ["a link to them", ["--report", "link.json"], "--report link.json: this is the file of --predictions"],
  ["another result", ["--report", "new.html", "--json", "./new.html"], "--report new.html: this is the file of --json"],
])("what is written never takes the place of %s", async (_, flags, message) => {
  const { folder, lost } = theirs("gt.json", "r.json")
  symlinkSync("r.json", join(folder, "link.json"))
  const placed = (word: string) => (word.startsWith("--") ? word : join(folder, word))
  const { said, code } = await runCommand(
    "eval",
    ...["--gt", join(folder, "gt.json"), "--predictions", join(folder, "r.json"), ...flags.map(placed)],
  )
  expect([said.replaceAll(`${folder}/`, ""), code]).toEqual([expect.stringContaining(message), 2])
  expect(lost()).toEqual([])
})
