import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { UserError } from "../../src/core/errors.js"
import { seededRandom } from "../../src/core/random.js"
import { resolveConfig } from "../../src/tasks/config.js"
import { classifyTrainSchema } from "../../src/tasks/options/train-classifier.js"
import { trainClassifier } from "../../src/tasks/train-classifier.js"
import { readHistory } from "../../src/train/run-history.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { png, tiledPng, writeFiles } from "../datasets/samples.js"
import { writeCifarFiles } from "../support/cifar-files.js"
import { readClassifierInfo } from "../support/read-info.js"
import { reportPictures } from "../support/report-pictures.js"
import { storedFile } from "../support/stored-file.js"

let folder: string
let cifar: string
let photos: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-classify-"))
  cifar = join(folder, "cifar")
  photos = join(folder, "photos")
  writeCifarFiles(cifar)
  for (const [name, colour] of [
    ["dark", [10, 20, 30]],
    ["light", [230, 240, 250]],
  ] as const) {
    for (let n = 0; n < 4; n++) writeFiles(photos, { [`${name}/${n}.png`]: png(40 + n, 36, colour) })
  }
})

afterAll(() => rmSync(folder, { recursive: true }))

const resdet = (...args: string[]) => ["bin/resdet.js", "classify", ...args]
const options = ["--epochs", "2", "--batch", "4", "--lr", "0.05", "--set", "logEvery=1"]

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, resdet(...args), { encoding: "utf8" })
  return { status, stdout, stderr }
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("close", resolve))
const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex")

test("a classifier's run that Ctrl-C stopped exits with 130, and resumed ends with the same files", async () => {
  const whole = join(folder, "whole")
  const through = run("train", "--data", cifar, "--out", whole, ...options)
  expect(through.stderr).toMatch(/CIFAR-10, split train: 12 images, 3 classes\n.*CIFAR-10, split val: 6 images/)
  expect(through.stderr).toMatch(/cifar_resnet20, input 32x32; learning rate 0\.05 \(steps\); 2 epochs of 3 steps of 4/)
  expect(through.stderr).toMatch(/epoch 1\/2 {2}step 2 {2}loss \d+\.\d+ \(classifier .*train_error .*\) {2}lr /)
  expect(through.stderr).toMatch(/epoch 2\/2 done .*accuracy \d.* top1_error \d.* top5_error 0\.0000/)
  expect(through).toMatchObject({ status: 0, stdout: `${whole}\n` })
  expect(readdirSync(whole).sort()).toEqual(
    expect.arrayContaining(["config.json", "metrics.jsonl", "report.html", "results.csv", "state", "weights"]),
  )
  const weights = join(whole, "weights", "last.safetensors")
  expect(readClassifierInfo(weights)).toMatchObject({
    config: { network: "cifar_resnet20", size: 32 },
    classes: ["red", "green", "blue"],
    training: { epoch: 2, step: 6, accuracy: expect.any(Number) },
  })

  const broken = join(folder, "broken")
  const child = spawn(process.execPath, resdet("train", "--data", cifar, "--out", broken, ...options))
  child.stderr.on("data", (text: Buffer) => {
    if (/step 2 /.test(String(text))) child.kill("SIGINT")
  })
  let said = ""
  child.stderr.on("data", (text: Buffer) => {
    said += String(text)
  })
  expect(await ended(child)).toBe(130)
  expect(said).toMatch(/continue with: resdet classify train --resume/)
  const resumed = run("train", "--resume", broken)
  expect(resumed.stderr).toMatch(/continuing after step [234]/)
  expect(resumed.status).toBe(0)
  for (const name of ["weights/last.safetensors", "state/weights.safetensors", "state/velocities.safetensors"]) {
    expect(digest(join(broken, name)), name).toBe(digest(join(whole, name)))
  }
  const epochs = (name: string) => readHistory(name).epochs.map(({ seconds: _, ...row }) => row)
  expect(epochs(broken)).toEqual(epochs(whole))
  expect(reportPictures(broken)).toBe(reportPictures(whole))
  expect(run("train", "--resume", broken)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/is finished: 2 epochs/),
  })
  expect(run("train", "--resume", broken, "--lr", "1").stderr).toMatch(/leave out --lr, or start a new run\n$/)
  for (const wrong of ["--epochs=1.5", "--engine=abacus"]) {
    const refused = run("train", "--data", cifar, wrong)
    expect(refused.status).toBe(2)
    expect(run("train", "--resume", broken, wrong)).toEqual(refused)
  }

  const tuned = join(folder, "tuned")
  const args = ["--data", photos, "--weights", weights, "--out", tuned, "--epochs", "1", "--batch", "4"]
  const next = run("train", ...args, "--workers", "1")
  expect(next.stderr).toMatch(/a folder of classes, split all: 8 images, 2 classes/)
  expect(next.stderr).toMatch(/the data have no splits: 2 of 8 images, drawn with seed 0, are held out to validate on/)
  expect(next.stderr).toMatch(/fc made new: it was trained for red, green, blue, the data have dark, light/)
  expect(next.status).toBe(0)
  const [before, after] = [weights, join(tuned, "weights", "last.safetensors")].map((path) => readClassifierInfo(path)!)
  expect(after!.config).toEqual(before!.config)
  expect(after!.classes).toEqual(["dark", "light"])
  const scored = run("eval", "--weights", tuned, "--json", "-")
  expect(scored.stderr).toMatch(/scored are the 2 of 8 images that .*tuned held out to validate on/)
  const { images, top1Error } = JSON.parse(scored.stdout) as { images: number; top1Error: number }
  expect([images, top1Error]).toEqual([2, readHistory(tuned).epochs.at(-1)!.top1_error])
}, 240_000)

