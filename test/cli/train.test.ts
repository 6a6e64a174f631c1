import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { png, writeFiles } from "../datasets/samples.js"
import { readDetectorInfo } from "../support/read-info.js"
import { reportPictures } from "../support/report-pictures.js"
import { slowTest } from "../support/slow-test.js"

let folder: string
let data: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-train-"))
  data = join(folder, "shapes")
  await makeShapes(data, { images: 6, valImages: 2, sides: [64, 80], heights: [28, 40], counts: [1, 2] })
})

afterAll(() => rmSync(folder, { recursive: true }))

const resdet = (...args: string[]) => ["bin/resdet.js", ...args]
/** Regions of few bins, few of them: what is tested does not hang on their number. */
const few = ["roi.sample.batchSizePerImage=64", "align.size=4", "proposals.train.postNmsTopN=100"]
const small = ["--size", "64", "--set", ...few.map((option) => `detector.${option}`), "logEvery=1"]
const options = [...small, "--epochs", "2", "--warmup", "1"]

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, resdet(...args), { encoding: "utf8" })
  return { status, stdout, stderr }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("close", resolve))
}

const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex")

test("a run that Ctrl-C stopped exits with 130, and resumed ends with the same files as one that ran through", async () => {
  const whole = join(folder, "whole")
  const through = run("train", "--data", data, "--out", whole, ...options)
  expect(through.stderr).toMatch(/VOC data, split train: 6 images/)
  expect(through.stderr).toMatch(/learning rate 0\.01 \(0\.005 an image x batch 2\)/)
  expect(through.stderr).toMatch(
    /epoch 1\/2 {2}step 2 {2}loss \d+\.\d+ \(objectness .*rpn_box_reg .*classifier .*box_reg .*\) {2}lr .* s\/step \(data .*\) {2}.* GB {2}.* left/,
  )
  expect(through.stderr).toMatch(/\nnew best voc12 \d\.\d{4}: .*whole\/weights\/best\.safetensors\n/)
  expect(through).toMatchObject({ status: 0, stdout: `${whole}\n` })
  expect(readDetectorInfo(join(whole, "weights", "best.safetensors"))?.training).toHaveProperty("bestScore")
  expect(readdirSync(whole).sort()).toEqual(
    expect.arrayContaining(["config.json", "metrics.jsonl", "report.html", "results.csv", "state", "weights"]),
  )

  const broken = join(folder, "broken")
  const child = spawn(process.execPath, resdet("train", "--data", data, "--out", broken, ...options))
  child.stderr.on("data", (text: Buffer) => {
    if (/step 2 /.test(String(text))) child.kill("SIGINT")
  })
  expect(await ended(child)).toBe(130)
  const resumed = run("train", "--resume", broken)
  expect(resumed.stderr).toMatch(/continuing after step [23]/)
  expect(resumed.status).toBe(0)
  for (const name of ["weights/last.safetensors", "state/weights.safetensors", "state/velocities.safetensors"]) {
    expect(digest(join(broken, name)), name).toBe(digest(join(whole, name)))
  }
  const steps = (name: string) => {
    const lines = readFileSync(join(name, "metrics.jsonl"), "utf8").trim().split("\n")
    return lines.map((line) => {
      const { step, loss } = JSON.parse(line) as { step: number; loss: number }
      return [step, loss]
    })
  }
  expect(steps(broken)).toEqual(steps(whole))
  expect(reportPictures(broken)).toBe(reportPictures(whole))

  const again = run("train", "--resume", broken)
  expect(again.stderr).toMatch(/is finished: 2 epochs\. Set --epochs to train further\nbest voc12: \d\.\d+\nreport: /)
  expect(again.stderr).toMatch(/report\.html\nnext: npx resdet detect --weights \S+broken --source <pictures>\n$/)
  expect(again).toMatchObject({ status: 0, stdout: `${broken}\n` })
  expect(run("train", "--resume", broken, "--lr", "1")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/leave out --lr, or start a new run\n$/),
  })
  expect(run("train", "--data", data, "--out", whole)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/already holds a run\. Continue it with --resume/),
  })

  const weights = join(whole, "weights", "last.safetensors")
  const scored = run("eval", "--weights", whole, "--data", data, "--json", "-")
  expect(scored.stderr).toContain(`weights: ${join(whole, "weights", "best.safetensors")}\n`)
  expect(scored.status).toBe(0)
  expect(JSON.parse(scored.stdout)).toMatchObject({ images: 2, voc12: { mAP: expect.any(Number) } })

  const out = join(folder, "found")
  writeFileSync(join(folder, "list.txt"), [join(data, "JPEGImages", "000000.jpg"), "absent.jpg"].join("\n"))
  const detected = run(
    "detect",
    "--weights",
    weights,
    "--source",
    join(folder, "list.txt"),
    "--out",
    out,
    "--score",
    "0",
  )
  expect(detected.status).toBe(3)
  expect(detected.stderr).toMatch(/absent\.jpg: skipped/)
  const [line] = readFileSync(join(out, "detections.jsonl"), "utf8").trim().split("\n")
  expect(JSON.parse(line!)).toMatchObject({ width: expect.any(Number), detections: expect.any(Array) })
}, 240_000)

