import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Command } from "commander"
import { afterAll, describe, expect, test } from "vitest"
import { readDataset } from "../../datasets/read.js"
import { givenOptions } from "../../src/cli/command.js"
import { command as evalCommand } from "../../src/cli/eval.js"
import { evalDocument, formatReport } from "../../src/cli/eval-report.js"
import { readCocoTruths } from "../../src/eval/coco-stream.js"
import { truthsFromDataset } from "../../src/eval/records.js"
import { scorePredictionsSchema } from "../../src/tasks/options/evaluate.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { png, writeFiles } from "../datasets/samples.js"
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

test.skipIf(!existsSync("/dev/full"))(
  "the figures are printed before --json, which a full disk may refuse",
  async () => {
    const { out, said, code } = await runCommand(
      "eval",
      ...["--gt", gt, "--predictions", predictions, "--json", "/dev/full"],
    )
    expect(out).toContain("Average Precision")
    expect([said, code]).toEqual([
      expect.stringMatching(/error: \/dev\/full: cannot be written \(ENOSPC: [^\n]*\n$/),
      1,
    ])
  },
)

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

test("--data means --gt, for saved predictions and in compare; what comes next names the split", async () => {
  const files = ["--predictions", predictions, "--no-details", "--split", "test"]
  const byGt = await runCommand("eval", "--gt", gt, ...files)
  expect(byGt).toMatchObject({
    code: 0,
    said: expect.stringContaining(`<other predictions> --gt ${gt} --split test\n`),
  })
  expect(await runCommand("eval", "--data", gt, ...files)).toEqual(byGt)
  const compared = await runCommand("compare", predictions, predictions, "--gt", gt)
  expect(compared.code).toBe(0)
  expect(await runCommand("compare", predictions, predictions, "--data", gt)).toEqual(compared)
  expect(await runCommand("eval", "--weights", "w.safetensors", "--gt", gt)).toMatchObject({
    said: expect.stringContaining("w.safetensors"),
  })
  expect(await runCommand("eval", "--gt", gt, "--data", gt, ...files)).toMatchObject({
    ...{ said: "error: eval: --gt and --data are both what is scored against; give one of them\n", code: 2 },
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
    const { out, said, code } = await runCommand("eval", "--quiet", ...files, "--json", "-", ...more)
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

describe("metrics of data annotated class by class", () => {
  const away: Xywh = [100, 100, 50, 50]
  const { images, annotations } = truthFile([{ box }, { box: away, image: 2, category: 2 }], 2, 3)
  const truths = {
    // Of image 1 it is known that it has nothing of class 2; nobody looked for class 3.
    images: images.map((image) => ({ ...image, neg_category_ids: image.id === 1 ? [2] : [] })),
    categories: ["animal", "cat", "stone"].map((name, k) => ({ id: k + 1, name, frequency: "rcf"[k] })),
    annotations: annotations.map((one) => ({ ...one, category_id: one.image_id === 1 ? 2 : 1 })),
  }
  const file = saved("federated.json", {
    ...truths,
    images: truths.images.map((one) => ({ ...one, neg_category_ids: [] })),
  })
  const found = saved("federated-results.json", [
    result(box, 0.9, 1, 2),
    result(box, 0.8, 1, 3),
    result(away, 0.7, 2, 1),
    result(box, 0.95, 1, 1),
  ])
  const tree = { LabelName: "entity", Subcategory: [{ LabelName: "animal", Subcategory: [{ LabelName: "cat" }] }] }
  const run = async (...more: string[]) => {
    const said = await runCommand("eval", "--gt", file, "--predictions", found, "--json", "-", ...more)
    return { ...said, document: said.code === 0 ? JSON.parse(said.out) : undefined }
  }

  test("--metrics openimages judges a class where it was looked for, and --hierarchy makes a cat an animal", async () => {
    const flat = (await run("--metrics", "openimages")).document
    // The animal of score 0.95 in image 1 takes no part: nobody looked for animals there.
    expect(flat.openimages).toMatchObject({ mAP: 1, perClass: [{ AP: 1, truths: 1 }, { AP: 1 }, { AP: null }] })
    expect(flat).not.toHaveProperty("coco")
    expect(flat).not.toHaveProperty("lvis")
    const { document } = await run("--metrics", "openimages", "--hierarchy", saved("tree.json", tree))
    expect(document.openimages.perClass[0]).toEqual({ name: "animal", truths: 2, AP: 1 })
    const { out } = await runCommand("eval", "--gt", file, "--predictions", found, "--metrics", "openimages")
    expect(out).toMatch(/Open Images Challenge \(IoU 0\.5\): mAP 100\.0\nclass +boxes +AP\nanimal +1 +100\.0\n/)
  })

  test("--min-map asks for the mAP of the first metric", async () => {
    expect((await run("--metrics", "openimages", "--min-map", "0.9")).code).toBe(0)
    expect((await run("--metrics", "coco", "--min-map", "0.9")).code).toBe(4)
    expect((await run("--metrics", "lvis", "--min-map", "0.9")).code).toBe(0)
  })

  test.each([
    [["--hierarchy", saved("tree.json", tree)], 2, "--hierarchy goes with --metrics openimages"],
    [["--metrics", "openimages", "--hierarchy", saved("odd.json", { LabelName: 1 })], 3, "odd.json: LabelName: "],
    [
      ["--metrics", "openimages", "--hierarchy", saved("else.json", { LabelName: "/m/0bl9f" })],
      3,
      'hierarchy: none of its labels, such as "/m/0bl9f", is the name of a category, such as "animal"',
    ],
  ])("%s is refused in one line", async (flagsGiven, code, message) => {
    const said = await run(...flagsGiven)
    expect(said.code).toBe(code)
    expect(said.said).toContain(message)
  })

  test("--metrics lvis refuses other data; LVIS's are recognised, in a data set in memory too", async () => {
    const said = await runCommand("eval", "--gt", gt, "--predictions", predictions, "--metrics", "lvis")
    expect([said.code, said.said]).toEqual([2, expect.stringContaining("expected LVIS annotations")])
    const one = expect.closeTo(1, 12)
    const { lvis } = await scorePredictions({ gt: file, predictions: found })
    expect(lvis).toMatchObject({ AP: one, APr: one, APc: one })
    const data = join(folder, "lvis-data")
    writeFiles(data, {
      "annotations/instances_val.json": readFileSync(file),
      ...Object.fromEntries(images.map(({ file_name }) => [`val/${file_name}`, png(200, 200)])),
    })
    const set = await readDataset(data, { split: "val" })
    expect(truthsFromDataset(set).federated).toEqual((await readCocoTruths([readFileSync(file)], "truths")).federated)
  })
})

test("predictions from standard input are scored as those of a file", () => {
  const score = (given: string, input = "") => {
    const args = ["bin/resdet.js", "eval", "--gt", gt, "--predictions", given, "--json", "-"]
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", input })
    expect(status).toBe(0)
    return JSON.parse(stdout)
  }
  expect(score("-", readFileSync(predictions, "utf8"))).toEqual(score(predictions))
})