test("what training logs of a model is what classify eval says of its file, to the last digit", () => {
  const data = join(folder, "tiles")
  const random = seededRandom(3)
  for (const [n, split] of [...Array(6).fill("train"), ...Array(60).fill("val")].entries()) {
    writeFiles(data, { [`${split}/${"abc"[n % 3]}/${n}.png`]: tiledPng(50 + random.integer(40), 45, random) })
  }
  writeFiles(data, { "val/a/broken.png": "no image" })
  const out = join(folder, "logged")
  const brief = ["--model", "plain18", "--size", "32", "--epochs", "1", "--batch", "6", "--lr", "1e-9"]
  const trained = run("train", "--data", data, "--out", out, ...brief, "--set", "shorter=[36,50]")
  expect(trained.stderr.match(/val\/a\/broken\.png: skipped/g)).toHaveLength(1)
  const weights = join(out, "weights", "last.safetensors")
  const scored = run("eval", "--weights", weights, "--data", data, "--json", "-")
  expect(scored.status).toBe(3)
  const { images, top1Error, top5Error } = JSON.parse(scored.stdout) as Record<string, number>
  expect(images).toBe(60)
  const { config, training } = readClassifierInfo(weights)!
  expect(training).toMatchObject({ top1_error: top1Error, top5_error: top5Error, accuracy: 1 - top1Error! })
  expect(config).toMatchObject({ size: 32, resize: 36 })
})

test("what comes next after a training without validation is to look at pictures", () => {
  const out = join(folder, "unvalidated")
  const { stderr } = run("train", "--data", cifar, "--out", out, "--epochs", "1", "--batch", "4", "--val-every", "0")
  const weights = join(out, "weights", "last.safetensors")
  expect(stderr).toContain(`next: npx resdet classify predict --weights ${weights} --source <pictures>\n`)
})

test("weights that are no numbers end training with 5 before anything is saved", () => {
  const weights = join(folder, "nan.safetensors")
  const shape = [3, 64]
  writeSafetensors(weights, [
    ["layer1.0.conv1.weight", { shape: [16, 16, 3, 3], values: new Float32Array(2304) }],
    ["fc.weight", { shape, values: new Float32Array(192).fill(Number.NaN) }],
  ])
  const out = join(folder, "diverged")
  const { status, stderr } = run("train", "--data", cifar, "--weights", weights, "--out", out, ...options)
  expect(stderr).toMatch(
    /training diverged at step 1 \(epoch 1\): loss_classifier is NaN, with images data_batch_1\.bin:\d/,
  )
  expect(status).toBe(5)
  expect(existsSync(join(out, "state"))).toBe(false)
})

test.each([
  [{ data: "nowhere" }, 3, /No data at nowhere: there is no such file or folder/],
  [{ model: "cifar_resnet21" }, 2, /no network "cifar_resnet21"\. Did you mean "cifar_resnet20"\?/],
  [{ size: 64 }, 2, /its pictures are 32x32\. Leave out --size 64/],
  [{ batch: 13 }, 2, /12 images do not fill a batch of 13\. Choose a smaller --batch/],
  [{ lrr: 1 }, 2, /unknown option "lrr"/],
  [{ schedule: "plateau", valEvery: 0 }, 2, /--schedule plateau drops the rate by validation/],
  [{ weights: "absent.safetensors" }, 3, /absent\.safetensors/],
  [{ frozen: 2 }, 2, /--frozen 2 keeps layers as they are: give --weights that they come from/],
])("classify train with %j says so in one line", async (flags, exitCode, message) => {
  const train = async () => {
    const given = { data: cifar, out: join(folder, "never"), batch: 4, ...flags }
    return trainClassifier(resolveConfig(classifyTrainSchema, { flags: given }).options)
  }
  const error = await train().then(
    () => expect.unreachable(),
    (error: UserError) => error,
  )
  expect(error.message).toMatch(message)
  expect(error.message).not.toContain("\n")
  expect(error.exitCode).toBe(exitCode)
  expect(existsSync(join(folder, "never"))).toBe(false)
})

test("the options that would be used can be printed, and unknown commands get the nearest known one", () => {
  const printed = run("train", "--data", cifar, "--set", "shorter=[40,60]", "--print-config")
  expect(JSON.parse(printed.stdout)).toMatchObject({ lr: 0.1, schedule: "steps", shorter: [40, 60], weightDecay: 1e-4 })
  expect(run("trian")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/unknown command "classify trian"\. Did you mean "train"\?/),
  })
  expect(run("--help").stdout).toMatch(/train .*train a classifier/)
})

test("a file that holds no part of the network is refused", () => {
  const weights = join(folder, "foreign.safetensors")
  writeSafetensors(weights, [["backbone.conv1.weight", { shape: [1], values: Float32Array.of(1) }]])
  expect(storedFile(weights).tensors.size).toBe(1)
  const out = join(folder, "foreign")
  const { status, stderr } = run("train", "--data", cifar, "--weights", weights, "--out", out, ...options)
  expect(stderr).toMatch(/foreign\.safetensors: nothing in it fits a cifar_resnet20\./)
  expect(status).toBe(3)
})