slowTest(
  "steps, several sizes, repetitions, batches a step, augmentation, AdamW and a mean of the weights resume alike too",
  async () => {
    const more = [
      ...small,
      ...["--sizes", "64,72", "--steps", "5", "--drops", "3", "--accumulate", "2", "--ema"],
      ...["--repeat-threshold", "1", "--warmup", "1", "--augment", "strong", "--cache", "ram", "--optimizer", "adamw"],
    ]
    const whole = join(folder, "whole-steps")
    const through = run("train", "--data", data, "--out", whole, ...more)
    expect(through.stderr).toMatch(/AdamW, learning rate 0\.0001, warm-up 1 steps; 5 steps in epochs of/)
    expect(through.status).toBe(0)

    const broken = join(folder, "broken-steps")
    const child = spawn(process.execPath, resdet("train", "--data", data, "--out", broken, ...more))
    child.stderr.on("data", (text: Buffer) => {
      if (/step 2 /.test(String(text))) child.kill("SIGINT")
    })
    expect(await ended(child)).toBe(130)
    expect(run("train", "--resume", broken).status).toBe(0)
    const files = ["weights/last", "state/weights", "state/velocities", "state/average"]
    for (const name of files.map((file) => `${file}.safetensors`)) {
      expect(digest(join(broken, name)), name).toBe(digest(join(whole, name)))
    }
    expect(digest(join(whole, "weights/last.safetensors"))).not.toBe(digest(join(whole, "state/weights.safetensors")))
    expect(run("train", "--resume", broken).stderr).toMatch(/is finished: 5 steps\. Set --steps to train further\n/)
    expect(run("train", "--resume", broken, "--epochs", "9").stderr).toMatch(
      /its length is in steps\. Give --steps instead of --epochs\n$/,
    )
  },
  240_000,
)

test("COCO's category ids, gaps and all, go through training into scores and results; crowds are no truths", () => {
  const coco = join(folder, "coco")
  const images = [1, 2, 4, 9].map((id) => ({ id, file_name: `${id}.png`, width: 64, height: 64 }))
  const categories = [
    { id: 90, name: "toothbrush" },
    { id: 3, name: "car" },
  ]
  const annotations = images.flatMap(({ id }) => [
    { id: 10 * id, image_id: id, category_id: 90, bbox: [8, 8, 30, 30], area: 900, iscrowd: 0 },
    { id: 10 * id + 1, image_id: id, category_id: 3, bbox: [0, 0, 64, 20], area: 1280, iscrowd: id % 2 },
  ])
  writeFiles(coco, {
    "annotations/instances_train2017.json": JSON.stringify({ images, categories, annotations }),
    "annotations/instances_val2017.json": JSON.stringify({ images, categories, annotations }),
    ...Object.fromEntries(images.map(({ file_name: name }, i) => [`train2017/${name}`, png(64, 64, [60 * i, 9, 99])])),
    ...Object.fromEntries(images.map(({ file_name: name }, i) => [`val2017/${name}`, png(64, 64, [60 * i, 9, 99])])),
  })
  const out = join(folder, "coco-run")
  const { status, stderr } = run("train", "--data", coco, ...small, "--epochs", "1", "--out", out)
  expect(stderr).toMatch(/COCO data, split val: 4 images, 8 objects, 2 classes/)
  expect(status).toBe(0)
  const weights = join(out, "weights", "last.safetensors")
  expect(readDetectorInfo(weights)).toMatchObject({ classes: ["car", "toothbrush"], categoryIds: [3, 90] })

  const scored = run("eval", "--weights", weights, "--data", coco, "--split", "val2017", "--json", "-")
  const { coco: summary, perClass } = JSON.parse(scored.stdout) as {
    coco: { AP: number }
    perClass: { name: string; truths: number; ignored: number }[]
  }
  expect(summary.AP).toEqual(expect.any(Number))
  // Of the cars, those of the images 1 and 9 are crowds.
  expect(perClass.map(({ name, truths, ignored }) => [name, truths, ignored])).toEqual([
    ["car", 4, 2],
    ["toothbrush", 4, 0],
  ])

  const found = join(folder, "coco-found")
  const source = join(coco, "val2017")
  const seen = run(
    "detect",
    "--weights",
    weights,
    "--source",
    source,
    "--out",
    found,
    "--score",
    "0",
    "--format",
    "coco",
  )
  expect(seen.status).toBe(0)
  const results = JSON.parse(readFileSync(join(found, "coco_results.json"), "utf8")) as {
    image_id: number
    category_id: number
  }[]
  expect(results.length).toBeGreaterThan(0)
  expect(new Set(results.map(({ image_id: id }) => id))).toEqual(new Set([1, 2, 4, 9]))
  expect([3, 90]).toEqual(expect.arrayContaining([...new Set(results.map(({ category_id: id }) => id))]))
}, 240_000)

test("a detector of other classes hands over those that both know, and says which in a table", async () => {
  const record = JSON.parse(readFileSync(join(folder, "whole", "config.json"), "utf8")) as {
    data: { classes: string[] }
  }
  const [first, second] = record.data.classes
  const renamed = join(folder, "renamed")
  cpSync(data, renamed, { recursive: true })
  const annotations = readdirSync(join(renamed, "Annotations")).map((name) => join(renamed, "Annotations", name))
  for (const file of annotations) {
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(`<name>${first}<`, "<name>sofa<"))
  }
  const weights = join(folder, "whole", "weights", "last.safetensors")
  const out = join(folder, "handed-over")
  const once = ["--steps", "1", "--batch", "1", "--val-every", "0", ...small]
  const { status, stderr } = run("train", "--data", renamed, "--weights", weights, "--out", out, ...once)
  expect(stderr).toMatch(
    /initialised 4: roi_heads\.box_predictor\.cls_score \(2\), roi_heads\.box_predictor\.bbox_pred \(2\)\n/,
  )
  expect(stderr).toMatch(/head weights reused for 2 of 3 classes \(the weights have 3\):\n {2}background +row 0\n/)
  expect(stderr).toMatch(/ {2}sofa +new\n/)
  expect(stderr).toMatch(new RegExp(` {2}${second} +row 2\\n`))
  expect(status).toBe(0)
}, 240_000)

test("weights that are no numbers end training with 5 before anything is saved", async () => {
  const weights = join(folder, "nan.safetensors")
  // Not before a ReLU: that of WebAssembly makes 0 of NaN.
  const values = new Float32Array(15 * 256).fill(Number.NaN)
  writeSafetensors(weights, [
    ["backbone.layer1.0.conv1.weight", { shape: [64, 64, 3, 3], values: new Float32Array(36_864) }],
    ["rpn.head.cls_logits.weight", { shape: [15, 256, 1, 1], values }],
  ])
  const out = join(folder, "diverged")
  const { status, stderr } = run("train", "--data", data, "--weights", weights, "--out", out, ...options)
  expect(stderr).toMatch(/error: training diverged at step 1 \(epoch 1\): loss_\w+ is NaN, with images \d{6}, \d{6}\./)
  expect(status).toBe(5)
  expect(existsSync(join(out, "state"))).toBe(false)
  expect(readdirSync(join(out, "weights"))).toEqual([])
})

test("a score below --min-map exits with 4", () => {
  const args = [...small, "--epochs", "1", "--min-map", "1", "--out", join(folder, "low")]
  const { status, stderr } = run("train", "--data", data, ...args)
  expect(stderr).toMatch(/error: the best voc12, .* is below --min-map 1\n$/)
  expect(status).toBe(4)
})

test.each([
  [["--data", "nowhere"], 3, /No data at nowhere: there is no such file or folder/],
  [
    ["--model", "fasterrcnn_resnet81_c4"],
    2,
    /unknown model "fasterrcnn_resnet81_c4"\. Did you mean "fasterrcnn_resnet18_c4"\?/,
  ],
  [["--set", "detector.anchors.size=[1]"], 2, /unknown option "detector\.anchors\.size"\. Did you mean "sizes"\?/],
  [["--set", "detector.anchors.sizes=1"], 2, /expected detector\.anchors\.sizes to be a list like/],
  [["--set", "lrr=1"], 2, /lrr/],
  [["--preset", "papper"], 2, /preset/],
  [["--recipe", "voc7"], 2, /--recipe: expected one of voc07, .* got "voc7"\. Did you mean "voc07"\?/],
  [["--recipe", "voc07"], 3, /No folder "VOC2007" for split "VOC2007\/trainval"/],
  [["--weights", "absent.safetensors"], 3, /absent\.safetensors/],
])("train with %j says so in one line", (args, code, message) => {
  const { status, stderr } = run("train", "--data", data, "--out", join(folder, "never"), ...args)
  expect(stderr.trim().split("\n").at(-1)).toMatch(message)
  expect(status).toBe(code)
})
